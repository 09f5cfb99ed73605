"""One schema of what sshd, sudo, sessions and API servers say; and a log that cannot be changed unseen."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import findings_of

from onair.adapters.access import collector
from onair.adapters.access.collector import Store
from onair.adapters.access.records import of_api_server
from onair.core.access import chain
from onair.core.access.records import chosen, of_bastion, of_kubernetes, since

A, PAM = "10.0.0.9", "keyboard-interactive/pam"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def line(program: str, message: str, uid: str = "0", person: str = "") -> dict[str, Any]:
    written = {"program": program, "uid": uid, "person": person, "message": message}
    return {"time": NOW.isoformat(), "host": "bastion", **written}


@pytest.mark.parametrize(
    ("message", "who", "origin", "what", "result"),
    [
        (f"Accepted keyboard-interactive/pam for ada from {A} port 4 ssh2", "ada", "10.0.0.9", "login", "allowed"),
        (f"Partial publickey for ada from {A} port 4 ssh2: X SHA256:y", "ada", A, "key (SHA256:y)", "allowed"),
        (f"Failed {PAM} for ada from {A} port 4 ssh2", "ada", A, f"login ({PAM})", "denied"),
        ("Failed none for invalid user eve from 10.0.0.8 port 4", "eve", "10.0.0.8", "login (none)", "denied"),
        ("Invalid user eve from 10.0.0.8 port 4", "eve", "10.0.0.8", "login as nobody known", "denied"),
        ("Disconnected from user ada 10.0.0.9 port 4", "ada", "10.0.0.9", "logout", "told"),
    ],
)  # fmt: skip
def test_sshd_says_who_from_where(message: str, who: str, origin: str, what: str, result: str) -> None:
    found = of_bastion(line("sshd", message))
    assert found
    assert (found.source, found.who, found.origin, found.what, found.result) == ("ssh", who, origin, what, result)
    assert found.time == NOW


def test_nobody_speaks_for_sshd_but_root_or_for_sudo_but_itself() -> None:
    forged = "Accepted keyboard-interactive/pam for ada from 10.0.0.9 port 4 ssh2"
    assert of_bastion(line("sshd", forged, uid="3002")) is None
    assert of_bastion(line("sudo", '@cee:{"sudo":{"accept":{}}}', uid="0")) is None, "another program than sudo"
    assert of_bastion(line("bastion-session", '{"event":"x","who":"ada","from":"a","what":"b"}', uid="0")) is None


def test_whoever_forges_anothers_session_or_terminal_is_named() -> None:
    session = of_bastion(line("bastion-session", '{"event":"x","who":"ada","from":"a","what":"b"}', "3002", "eve"))
    terminal = of_bastion(line("tlog-rec-session", '{"user":"ada","out_txt":"b"}', "3002", "eve"))
    assert session
    assert terminal
    assert (session.who, terminal.who) == ("eve", "eve")


def test_sudo_says_what_ran_as_whom() -> None:
    said = {"submituser": "ada", "runuser": "root", "runargv": ["id", "-u"], "command": "/usr/bin/id"}
    by = {"exe": "/usr/bin/sudo"}
    found = of_bastion(line("sudo", "@cee:" + json.dumps({"sudo": {"accept": said}}), "3001", "ada") | by)
    assert found
    assert (found.who, found.what, found.result) == ("ada", "id -u as root", "allowed")
    refused = of_bastion(line("sudo", "@cee:" + json.dumps({"sudo": {"reject": {**said, "reason": "no"}}})) | by)
    assert refused
    assert (refused.result, refused.what, refused.who) == ("denied", "id -u as root: no", "ada")
    forged = of_bastion(line("sudo", "@cee:" + json.dumps({"sudo": {"accept": said}}), "3002", "eve") | by)
    assert forged
    assert forged.who == "eve", "whoever wrote it is named"


def test_sessions_terminals_and_bans() -> None:
    told = {"event": "session", "who": "ada", "from": "10.0.0.9", "what": "uptime", "terminal": ""}
    session = of_bastion(line("bastion-session", json.dumps(told), "3001", "ada"))
    assert session
    assert (session.who, session.origin, session.what) == ("ada", "10.0.0.9", "session: uptime")
    shown = of_bastion(line("tlog-rec-session", json.dumps({"user": "ada", "out_txt": "hello"}), "3001", "ada"))
    assert shown
    assert (shown.source, shown.who, shown.what) == ("terminal", "ada", "hello")
    ban = of_bastion(line("fail2ban-server", "NOTICE [sshd] Ban 10.0.0.8"))
    assert ban
    assert (ban.origin, ban.what) == ("10.0.0.8", "ban from sshd")
    assert of_bastion(line("systemd", "Started something.")) is None


EVENT: dict[str, Any] = {
    "verb": "create",
    "user": {"username": "dev", "groups": ["developer"]},
    "sourceIPs": ["10.60.0.34"],
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-1"},
    "responseStatus": {"code": 403},
    "annotations": {"authorization.k8s.io/decision": "forbid"},
    "requestReceivedTimestamp": "2026-11-29T12:00:00.123456Z",
}


def test_an_api_server_says_who_was_refused_what() -> None:
    found = of_kubernetes(EVENT, "local-kr")
    assert (found.who, found.origin, found.place, found.result) == ("dev", "10.60.0.34", "local-kr", "denied")
    assert found.what == "create pods/exec/web-1 in shop"
    fine = of_kubernetes(EVENT | {"responseStatus": {"code": 101}, "annotations": {}}, "local-kr")
    assert fine.result == "allowed"
    other = of_kubernetes(EVENT | {"impersonatedUser": {"username": "ada"}}, "local-kr")
    assert other.who == "dev as ada"
    assert list(chosen([found, other], "ada")) == [other]


def test_audit_files_are_read_in_order_and_half_a_line_is_left(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    older = EVENT | {"user": {"username": "old"}}
    (tmp_path / "audit-2026-11-28T00-00-00.000.log").write_text(json.dumps(older) + "\n")
    log.write_text(json.dumps(EVENT) + "\n" + json.dumps(EVENT)[:40])
    assert [each.who for each in of_api_server(log, "local-kr")] == ["old", "dev"]
    assert list(of_api_server(tmp_path / "none/audit.log", "local-kr")) == []


@pytest.mark.parametrize(("text", "ago"), [("30m", 1800), ("2h", 7200), ("7d", 604800), ("2026-11-29", 43200)])
def test_since(text: str, ago: float) -> None:
    assert NOW - since(text, NOW) == timedelta(seconds=ago)


def test_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        since("yesterday", NOW)


def test_a_record_is_chosen_by_who_when_and_source() -> None:
    found = of_bastion(line("sshd", "Disconnected from user ada 10.0.0.9 port 4"))
    assert found
    assert list(chosen([found], "ada", NOW, "ssh")) == [found]
    assert list(chosen([found], "bob")) == []
    assert list(chosen([found], after=NOW + timedelta(seconds=1))) == []
    assert list(chosen([found], source="sudo")) == []


@pytest.mark.parametrize("harm", ["change", "remove", "swap", "insert", "garble"])
def test_any_change_of_a_sealed_log_is_found(harm: str) -> None:
    before, lines = chain.START, []
    for number in range(5):
        sealed, before = chain.link(before, {"number": number})
        lines.append(sealed)
    assert chain.broken(lines) is None
    if harm == "change":
        lines[2] = lines[2].replace('"number": 2', '"number": 9')
    elif harm == "remove":
        del lines[2]
    elif harm == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    elif harm == "insert":
        lines.insert(2, lines[1])
    else:
        lines[2] = lines[2][:-5]
    assert chain.broken(lines) == 3


def test_a_store_goes_on_after_old_files_are_gone(tmp_path: Path) -> None:
    store = Store(tmp_path / "records", days=1)
    for number in range(3):
        store.append(line("sshd", f"Disconnected from user p{number} 10.0.0.9 port 4"))
    (today,) = store.files()
    today.rename(today.with_name("records-2020-01-01.jsonl"))
    store.append(line("sshd", "Disconnected from user p3 10.0.0.9 port 4"))
    assert [each.who for each in store.records()] == ["p3"], "what is older than its time is still here"
    assert store.verify() == 1
    file = store.files()[0]
    file.write_text(file.read_text().replace("p3", "p9"))
    (finding,) = findings_of(store.verify)
    assert (finding.rule, finding.line) == ("access/tampered", 1)


def test_a_store_goes_on_from_its_last_line_however_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LINE_BYTES", 16)
    store = Store(tmp_path / "records")
    for number in range(4):
        store.append(line("sshd", f"Disconnected from user p{number} 10.0.0.9 port 4" + " " * number * 40))
    assert store.verify() == 4
    assert [each.who for each in store.records()] == ["p0", "p1", "p2", "p3"]


def test_what_a_person_typed_may_hold_other_separators_of_lines(tmp_path: Path) -> None:
    store = Store(tmp_path / "records")
    typed = "sshd", "User kim\u2028lee\x85\u2029 from 10.0.0.9 not allowed because none of that name"
    store.append(line(*typed))
    store.append(line("sshd", "Disconnected from user p1 10.0.0.9 port 4"))
    assert store.verify() == 2
    assert [each.who for each in store.records()][-1] == "p1"
