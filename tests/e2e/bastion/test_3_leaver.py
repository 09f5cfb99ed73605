"""Whose time is over loses everything, and the bastion itself can be lost."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import date, timedelta

from e2e.bastion.world import TODAY, Bastion, Someone

from onair.adapters.bastion.machine import Machine


def restic(bastion: Bastion, *words: str, password: str = "backup-password") -> subprocess.CompletedProcess[str]:
    folder = bastion.rehearsal.folder
    command = ["restic", "--repo", str(folder / "backups"), "--password-file", str(folder / password), "--no-cache"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


def test_an_account_ends_by_itself_on_its_last_day(bastion: Bastion, staff: dict[str, Someone]) -> None:
    line = bastion.machine.run("getent", "shadow", "dev").stdout.strip().split(":")
    until = date.fromordinal(date(1970, 1, 1).toordinal() + int(line[7]))
    assert until.toordinal() == bastion.entries["dev"]["until"].toordinal() + 1, "no playbook needs to run for it"


def test_an_expired_person_loses_access_and_a_running_session(bastion: Bastion, staff: dict[str, Someone]) -> None:
    oh = staff["oh"]
    bastion.entries["oh"]["until"] = TODAY - timedelta(days=1)
    bastion.write()
    with bastion._ssh(oh, oh.recovery.pop(), [], "sleep 300") as session:
        time.sleep(1.5)
        assert session.poll() is None
        played = bastion.play("--tags", "people")
        assert played.code == 0, played.output[-3000:]
        assert session.wait(10) != 0, "the session goes on"
    with bastion.guest() as netns:
        assert bastion.ssh(oh, "id", code="123456", netns=netns).returncode == 255
    root = bastion.machine.root
    assert not (root / "etc/ssh/authorized_keys/oh").exists()
    assert not (root / "var/lib/bastion/second-factor/oh").exists()


def test_nothing_is_left_of_a_person_who_was_removed(bastion: Bastion, staff: dict[str, Someone]) -> None:
    dev = staff["dev"]
    bastion.machine.run("sh", "-c", "echo x > /home/dev/file && chown dev /home/dev/file")
    del bastion.entries["dev"]
    bastion.write()
    assert bastion.play("--tags", "people").code == 0
    with bastion.guest() as netns:
        assert bastion.ssh(dev, "id", code="123456", netns=netns).returncode == 255
    found = bastion.machine.run("find", "/", "-xdev", "-uid", "3003", "-not", "-path", "/proc/*").stdout
    assert found == "", "files of nobody's"
    files = ["/etc/passwd", "/etc/shadow", "/etc/group"]
    names = bastion.machine.run("grep", "-rsE", "(^|[:,])dev([:,]|$)", *files, check=False).stdout
    assert names == ""
    assert not (bastion.machine.root / "etc/ssh/authorized_keys/dev").exists()


def test_a_lost_bastion_comes_back_from_its_backup(bastion: Bastion, staff: dict[str, Someone]) -> None:
    ada = staff["ada"]
    bastion.machine.run("sh", "-c", "echo kept > /home/ada/note && chown ada /home/ada/note")
    began = time.monotonic()
    bastion.machine.run("systemctl", "start", "bastion-backup.service")
    backed_up = time.monotonic() - began
    bastion.machine.halt()
    lost = time.monotonic()
    shutil.rmtree(bastion.machine.root)
    folder = bastion.rehearsal.folder
    fresh = folder / "restored"
    done = restic(bastion, "restore", "latest", "--target", str(fresh))
    assert done.returncode == 0, done.stderr
    fresh.chmod(0o755)  # restic makes the target for its user alone; a mounted disk is open to everybody
    fresh.rename(bastion.machine.root)
    again: Machine = bastion.rehearsal.machine
    again.boot()
    told = bastion.ssh(ada, "cat", "note", code=ada.recovery.pop())
    took = time.monotonic() - lost
    bastion.say(f"backup {backed_up:.0f} s; lost, restored and logged in again {took:.0f} s")
    assert told.stdout.endswith("kept\n"), told.stdout
    bastion.figures |= {"backup": backed_up, "restore": took}


def test_a_damaged_backup_is_told(bastion: Bastion) -> None:
    folder = bastion.rehearsal.folder
    packs = sorted((folder / "backups/data").glob("*/*"), key=lambda each: each.stat().st_size)
    damaged = packs[-1]
    damaged.chmod(0o600)
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    done = restic(bastion, "check", "--read-data")
    assert done.returncode != 0
    assert damaged.name[:8] in done.stdout + done.stderr


def test_a_wrong_password_opens_nothing(bastion: Bastion) -> None:
    wrong = bastion.rehearsal.folder / "wrong"
    wrong.write_text("not-the-password", encoding="ascii")
    done = restic(bastion, "snapshots", password="wrong")
    assert done.returncode != 0
    assert "wrong password" in done.stderr
