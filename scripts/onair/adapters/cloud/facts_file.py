"""Reads ``clusters/platform/cloud.yaml`` beside the facts of the clusters."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from onair.core.cloud.facts import Cloud, CloudSpec
from onair.core.cloud.ip_plan import FILE, problems
from onair.core.facts import Facts
from onair.core.finding import Finding, OnairError
from onair.core.yaml_loader import LOADER


def read(root: Path, facts: Facts) -> CloudSpec:
    """Read the facts of the clouds and judge them with those of the clusters.

    Raises
    ------
    OnairError
        With every fault found.
    """
    try:
        text = (root / FILE).read_text(encoding="utf-8")
        spec = Cloud.model_validate(yaml.load(text, Loader=LOADER)).spec  # noqa: S506 - a safe loader
    except FileNotFoundError as error:
        mend = "restore it: git checkout -- clusters"
        raise OnairError(Finding(rule="cloud/facts", what="file not found", mend=mend, file=FILE)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        what = f"not YAML: {getattr(error, 'problem', error)}"
        raise OnairError(Finding(rule="cloud/facts", what=what, mend="correct it", file=FILE, line=line)) from error
    except ValidationError as error:
        raise OnairError(*(_finding(text, each["loc"], each["msg"]) for each in error.errors())) from error
    found = list(problems(facts.platform.spec, spec, facts.clusters))
    if found:
        raise OnairError(*found)
    return spec


def _finding(text: str, path: tuple[str | int, ...], message: str) -> Finding:
    node: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    line = 1
    for key in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(key)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
    what = f"{'.'.join(map(str, path)) or 'document'}: {message.removeprefix('Value error, ')}"
    return Finding(rule="cloud/facts", what=what, mend="correct the value", file=FILE, line=line)
