"""AWS Backup: selections, and the tags of vaults and plans."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from emulator.echo import Object, given, keep, now, tags
from emulator.front import TAGS, Answer, Call, operation


def _selection(call: Call) -> tuple[tuple[str, str], Object]:
    identity = str(uuid.uuid4())
    held = {
        "BackupSelection": given(call.params["BackupSelection"]),
        "SelectionId": identity,
        "BackupPlanId": call.params["BackupPlanId"],
        "CreationDate": now(),
    }
    return (call.params["BackupPlanId"], identity), held


def _identity(params: Mapping[str, Any]) -> tuple[str, str]:
    return params["BackupPlanId"], params["SelectionId"]


names = ("CreateBackupSelection", "GetBackupSelection", None, "DeleteBackupSelection")
keep("backup", "selection", names=names, key=_identity, make=_selection, out=None)


@operation("backup", "ListBackupSelections")
def list_selections(call: Call) -> Answer:
    held = call.store("selection").items()
    found = [each for (plan, _), each in held if plan == call.params["BackupPlanId"]]
    return {
        "BackupSelectionsList": [{**each, "SelectionName": each["BackupSelection"]["SelectionName"]} for each in found]
    }


@operation("backup", "ListRecoveryPointsByBackupVault")
def list_recovery_points(call: Call) -> Answer:
    return {"RecoveryPoints": []}


@operation("backup", "CreateBackupVault", "CreateBackupPlan")
def create(call: Call) -> Answer:
    answer = call.moto()
    if answer.status == 200:
        made = answer.json()
        given_tags = call.params.get("BackupVaultTags") or call.params.get("BackupPlanTags") or {}
        TAGS[made.get("BackupVaultArn") or made["BackupPlanArn"]] = dict(given_tags)
    return answer


tags("backup", listing="ListTags", mapped=True)
