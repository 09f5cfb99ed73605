"""One schema for every access: when, who, from where, what, with what result, and what says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Literal, NamedTuple

Result = Literal["allowed", "denied", "failed", "told"]
"""``told``: not an attempt but something that was done or seen, such as a terminal's output."""
_SSHD: tuple[tuple[str, str, Result], ...] = (
    (r"Accepted keyboard-interactive/pam for (?P<who>\S+) from (?P<origin>\S+)", "login", "allowed"),
    (r"(?:Partial|Accepted) publickey for (?P<who>\S+) from (?P<origin>\S+) .*(?P<more>SHA\S+)", "key", "allowed"),
    (r"Failed (?P<more>\S+) for (?:invalid user )?(?P<who>\S+) from (?P<origin>\S+)", "login", "denied"),
    (r"Invalid user (?P<who>\S*) from (?P<origin>\S+)", "login as nobody known", "denied"),
    (r"User (?P<who>\S+) from (?P<origin>\S+) not allowed because (?P<more>.*)", "login", "denied"),
    (r"Disconnected from user (?P<who>\S+) (?P<origin>\S+)", "logout", "told"),
    (r"Connection (?:closed|reset) by authenticating user (?P<who>\S+) (?P<origin>\S+)", "login", "denied"),
)
_BAN = re.compile(r"\[(?P<jail>\w+)\] (?P<what>Ban|Unban) (?P<origin>\S+)")
SOURCES = ("ssh", "session", "terminal", "sudo", "ban", "second factor", "backup", "kubernetes", "shop", "edge")
SHOP_LOGGER = "access-record"
"""Logger on which the services write theirs (onair_common.access_record)."""
_NETWORK_BITS = {4: 24, 6: 48}
"""Bits of a viewer's address that are kept, as the services do: a network, not a household."""
ROOT = "0"
"""User id of whoever wrote a line to the journal, by the kernel's word and not the line's own."""
SUDO = "/usr/bin/sudo"
"""The program that wrote a line, by the kernel's word too."""


class Record(NamedTuple):
    """One access.

    Attributes
    ----------
    time
        With its offset from UTC.
    source
        One of :data:`SOURCES`.
    place
        Host or cluster.
    who, origin
        A person's, an account's or a workload's name, and the address they came from; empty where it is not known.
    """

    time: datetime
    source: str
    place: str
    who: str
    origin: str
    what: str
    result: Result

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> Record:
        """Return the record of these fields, as :meth:`as_fields` returns them."""
        return cls(**{**fields, "time": datetime.fromisoformat(fields["time"])})

    def as_fields(self) -> dict[str, Any]:
        """Return its fields as JSON has them."""
        return self._asdict() | {"time": self.time.isoformat()}

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(self.as_fields(), ensure_ascii=False)


def of_bastion(raw: Mapping[str, Any]) -> Record | None:
    """Return what a line of the bastion's journal records, as rsyslog ships it; None where it is no access.

    A line counts only when the account that wrote it may say so: sshd and fail2ban are root's. Of sessions and
    terminals the person is who wrote it: ``person``, which the host looks up by the user id, and nobody else they name.
    sudo writes as the person that called it, so its line is known by the program that wrote it, which the kernel tells.
    """
    program, message = str(raw.get("program", "")), str(raw.get("message", "")).strip()
    time, place = datetime.fromisoformat(str(raw["time"])), str(raw.get("host", ""))
    person, told = str(raw.get("person", "")), _object(message) or {}
    if program == "bastion-session" and person and "event" in told:
        what = f"{told['event']}: {told.get('what', '')}"
        return Record(time, "session", place, person, str(told.get("from", "")), what, "allowed")
    if program.endswith("tlog-rec-session") and person:
        return Record(time, "terminal", place, person, "", str(told.get("out_txt", "")), "told")
    if program == "sudo" and raw.get("exe") == SUDO:
        return _of_sudo(time, place, message, person)
    reader = _ROOTS.get(program)
    return reader(time, place, message) if reader and str(raw.get("uid", "")) == ROOT else None


def _of_ban(time: datetime, place: str, message: str) -> Record | None:
    found = _BAN.search(message)
    what = f"{found['what'].lower()} from {found['jail']}" if found else ""
    return Record(time, "ban", place, "", found["origin"], what, "told") if found else None


def _of_second_factor(time: datetime, place: str, message: str) -> Record | None:
    who = message.removeprefix("second factor: ").partition(" ")[0]
    return Record(time, "second factor", place, who, "", message, "told")


def _of_backup(time: datetime, place: str, message: str) -> Record | None:
    return Record(time, "backup", place, "root", "", message, "told")


def _of_sshd(time: datetime, place: str, message: str) -> Record | None:
    for pattern, what, result in _SSHD:
        if found := re.search(pattern, message):
            more = f" ({found['more']})" if "more" in found.groupdict() else ""
            return Record(time, "ssh", place, found["who"], found["origin"], what + more, result)
    return None


def _of_sudo(time: datetime, place: str, message: str, person: str) -> Record | None:
    told = (_object(message.removeprefix("@cee:")) or {}).get("sudo", {})
    kind = next((each for each in ("accept", "reject", "alert") if each in told), None)
    if kind is None:
        return None
    said = told[kind]
    reason = f": {said['reason']}" if "reason" in said else ""
    words = said.get("runargv") or [said.get("command", "")]
    what = f"{' '.join(words)} as {said.get('runuser', '?')}{reason}"
    who = person or str(said.get("submituser", ""))
    return Record(time, "sudo", place, who, "", what, "allowed" if kind == "accept" else "denied")


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_ROOTS: Mapping[str, Callable[[datetime, str, str], Record | None]] = {
    "sshd": _of_sshd,
    "fail2ban": _of_ban,
    "fail2ban-server": _of_ban,
    "fail2ban.actions": _of_ban,
    "bastion-second-factor": _of_second_factor,
    "bastion-backup": _of_backup,
}
"""What root's own programs say."""


def of_shop(told: Mapping[str, Any], cluster: str) -> Record:
    """Return what a service's line on :data:`SHOP_LOGGER` records; people are their sessions' random ids in it."""
    outcome = str(told["result"])
    result: Result = "allowed" if outcome == "ok" else "failed" if outcome == "fault" else "denied"
    what = f"{told['what']} {told['target']}" + ("" if outcome == "ok" else f": {outcome}")
    time = datetime.fromisoformat(str(told["time"]))
    return Record(time, "shop", cluster, str(told["who"]), str(told["origin"]), what, result)


def of_edge(told: Mapping[str, Any]) -> Record:
    """Return what a line of the edge's log records: of an address the network, of a path nothing behind ``?``."""
    time, region = datetime.fromisoformat(str(told["time"])), told.get("region") or "no region"
    if "path" not in told:  # bytes of a publisher
        return Record(time, "edge", "edge", "", _network(told), f"{told['listener']} to {region}", "told")
    status = int(told.get("status") or 0)
    result: Result = "denied" if status in {401, 403, 429} else "allowed" if 0 < status < 500 else "failed"
    path = str(told["path"]).partition("?")[0]
    what = f"{told.get('method')} {path} at {told['listener']} from {region}: {status}"
    return Record(time, "edge", "edge", "", _network(told), what, result)


def _network(told: Mapping[str, Any]) -> str:
    try:
        address = ip_address(str(told.get("client", "")))
    except ValueError:
        return "unknown"
    return str(ip_network((address, _NETWORK_BITS[address.version]), strict=False))


def of_kept(told: Mapping[str, Any]) -> Record | None:
    """Return a kept record, or what a kept line of the bastion's journal records; None where that is no access."""
    return Record.of_fields(told) if "source" in told else of_bastion(told)


def of_kubernetes(event: Mapping[str, Any], cluster: str) -> Record:
    """Return what an event of an API server's audit log records."""
    reference = event.get("objectRef", {})
    space = f" in {reference['namespace']}" if reference.get("namespace") else ""
    resource = "/".join(str(reference[key]) for key in ("resource", "subresource", "name") if reference.get(key))
    user = event.get("user", {})
    code = int(event.get("responseStatus", {}).get("code", 0))
    denied = event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid" or code in {401, 403}
    result: Result = "denied" if denied else "failed" if code >= 400 else "allowed"
    who = event.get("impersonatedUser", {}).get("username")
    name = str(user.get("username", ""))
    return Record(
        datetime.fromisoformat(str(event["requestReceivedTimestamp"])),
        "kubernetes",
        cluster,
        f"{name} as {who}" if who else name,
        ", ".join(event.get("sourceIPs", [])),
        f"{event.get('verb', '')} {resource or event.get('requestURI', '')}{space}",
        result,
    )


def since(text: str, now: datetime) -> datetime:
    """Return the moment that ``2h``, ``30m``, ``7d`` or an ISO date means.

    Raises
    ------
    ValueError
        It is none of these.
    """
    if found := re.fullmatch(r"(\d+)([mhd])", text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
        return now - timedelta(**{unit: int(found[1])})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def chosen(
    records: Iterable[Record], who: str = "", after: datetime | None = None, source: str = ""
) -> Iterator[Record]:
    """Yield the records of a person, after a moment, from a source; everything where these are not given."""
    for each in records:
        known = not who or who in {each.who, *each.who.split(" as ")}
        if known and (after is None or each.time >= after) and source in {"", each.source}:
            yield each
