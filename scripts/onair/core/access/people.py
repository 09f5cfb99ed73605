"""People who may enter the bastion: one file says who, in which groups, with which keys and until when."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

FILE = "clusters/platform/people.yaml"
GROUPS = ("platform-admin", "operator", "developer", "auditor")
"""Whom the clusters know, by the same names as the people's file."""
STRONG = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
"""The second lies in a security key that asks to be touched."""
LONGEST = timedelta(days=400)
"""Nobody's access is granted for longer without a second look."""
UIDS, GIDS = range(3000, 4000), range(2000, 2100)
"""What the playbook owns on a host: an account in this range that is not in the file is removed."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Group(_Model):
    """A group of people; its name is the same in the clusters and in the cloud.

    Attributes
    ----------
    sudo
        Whether its people may become root on the bastion.
    """

    gid: Annotated[int, Field(strict=True)]
    about: Annotated[str, Field(min_length=1)]
    sudo: bool = False


class Person(_Model):
    """One human being, or the sealed account for when nothing else helps.

    Attributes
    ----------
    until
        The last day on which they may enter.
    sealed
        Its key lies in a safe: each use is an alarm.
    """

    name: Name
    uid: Annotated[int, Field(strict=True)]
    called: Annotated[str, StringConstraints(pattern=r"^[^:\n,]+$")]
    groups: Annotated[list[str], Field(min_length=1)]
    keys: Annotated[list[str], Field(min_length=1)]
    until: date
    sealed: bool = False


class PeopleSpec(_Model):
    """Groups and people."""

    groups: dict[Name, Group]
    people: list[Person]

    def standing(self, today: date) -> list[Person]:
        """Return who may enter on this day."""
        return [each for each in self.people if each.until >= today]

    def ended(self, today: date) -> list[Person]:
        """Return whose last day is over."""
        return [each for each in self.people if each.until < today]


class People(_Model):
    """``clusters/platform/people.yaml``."""

    api_version: Literal["onair.dev/v1"]
    kind: Literal["People"]
    metadata: dict[str, str]
    spec: PeopleSpec


class Fault(NamedTuple):
    """What is wrong at ``path`` of the file; ``stops`` unless work can go on."""

    rule: str
    path: tuple[str | int, ...]
    what: str
    mend: str
    stops: bool = True


def faults(spec: PeopleSpec, today: date) -> Iterator[Fault]:
    """Find what no single field can say.

    A last day that is over does not stop: the next run of the playbook is what takes the access away.
    """
    yield from _groups(spec)
    seen = dict[str | int, str]()
    for index, person in enumerate(spec.people):
        place = ("spec", "people", index)
        for field, value in (("name", person.name), ("uid", person.uid)):
            if value in seen:
                what = f"{field} {value} is {seen[value]}'s already"
                yield Fault(f"people/same-{field}", (*place, field), what, f"give each person a {field} of their own")
            seen.setdefault(value, person.name)
        if person.uid not in UIDS:
            what = f"uid {person.uid} is outside {UIDS[0]} to {UIDS[-1]}"
            yield Fault("people/uid-range", (*place, "uid"), what, "choose a free one within: others are not ours")
        for position, group in enumerate(person.groups):
            if group not in spec.groups:
                mend = f"one of: {', '.join(sorted(spec.groups))}"
                what = f"{person.name}: there is no group {group!r}"
                yield Fault("people/unknown-group", (*place, "groups", position), what, mend)
        yield from _keys(person, place, seen)
        yield from _dates(person, place, today)


def _groups(spec: PeopleSpec) -> Iterator[Fault]:
    seen = dict[int, str]()
    for name in sorted(set(spec.groups) ^ set(GROUPS)):
        word = "is unknown to the clusters" if name in spec.groups else "is missing"
        mend = f"the groups are {', '.join(GROUPS)}: infrastructure/access and the audit policy go by them"
        yield Fault("people/groups", ("spec", "groups"), f"group {name} {word}", mend)
    for name, group in spec.groups.items():
        path = ("spec", "groups", name, "gid")
        if group.gid in seen:
            what = f"gid {group.gid} is {seen[group.gid]}'s already"
            yield Fault("people/same-gid", path, what, "give each group a gid of its own")
        if group.gid not in GIDS:
            what = f"gid {group.gid} is outside {GIDS[0]} to {GIDS[-1]}"
            yield Fault("people/gid-range", path, what, "choose a free one within")
        seen.setdefault(group.gid, name)


def _keys(person: Person, place: tuple[str | int, ...], seen: dict[str | int, str]) -> Iterator[Fault]:
    for position, key in enumerate(person.keys):
        path = (*place, "keys", position)
        kind, blob, *_ = [*key.split(), "", ""]
        if kind not in STRONG:
            told = kind if kind.startswith(("ssh-", "ecdsa-", "sk-")) else "something else"
            what = f"{person.name}: a key of type {told}"
            mend = f"ssh-keygen -t ed25519 (or ed25519-sk) makes one of: {', '.join(STRONG)}; no options before it"
            yield Fault("people/weak-key", path, what, mend)
        elif (trouble := _unreadable(kind, blob)) is not None:
            yield Fault("people/broken-key", path, f"{person.name}: {trouble}", "copy the whole line of the .pub file")
        elif blob in seen:
            what = f"{person.name}: {seen[blob]} has this key already"
            yield Fault("people/same-key", path, what, "a key is one person's: who came in must be told from it")
        seen.setdefault(blob, person.name)


def _unreadable(kind: str, blob: str) -> str | None:
    try:
        raw = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return "the key is cut or garbled"
    if raw[4 : 4 + len(kind)] != kind.encode():
        return f"the key says {kind} and is of another type"
    if kind == STRONG[0]:  # the other kind is parsed by newer releases of the library only
        try:
            load_ssh_public_key(f"{kind} {blob}".encode())
        except (ValueError, UnsupportedAlgorithm):
            return "the key is cut or garbled"
    return None


def _dates(person: Person, place: tuple[str | int, ...], today: date) -> Iterator[Fault]:
    path = (*place, "until")
    if person.until < today:
        what = f"{person.name}: the last day, {person.until}, is over"
        mend = "the next run of the playbook closes the account; take the entry out, or set a new day"
        yield Fault("people/ended", path, what, mend, stops=False)
    elif person.until - today > LONGEST:
        what = f"{person.name}: access until {person.until}, more than {LONGEST.days} days from now"
        yield Fault("people/too-long", path, what, f"at most {today + LONGEST}: look at it again then")


def fingerprint(key: str) -> str:
    """Return what sshd writes of a key into its log, ``SHA256:…``."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
