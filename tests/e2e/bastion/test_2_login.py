"""Who comes in, who does not, what they may do there, and what is known of it afterwards."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from e2e.bastion.world import Bastion, Someone
from support import findings_of

from onair.adapters.bastion import machine
from onair.adapters.kubectl import wait
from onair.core.access.records import Record, chosen

TRIES = 12
WAIT = 60


def records(bastion: Bastion, who: str, source: str, after: datetime) -> list[Record]:
    return list(chosen(bastion.rehearsal.store.records(), who, after, source))


def recorded(bastion: Bastion, what: str, who: str, source: str, after: datetime, word: str = "") -> Record:
    """Wait for a record at the collector and return it."""

    def there() -> bool:
        return any(word in each.what for each in records(bastion, who, source, after))

    wait(f"a record of {what}", WAIT, there, interval=0.2)
    return next(each for each in records(bastion, who, source, after) if word in each.what)


def test_a_key_alone_is_refused(bastion: Bastion, staff: dict[str, Someone]) -> None:
    """This is the drill of a stolen key, too."""
    began = datetime.now(UTC)
    with bastion.guest() as netns:
        for code in ("", "000000", "12345678"):
            done = bastion.ssh(staff["oh"], "id", code=code, netns=netns)
            assert done.returncode == 255
            assert "uid=" not in done.stdout
    refused = recorded(bastion, "the refused try", "oh", "ssh", began, "login (keyboard-interactive/pam)")
    assert refused.result == "denied"


def test_key_and_code_come_in_and_a_code_only_once(bastion: Bastion, staff: dict[str, Someone]) -> None:
    ada = staff["ada"]
    code = ada.code()
    with bastion.guest() as netns:
        assert "uid=3001(ada)" in bastion.ssh(ada, "id", code=code).stdout
        again = bastion.ssh(ada, "id", code=code, netns=netns)
    assert "uid=" not in again.stdout, "a code that was seen over a shoulder is good again"


def test_a_code_without_the_key_is_refused(bastion: Bastion, staff: dict[str, Someone]) -> None:
    with bastion.guest() as netns:
        done = bastion.ssh(Someone("ada", staff["dev"].key), "id", code=staff["ada"].recovery[0], netns=netns)
    assert "Permission denied" in done.stdout


def test_whoever_was_not_invited_cannot_enrol(bastion: Bastion, staff: dict[str, Someone]) -> None:
    newcomer = staff["newcomer"]
    with bastion.guest() as netns:
        done = bastion.ssh(newcomer, "id", code="123456", netns=netns)
    assert done.returncode == 255, "a stolen key enrols its own second factor"
    bastion.enrol(newcomer)
    assert "uid=3005" in bastion.ssh(newcomer, "id").stdout
    assert "uid=3005" in bastion.ssh(newcomer, "id", code=newcomer.recovery.pop()).stdout, "a recovery code"


def test_only_platform_admins_become_root_and_with_a_code(bastion: Bastion, staff: dict[str, Someone]) -> None:
    began = datetime.now(UTC)
    for name in ("dev", "audra"):
        done = bastion.ssh(staff[name], "sudo", "--non-interactive", "id", code=staff[name].recovery.pop())
        assert "uid=0" not in done.stdout
    oh, ada = staff["oh"], staff["ada"]
    code = oh.recovery.pop()  # a right one; sudo tells of no try that gave none
    assert "uid=0" not in bastion.ssh(oh, f"echo {code} | sudo --stdin id", code=oh.recovery.pop()).stdout
    assert "uid=0" not in bastion.ssh(ada, "sudo -n id", code=ada.recovery.pop()).stdout, "root without a code"
    code = ada.recovery.pop()
    done = bastion.ssh(ada, f"echo {code} | sudo --stdin id", code=ada.recovery.pop())
    assert "uid=0(root)" in done.stdout, done.stdout
    assert recorded(bastion, "the refused sudo", "oh", "sudo", began).result == "denied"
    wait("ada's sudo on record", WAIT, lambda: "allowed" in {r.result for r in records(bastion, "ada", "sudo", began)})


def test_nothing_is_forwarded_but_to_the_api_servers(bastion: Bastion, staff: dict[str, Someone]) -> None:
    dev = staff["dev"]
    refused = bastion.ssh(dev, words=("-W", "127.0.0.1:22"), code=dev.recovery.pop())
    assert "administratively prohibited" in refused.stdout
    allowed = bastion.ssh(dev, words=("-W", "10.61.0.10:6443"), code=dev.recovery.pop())
    assert "administratively prohibited" not in allowed.stdout
    agent = bastion.ssh(dev, "echo", "agent:$SSH_AUTH_SOCK:", words=("-A",), code=dev.recovery.pop())
    assert "agent::" in agent.stdout


def test_who_did_what_from_where_is_known_elsewhere(bastion: Bastion, staff: dict[str, Someone]) -> None:
    began, audra = datetime.now(UTC), staff["audra"]
    bastion.ssh(audra, "echo a-word-to-find; hostname", code=audra.recovery.pop())
    came = recorded(bastion, "the login", "audra", "ssh", began, "login")
    assert (came.result, came.place) == ("allowed", "bastion")
    assert came.origin == str(machine.bastion.network(bastion.rehearsal.facts).ip)
    key = recorded(bastion, "the key", "audra", "ssh", began, "key")
    assert "SHA256:" in key.what
    session = recorded(bastion, "the session", "audra", "session", began)
    assert "a-word-to-find" in session.what
    shown = recorded(bastion, "the terminal", "audra", "terminal", began, "a-word-to-find")
    assert shown.time >= came.time
    words = ["access", "log", "--who", "audra", "--since", "1h", "--format", "json"]
    command = [str(bastion.root / ".venv/bin/onair"), *words, "--records", str(bastion.rehearsal.store.folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [json.loads(line) for line in told.splitlines()]
    assert {each["who"] for each in found} == {"audra"}
    assert {"ssh", "session", "terminal"} <= {each["source"] for each in found}


def test_nobody_slips_past_the_recorder_or_speaks_for_another(bastion: Bastion, staff: dict[str, Someone]) -> None:
    began, dev = datetime.now(UTC), staff["dev"]
    traps = "echo \"exec /bin/sh -c 'echo trapped'\" | tee .bashrc .profile .bash_profile; "
    packages = 'd=$(python3 -m site --user-site); mkdir -p "$d"; echo "print(1/0)" > "$d/usercustomize.py"; '
    forged = json.dumps({"event": "session", "who": "ada", "from": "10.9.9.9", "what": "forged"})
    said = f"logger -p authpriv.info -t bastion-session '{forged}'"
    bastion.ssh(dev, traps + packages + said, code=dev.recovery.pop())
    assert recorded(bastion, "the forged line, under its writer's name", "dev", "session", began, "forged")
    assert not [each for each in records(bastion, "ada", "session", began) if "forged" in each.what]
    bastion.ssh(dev, "after-the-trap", code=dev.recovery.pop())
    recorded(bastion, "the session after it", "dev", "session", began, "after-the-trap")
    bastion.machine.run("sh", "-c", "rm -rf /home/dev/.[!.]*")


def test_a_command_is_fed_and_ends_with_its_own_code(bastion: Bastion, staff: dict[str, Someone]) -> None:
    """What kubectl apply -f - and exit codes need, recorder or not."""
    began, dev = datetime.now(UTC), staff["dev"]
    done = bastion.ssh(dev, "sort; exit 7", code=dev.recovery.pop(), text="pear\napple\n")
    assert (done.stdout.splitlines()[-2:], done.returncode) == (["apple", "pear"], 7)
    recorded(bastion, "what it printed", "dev", "terminal", began, "apple")


def test_records_wait_while_the_collector_is_away(bastion: Bastion, staff: dict[str, Someone]) -> None:
    began, audra = datetime.now(UTC), staff["audra"]
    cut = ["tcp", "dport", "6514", "drop"]
    bastion.machine.run("nft", "insert", "rule", "inet", "bastion", "output", *cut)
    bastion.ssh(audra, "echo while-it-was-away", code=audra.recovery.pop())
    time.sleep(2)
    assert not records(bastion, "audra", "session", began)
    bastion.machine.run("nft", "--file", "/etc/nftables.conf")
    recorded(bastion, "what was done meanwhile", "audra", "session", began, "while-it-was-away")


def test_a_changed_record_is_found(bastion: Bastion) -> None:
    store = bastion.rehearsal.store
    count = store.verify()
    assert count > 10
    (file,) = store.files()
    text = file.read_text()
    lines = text.splitlines()
    spoilt = json.loads(lines[4])
    spoilt["record"]["message"] = "nothing happened"
    file.write_text("\n".join([*lines[:4], json.dumps(spoilt), *lines[5:]]) + "\n")
    try:
        (finding,) = findings_of(store.verify)
    finally:
        file.write_text(text)
    assert (finding.rule, finding.line) == ("access/tampered", 5)


def test_the_sealed_account_rings(bastion: Bastion, staff: dict[str, Someone]) -> None:
    began, sealed = datetime.now(UTC), staff["sealed"]
    assert bastion.ssh(sealed, "true", code=sealed.recovery.pop()).returncode == 0
    assert recorded(bastion, "the sealed account", "sealed", "session", began, "sealed account used")


def test_whoever_tries_and_tries_is_banned_and_others_are_not(
    bastion: Bastion, staff: dict[str, Someone], tmp_path: Path
) -> None:
    """Bounded: at most a dozen logins, one after the other, from a namespace of this test to the bastion it made."""
    began, oh = datetime.now(UTC), staff["oh"]
    key = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, capture_output=True)
    tried, stranger = 0, Someone("root", key)
    with bastion.guest() as netns:
        while tried < TRIES and "denied" in bastion.ssh(stranger, "id", code="1", netns=netns).stdout:
            tried += 1
        assert 0 < tried < TRIES, "nobody was banned"
        ban = recorded(bastion, "the ban", "", "ban", began, "ban from sshd")
        address = subprocess.run(
            ["ip", "-n", netns, "-br", "addr", "show", "eth0"], capture_output=True, text=True, check=True
        )
        assert ban.origin in address.stdout
        bastion.say(f"banned after {tried} tries, {(ban.time - began).total_seconds():.1f} s after the first")
        assert "uid=3002" in bastion.ssh(oh, "id", code=oh.recovery.pop()).stdout, "the ban hit the wrong one"
        assert "uid=" not in bastion.ssh(oh, "id", code=oh.recovery[0], netns=netns).stdout
