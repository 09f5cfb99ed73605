"""Runs checkov and kubernetes-validate over the rendered objects and over Terraform's code."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from onair.adapters import facts_file
from onair.core import second_opinion
from onair.core.finding import Finding, OnairError
from onair.core.gate.model import Body, Object
from onair.core.second_opinion import DATA, Scan, Suppression, Validation

CHECKOV = Path("build/checkov/bin/checkov")
"""In an environment of its own: it pins other versions of libraries that onair uses."""
VALIDATE = (str(Path(sys.executable).with_name("kubernetes-validate")),)
QUICKLY = (sys.executable, "-m", "onair.adapters.validate_quickly")
TERRAFORM = Path("terraform")
TIMEOUT_SECONDS = 900
_LINES = 10
"""Of what a tool said last, in a message."""
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def ask(root: Path, objects: Sequence[Object], checkov: Path | None = None) -> list[Finding]:
    """Return what the two say of ``objects``, and checkov of ``terraform/``, less what is suppressed with a reason.

    Parameters
    ----------
    root
        The repository's top folder.
    checkov
        The program; the one below ``build/`` when None.

    Raises
    ------
    OnairError
        A tool is not there or does not answer, or the suppressions cannot be read.
    """
    suppressions = load(root)
    given = second_opinion.files(objects)
    program = checkov or root / CHECKOV
    with tempfile.TemporaryDirectory(prefix="onair-second-opinion-") as folder:
        write(Path(folder), given)
        scan = run_checkov(program, Path(folder), "kubernetes", "--skip-path", second_opinion.DEFINITIONS)
        said = run_validate(Path(folder), sorted(given), version(root))
    if (root / TERRAFORM).is_dir():
        code = run_checkov(program, root / TERRAFORM, "terraform")
        scan = Scan(scan.failures + code.failures, scan.seen | code.seen, scan.unread + code.unread)
    judged = second_opinion.judge_checkov(scan, given, suppressions)
    return judged + second_opinion.judge_validate(said, given)


def version(root: Path) -> str:
    """Return the clusters' version of Kubernetes as kubernetes-validate names it, e.g. ``1.36``.

    Raises
    ------
    OnairError
        If the facts cannot be read.
    """
    return facts_file.read(root).platform.spec.versions["kubernetes"].rpartition(".")[0]


def load(root: Path) -> list[Suppression]:
    """Read the suppressions.

    Raises
    ------
    OnairError
        An entry lacks its check, its resources or its reason.
    """
    try:
        spec = yaml.safe_load((root / DATA).read_text(encoding="utf-8"))["spec"]
        return TypeAdapter(list[Suppression]).validate_python(spec)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise OnairError(
            Finding(rule="second-opinion/data", what=str(error), mend="correct this file", file=DATA)
        ) from error


def write(folder: Path, given: Mapping[str, Sequence[Body]]) -> None:
    """Write what the scanners are given below ``folder``."""
    for name, bodies in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump_all(bodies, Dumper=_DUMPER), encoding="utf-8")


def run_checkov(program: Path, folder: Path, framework: str, *more: str) -> Scan:
    """Run checkov over ``folder``; a failed check is an answer, no answer is an error.

    Raises
    ------
    OnairError
        It is not there, or looked at nothing.
    """
    words = ["--directory", str(folder), "--framework", framework, "--output", "json", "--compact", "--skip-download"]
    done = _run([str(program), *words, *more], folder, "make second-opinions builds its environment")
    try:
        return second_opinion.read_checkov(done.stdout)
    except ValueError as error:
        raise _silent("checkov", f"{error} {done.stderr.strip()[-500:]}") from error


def run_validate(folder: Path, names: Sequence[str], version: str, program: Sequence[str] = QUICKLY) -> Validation:
    """Run kubernetes-validate over the files ``names`` in ``folder``.

    Parameters
    ----------
    program
        The command: its own, or ours that runs it in less time.

    Raises
    ------
    OnairError
        It is not there, or broke off: at a file that it cannot read it leaves the rest.
    """
    done = _run([*program, "--kubernetes-version", version, "--strict", *names], folder, "make test installs it")
    said = second_opinion.read_validate(done.stdout + done.stderr)
    if done.returncode and (done.stderr or not said.failed):
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_LINES:])
        raise _silent("kubernetes-validate", f"exit {done.returncode} after {said.looked.total()} objects: {last}")
    return said


def _run(words: Sequence[str], folder: Path, mend: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        finding = Finding(rule="second-opinion/tool", what=str(error), mend=mend)
        raise OnairError(finding) from error


def _silent(tool: str, what: str) -> OnairError:
    return OnairError(Finding(rule="second-opinion/tool", what=f"{tool}: {what}", mend=f"run {tool} by hand"))
