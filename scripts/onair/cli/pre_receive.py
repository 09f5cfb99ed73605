"""The git server's ``pre-receive`` hook: ``python -m onair.cli.pre_receive CLUSTERS SKIP_LOG``.

Refuses a push that the gate refuses; what it prints reaches the pusher as ``remote:`` lines. ``git push -o skip-gate``
lets anything through, for rehearsals of what must not happen, and is logged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console

from onair.adapters.gate import check
from onair.adapters.gate.cache import default_folder
from onair.cli import console
from onair.cli.app import COULD_NOT_RUN
from onair.cli.context import ROOT
from onair.core.finding import OnairError

SKIP = "skip-gate"
FOLLOWED = "refs/heads/main"
NONE = "0" * 40
WIDTH = 110


def main() -> int:
    """Judge every pushed reference that a region follows; 0 lets the push in."""
    clusters, log = sys.argv[1].split(","), Path(sys.argv[2])
    out = Console(highlight=False, width=WIDTH, soft_wrap=True)
    pushed = [line.split() for line in sys.stdin]
    judged = [(old, new) for old, new, reference in pushed if reference == FOLLOWED and new != NONE]
    options = [os.environ.get(f"GIT_PUSH_OPTION_{i}") for i in range(int(os.environ.get("GIT_PUSH_OPTION_COUNT", "0")))]
    if judged and SKIP in options:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with log.open("a", encoding="utf-8") as file:
            file.writelines(f"{now} {old} {new}\n" for old, new in judged)
        out.print(f"the gate was skipped, and that is in {log}")
        return 0
    with _readable() as repository:
        return max([_judge(repository, old, new, clusters, out) for old, new in judged], default=0)


def _judge(repository: Path, old: str, new: str, clusters: list[str], out: Console) -> int:
    options = check.Options(
        now=datetime.now().astimezone(),
        base=None if old == NONE else old,
        head=new,
        repository=repository,
        delivers_to=clusters,
        cache=default_folder(),
    )
    try:
        report = check.run(ROOT, options)
    except OnairError as error:
        console.render(error.findings, out)
        out.print(f"the gate could not judge {new[:7]}; git push -o {SKIP} would let it in")
        return COULD_NOT_RUN
    console.render(report.findings, out)
    verdict = "lets in" if report.exit_code == 0 else "refuses"
    out.print(f"the gate {verdict} {new[:7]}: {report.checked}, {report.errors} findings, {report.seconds:.1f} s")
    return report.exit_code


@contextmanager
def _readable() -> Iterator[Path]:
    """Yield a repository in which the pushed objects can be read before they are taken in.

    git hands them to the hook by variables that every git below inherits; those that Kustomize runs would write into
    them. A repository that borrows from both places needs none.
    """
    here = Path.cwd()
    objects = [here / "objects"]
    if quarantine := os.environ.get("GIT_QUARANTINE_PATH"):
        objects.append(Path(quarantine).resolve())
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
        alternates = Path(folder, "objects/info/alternates")
        alternates.write_text("".join(f"{each}\n" for each in objects))
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
