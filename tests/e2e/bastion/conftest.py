"""One bastion for all tests here: a bare Debian, booted, played on twice and kept until the last of them ended.

They need no running region. `make bastion` sets ONAIR_BASTION_RECORD to the report that it writes: only then is time
judged, and Lynis asked before and after, for a busy machine is no failure.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.bastion.world import REPORT, Bastion, Someone

from onair.adapters import facts_file
from onair.adapters.bastion.play import Played
from onair.adapters.bastion.rehearsal import Rehearsal
from onair.core.access.bastion import NETNS

NEWCOMER = "newcomer"
"""Is in the file and was not invited."""


@pytest.fixture(scope="package")
def bare(root: Path, say: Callable[[str], None]) -> Iterator[Bastion]:
    """A bare Debian 12 that runs, with a collector beside it."""
    if Path(f"/run/netns/{NETNS}").exists():
        pytest.fail("a bastion is rehearsed here already: onair bastion down")
    folder = Path(tempfile.mkdtemp(prefix="onair-bastion-"))
    found = Bastion(root, Rehearsal(root, folder, facts_file.read(root)), say)
    try:
        found.machine.make()
        say(f"bastion: sshd listens {found.machine.boot():.1f} s after the start")
        assert found.setting
        with found.rehearsal.collector() as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield found
            server.shutdown()
    finally:
        found.machine.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def staff(bare: Bastion) -> dict[str, Someone]:
    """People of every group, in the file before the first play."""
    groups = {"ada": "platform-admin", "oh": "operator", "dev": "developer", "audra": "auditor", NEWCOMER: "developer"}
    hired = {name: bare.hire(name, 3001 + i, group) for i, (name, group) in enumerate(groups.items())}
    return hired | {"sealed": bare.hire("sealed", 3030, "platform-admin", sealed=True)}


@pytest.fixture(scope="package")
def plays(bare: Bastion, staff: dict[str, Someone]) -> dict[str, Played]:
    """The playbook: only told, played, played again, and told again as where Mitogen is not."""
    assert staff
    found = {"told": bare.play("--check", "--diff")}
    if REPORT:
        bare.figures["lynis before"] = bare.lynis()
    found["first"] = bare.play("--diff")
    found["second"] = bare.play()
    found["told again"] = bare.play("--check", "--diff", kept=False)
    bare.figures |= {"first play": found["first"].seconds, "second play": found["second"].seconds}
    return found


@pytest.fixture(scope="package")
def bastion(bare: Bastion, staff: dict[str, Someone], plays: dict[str, Played]) -> Bastion:
    """The bastion as the playbook leaves it, everybody enrolled."""
    assert plays["first"].code == 0, plays["first"].output[-4000:]
    for name, each in staff.items():
        if name != NEWCOMER:
            bare.enrol(each)
    return bare
