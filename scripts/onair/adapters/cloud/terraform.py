"""Runs Terraform: finds program and provider, keeps its working data out of the tree, reads what it says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from onair.core.finding import Finding, OnairError

FOLDER = Path("terraform")
DATA = Path("build/terraform")
"""Below the repository: providers' links, plans and the settings of Terraform; never in git."""
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
USUAL = (
    "/opt/*",
    "/usr/local/share/*",
    "/usr/local/share/terraform/plugins",
    "/usr/share/*",
    "/usr/share/terraform/plugins",
)
"""Where the system keeps add-on software and shared data: a mirror of the provider may be there."""
QUIET = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
TIMEOUT_SECONDS = 3600


class Ran(NamedTuple):
    """What a run of Terraform left."""

    code: int
    output: str
    errors: str


@cache
def program(version: str) -> Path:
    """Return Terraform, which must be of the same minor version as ``version``.

    Raises
    ------
    OnairError
        It is not there, or another one.
    """
    wanted = version.rpartition(".")[0]
    mend = f"install Terraform {version}: https://developer.hashicorp.com/terraform/install"
    found = shutil.which("terraform")
    if found is None:
        raise OnairError(Finding(rule="cloud/terraform", what="terraform is not on PATH", mend=mend))
    done = subprocess.run([found, "version", "-json"], capture_output=True, text=True, check=False)
    try:
        is_ = str(json.loads(done.stdout)["terraform_version"])
    except (ValueError, KeyError) as error:
        what = f"{found} does not tell its version: {done.stderr.strip()[-300:]}"
        raise OnairError(Finding(rule="cloud/terraform", what=what, mend=mend)) from error
    if is_.rpartition(".")[0] != wanted:
        what = f"{found} is {is_}, the platform's is {version} (versions.terraform)"
        raise OnairError(Finding(rule="cloud/terraform", what=what, mend=mend))
    return Path(found)


def mirror(places: Sequence[str] = USUAL) -> Path | None:
    """Return a folder of this machine that holds the provider, None where Terraform must ask its registry."""
    for pattern in places:
        for found in sorted(Path("/").glob(pattern.lstrip("/"))):
            if (found / PROVIDER).is_dir():
                return found
    return None


def environment(root: Path, name: str) -> dict[str, str]:
    """Return what Terraform is run with: quiet, and with working data of its own under ``name``.

    A setting of the person's own (``TF_CLI_CONFIG_FILE`` that exists) is left alone.
    """
    given = os.environ.get("TF_CLI_CONFIG_FILE", "")
    data = root / DATA / name
    data.mkdir(parents=True, exist_ok=True)
    settings = {
        **os.environ,
        "TF_DATA_DIR": str(data),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }
    if not (given and Path(given).is_file()):
        settings.pop("TF_CLI_CONFIG_FILE", None)
        place = mirror()
        if place is not None:
            file = data / "mirror.tfrc"
            file.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{place}"\n  }}\n}}\n')
            settings["TF_CLI_CONFIG_FILE"] = str(file)
    return settings


def run(
    root: Path, name: str, version: str, *words: str, data: str = "", extra: Mapping[str, str] | None = None
) -> Ran:
    """Run Terraform in the root module ``name`` of the repository at ``root``; whatever it says is an answer.

    Parameters
    ----------
    data
        Name of its working data, where several run in one module.
    extra
        Added to the environment.

    Raises
    ------
    OnairError
        It cannot be run, or does not end within :data:`TIMEOUT_SECONDS`.
    """
    command = [str(program(version)), f"-chdir={root / FOLDER / name}", *words]
    # Into files: on a pipe Terraform would die with whoever reads it, and its state with it.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        try:
            process = subprocess.Popen(
                command,
                env={**environment(root, data or name), **(extra or {})},
                stdout=output,
                stderr=errors,
                process_group=0,  # its providers with it: they outlive a killed Terraform
            )
            _ended(process)
        except (OSError, subprocess.TimeoutExpired) as error:
            mend = f"run terraform -chdir={FOLDER / name} {' '.join(words)} by hand"
            raise OnairError(Finding(rule="cloud/terraform", what=str(error), mend=mend)) from error
        output.seek(0)
        errors.seek(0)
        return Ran(process.returncode, output.read(), errors.read())


_running: set[subprocess.Popen[bytes]] = set()


def interrupt() -> None:
    """Ask every Terraform that runs to end what it is at and to write its state."""
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)


def _ended(process: subprocess.Popen[bytes]) -> None:
    _running.add(process)
    try:
        process.wait(TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        interrupt()
        process.wait()
        raise
    finally:
        _running.discard(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # providers that outlived it


def init(
    root: Path, name: str, version: str, *words: str, data: str = "", extra: Mapping[str, str] | None = None
) -> None:
    """Make the root module ready; its provider is exactly the version that it names.

    Raises
    ------
    OnairError
        Terraform refuses.
    """
    done = run(root, name, version, "init", "-no-color", *words, data=data, extra=extra)
    if done.code:
        raise OnairError(refused(data or name, "init", done))


def tested(root: Path, name: str, version: str) -> tuple[str, list[dict[str, Any]]]:
    """Run the tests of a root module with mocked providers.

    Returns
    -------
    tuple
        ``pass`` or what went wrong, and the resources that each run made or planned.
    """
    init(root, name, version, "-backend=false")
    done = run(root, name, version, "test", "-json", "-verbose")
    messages = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    status = next((m["test_summary"]["status"] for m in messages if m["type"] == "test_summary"), "error")
    told = [
        f"{m.get('@testrun', '')}: {m['diagnostic']['summary']}: {m['diagnostic']['detail']}"
        for m in messages
        if m["type"] == "diagnostic" and m["diagnostic"]["severity"] == "error"
    ]
    made = [
        {"run": m["@testrun"], **resource}
        for m in messages
        for resource in (*resources(m.get("test_state", {}).get("root_module", {})), *_planned(m.get("test_plan", {})))
    ]
    failed = "\n".join(told) or done.errors.strip() or "no test ran"
    return ("pass" if status == "pass" and not done.code else failed), made


def resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Iterate over the resources of a module of Terraform's JSON and of all modules in it; data sources are none."""
    yield from (each for each in module.get("resources", []) if each["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from resources(child)


def _planned(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Iterate over the resources that will be there, as state has them."""
    for each in plan.get("resource_changes", []):
        if each["mode"] == "managed" and each["change"]["after"] is not None:
            yield {**each, "values": each["change"]["after"]}


HINTS = {
    "Error acquiring the state lock": "somebody else is at it: wait, or ask who holds it; nothing was changed",
    "ExpiredToken": "sign in again; what was done is in the state, and the same command goes on from there",
    "execution halted": "it was interrupted and wrote its state; the same command goes on from there",
    "AlreadyExists": "an interrupted run made it and did not note it (import it, take it away), or two have one name",
    "saved plan is stale": "the state has moved on: plan again; nothing was changed",
}
"""What to do about what Terraform says."""


def refused(name: str, verb: str, done: Ran) -> Finding:
    """Return Terraform's own errors as one finding."""
    lines = [line.strip("│╷╵ ") for line in (done.errors or done.output).splitlines()]
    first = next((number for number, line in enumerate(lines) if line.startswith("Error")), 0)
    what = " ".join(filter(None, dict.fromkeys(lines[first:])))[:900]  # interrupted, it says so once for each resource
    mend = next((hint for text, hint in HINTS.items() if text in what), f"see terraform/README.md; again: {verb}")
    return Finding(rule=f"cloud/{verb}", what=f"{name}: {what}", mend=mend)
