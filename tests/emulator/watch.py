"""Access Analyzer, Security Hub's settings, and GuardDuty's features one by one."""

from __future__ import annotations

import threading

from moto.cloudtrail.models import CloudTrailBackend
from moto.guardduty.models import guardduty_backends

from emulator.echo import Object, given, keep, now, tags
from emulator.front import ACCOUNT, TAGS, Answer, Call, operation


def _analyzer(call: Call) -> tuple[str, Object]:
    name = call.params["analyzerName"]
    held = {
        **given(call.params),
        "name": name,
        "arn": call.arn(f"analyzer/{name}"),
        "createdAt": now(),
        "status": "ACTIVE",
    }
    TAGS[held["arn"]] = held["tags"] = dict(call.params.get("tags") or {})
    return name, held


keep(
    "accessanalyzer",
    "analyzer",
    names=("CreateAnalyzer", "GetAnalyzer", None, "DeleteAnalyzer"),
    key=lambda params: params["analyzerName"],
    make=_analyzer,
    out="analyzer",
)
tags("accessanalyzer", out="tags", mapped=True)


@operation("accessanalyzer", "CreateAnalyzer")
def create_analyzer(call: Call) -> Answer:
    name, held = _analyzer(call)
    call.store("analyzer")[name] = held
    return {"arn": held["arn"]}


@operation("accessanalyzer", "ListAnalyzers")
def list_analyzers(call: Call) -> Answer:
    return {"analyzers": list(call.store("analyzer").values())}


@operation("securityhub", "UpdateSecurityHubConfiguration")
def update_hub(call: Call) -> Answer:
    call.store("settings")["hub"] = given(call.params)
    return {}


_FEATURES = threading.Lock()


@operation("guardduty", "UpdateDetector")
def update_detector(call: Call) -> Answer:
    """Change the features that are named and leave the others, which moto forgets: Terraform sets several at once."""
    detector = guardduty_backends[ACCOUNT][call.region].get_detector(call.params["DetectorId"])
    with _FEATURES:
        before = {each["name"]: each for each in detector.features}
        answer = call.moto()
        detector.features = list((before | {each["name"]: each for each in detector.features}).values())
    return answer


_delete_trail = CloudTrailBackend.delete_trail


def _by_name_or_arn(self: CloudTrailBackend, name: str) -> None:
    _delete_trail(self, name.rpartition("/")[2])  # moto knows names alone, and keeps what Terraform deletes by its ARN


CloudTrailBackend.delete_trail = _by_name_or_arn
