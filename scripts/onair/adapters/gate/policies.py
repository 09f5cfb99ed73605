"""Reads the policies, their exceptions and their examples out of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of_files
from onair.core.finding import Finding
from onair.core.gate.model import Body, Rule
from onair.core.gate.policy.findings import AREA
from onair.core.gate.policy.model import Policies
from onair.core.gate.policy.read import read

FOLDER = Path("policies")
_KUSTOMIZATION = "kustomization.yaml"


def load(root: Path) -> tuple[Policies, list[Finding]]:
    """Read ``policies/*.yaml`` from the disk."""
    files = sorted((root / FOLDER).glob("*.yaml"))
    return of({path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in files})


def of(files: Mapping[str, str], store: Cache | None = None) -> tuple[Policies, list[Finding]]:
    """Read the policies among ``files``; one that cannot be read is a finding, the others count.

    Parameters
    ----------
    store
        Remembers what the files say, so that they are not read again.
    """
    wanted, store = texts(files), store or Cache(None)
    key = key_of_files(code.whole(), wanted)
    if (kept := store.get("policies", key)) is not None:
        return read(kept)
    documents, findings = _read(wanted)
    found, faults = read(documents)
    if not findings:
        store.put("policies", key, documents)
    return found, findings + faults


def _read(wanted: Mapping[str, str]) -> tuple[list[tuple[str, Body]], list[Finding]]:
    import yaml  # noqa: PLC0415 - see _bodies

    documents: list[tuple[str, Body]] = []
    findings: list[Finding] = []
    for path, text in wanted.items():
        try:
            documents += [(path, body) for body in _bodies(text)]
        except (yaml.YAMLError, ValueError) as error:
            mend = "correct this file: without it the gate and the clusters judge differently"
            findings.append(Finding(rule="policy/data", what=str(error), mend=mend, file=path))
    return documents, findings


def texts(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that hold policies and exceptions."""
    return {path: text for path, text in files.items() if _holds_policies(path)}


def _holds_policies(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return folder == str(FOLDER) and name.endswith(".yaml") and name != _KUSTOMIZATION


def examples(root: Path, name: str) -> dict[str, list[Body]]:
    """Return the examples of a policy under ``pass`` and ``fail``, each as short as it is written."""
    return {kind: _documents(root / FOLDER / name / f"{kind}.yaml") for kind in ("pass", "fail")}


def rules(root: Path, found: Policies) -> tuple[Rule, ...]:
    """Return the policies as rules, with the first of their examples; for ``onair explain``."""
    return tuple(
        Rule(f"{AREA}/{name}", policy.why, bad=_first(root, name, "fail"), good=_first(root, name, "pass"))
        for name, policy in found.policies.items()
    )


def _first(root: Path, name: str, kind: str) -> str:
    text = (root / FOLDER / name / f"{kind}.yaml").read_text(encoding="utf-8")
    return text.split("\n---\n", 1)[0].strip() + "\n"


def bases(root: Path) -> dict[str, Body]:
    """Return the complete objects that examples are merged into, by kind."""
    return {path.stem: _documents(path)[0] for path in sorted((root / FOLDER / "examples").glob("*.yaml"))}


def _documents(path: Path) -> list[Body]:
    return _bodies(path.read_text(encoding="utf-8"))


def _bodies(text: str) -> list[Body]:
    import yaml  # noqa: PLC0415 - not needed where the policies are remembered

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    found = [body for body in yaml.load_all(text, Loader=LOADER) if body]
    if not all(isinstance(body, dict) for body in found):
        raise ValueError("a document that is not a mapping")
    return found
