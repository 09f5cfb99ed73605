"""Access Analyzer and Security Hub's settings."""

from __future__ import annotations

from emulator.echo import Object, given, keep, now, tags
from emulator.front import TAGS, Answer, Call, operation


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
