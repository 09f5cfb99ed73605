"""Reads the facts; every fault is told with its file and line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onair.core.facts import Cluster, Facts, Platform
from onair.core.facts_check import problems
from onair.core.finding import Finding, OnairError, errors

PLATFORM = "clusters/platform/platform.yaml"
CLUSTERS = "clusters/*/facts/cluster.yaml"

Model = TypeVar("Model", bound=BaseModel)
Key = str | int


class Source(NamedTuple):
    """A file as it was written; ``tree`` knows the lines."""

    file: str
    tree: yaml.Node | None

    def line(self, path: Sequence[Key]) -> int:
        """Return the line of the field at ``path``, or of its nearest parent that exists."""
        node, line = self.tree, 1
        for key in path:
            if isinstance(node, yaml.MappingNode):
                pairs = [(k, v) for k, v in node.value if k.value == str(key)]
                if not pairs:
                    break
                line, node = pairs[-1][0].start_mark.line + 1, pairs[-1][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                line = node.start_mark.line + 1
            else:
                break
        return line


def read(root: Path) -> Facts:
    """Read and check all facts of the repository.

    Parameters
    ----------
    root
        The repository's top folder.

    Raises
    ------
    OnairError
        With every fault found in all files, not only the first.
    """
    findings: list[Finding] = []
    sources: dict[str, Source] = {}
    platform = _object(root, root / PLATFORM, Platform, sources, findings)
    clusters: dict[str, Cluster] = {}
    for path in sorted(root.glob(CLUSTERS)):
        cluster = _object(root, path, Cluster, sources, findings)
        if cluster is None:
            continue
        folder = path.parent.parent.name
        if cluster.name != folder:
            findings.append(_misnamed(sources[cluster.name], cluster.name, folder))
        clusters[folder] = cluster
    if not clusters and not findings:
        findings.append(_missing(CLUSTERS))
    for problem in problems(platform, list(clusters.values())):
        source = sources[problem.owner]
        findings.append(
            Finding(
                rule=problem.rule,
                what=f"{_dotted(problem.path)}: {problem.what}",
                why=problem.why,
                mend=problem.mend,
                file=source.file,
                line=source.line(problem.path),
            )
        )
    if errors(findings) or platform is None:
        raise OnairError(*findings)
    return Facts(platform, clusters)


def document(root: Path, path: Path, model: type[Model]) -> tuple[Model, Source]:
    """Read one data file that is no cluster's and not the platform's.

    Raises
    ------
    OnairError
        With every fault that its model finds, each at its line.
    """
    findings: list[Finding] = []
    sources: dict[str, Source] = {}
    parsed = _object(root, path, model, sources, findings)
    if parsed is None or findings:
        raise OnairError(*findings)
    return parsed, next(iter(sources.values()))


def _object(
    root: Path, path: Path, model: type[Model], sources: dict[str, Source], findings: list[Finding]
) -> Model | None:
    file = str(path.relative_to(root) if path.is_relative_to(root) else path)
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except FileNotFoundError:
        findings.append(_missing(file))
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        findings.append(_unparsed(file, error))
        return None
    source = Source(file, tree)
    findings.extend(_duplicates(file, tree))
    try:
        parsed = model.model_validate(content)
    except ValidationError as error:
        findings.extend(_invalid(source, model, detail) for detail in error.errors(include_url=False))
        return None
    sources[content["metadata"]["name"]] = source
    return parsed


def _invalid(source: Source, model: type[BaseModel], detail: ErrorDetails) -> Finding:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    message = detail["msg"].removeprefix("Value error, ")
    known = _keys(model, path[:-1])
    if detail["type"] == "missing":
        what, mend = f"{_dotted(path)} is missing", f"add `{path[-1]}:`"
    elif detail["type"] == "extra_forbidden":
        what, mend = f"{_dotted(path)} is no known key", f"known here: {', '.join(known)}"
    else:
        what, mend = f"{_dotted(path)}: {message}, found {detail['input']!r}", "correct the value"
    rule = f"facts/{detail['type'].replace('_', '-')}"
    return Finding(rule=rule, what=what, mend=mend, file=source.file, line=source.line(path))


def _keys(model: type[BaseModel], path: Sequence[Key]) -> list[str]:
    for part in path:
        inner = {f.alias or n: f.annotation for n, f in model.model_fields.items()}.get(str(part))
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _duplicates(file: str, node: yaml.Node | None) -> list[Finding]:
    # PyYAML silently keeps the last of two equal keys: a fact would be lost.
    found: list[Finding] = []
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                what = f"'{key.value}' stands here and in line {seen[key.value]}"
                found.append(Finding(rule="facts/duplicate", what=what, mend="keep one", file=file, line=line))
            seen[key.value] = line
            found += _duplicates(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += _duplicates(file, value)
    return found


def _unparsed(file: str, error: yaml.YAMLError | UnicodeDecodeError) -> Finding:
    mark: Any = getattr(error, "problem_mark", None)
    return Finding(
        rule="facts/yaml",
        what=f"not YAML: {getattr(error, 'problem', None) or error}",
        mend="correct the syntax at this line",
        file=file,
        line=mark.line + 1 if mark else None,
    )


def _misnamed(source: Source, name: str, folder: str) -> Finding:
    return Finding(
        rule="facts/name",
        what=f"metadata.name '{name}' differs from its folder clusters/{folder}",
        why="leaves and Argo CD Applications are found by the folder's name",
        mend=f"set metadata.name to {folder}",
        file=source.file,
        line=source.line(("metadata", "name")),
    )


def _missing(file: str) -> Finding:
    mend = "restore it: git checkout -- clusters"
    return Finding(rule="facts/missing-file", what="file not found", mend=mend, file=file)


def _dotted(path: Sequence[Key]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "document"
