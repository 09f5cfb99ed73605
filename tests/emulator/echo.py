"""Objects that are kept as they were given: the usual create, describe, update, delete and tag operations."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from emulator.front import TAGS, Answer, Call, Refused, operation

Object = dict[str, Any]


def now() -> datetime.datetime:
    """Return the time as AWS's answers have it."""
    return datetime.datetime.now(datetime.UTC)


def short(length: int = 12) -> str:
    """Return a made-up id."""
    return uuid.uuid4().hex[:length]


def given(params: Mapping[str, Any]) -> Object:
    """Return what of the parameters was given at all."""
    return {key: value for key, value in params.items() if value is not None}


def as_map(tags: object) -> dict[str, str]:
    """Return tags as a map, however they were given."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {each.get("Key", each.get("key")): each.get("Value", each.get("value")) for each in tags or []}  # type: ignore[attr-defined]


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def keep(
    service: str,
    kind: str,
    *,
    names: tuple[str, str, str | None, str | None],
    key: Callable[[Mapping[str, Any]], Any],
    make: Callable[[Call], tuple[Any, Object]],
    out: str | None,
    missing: str = "ResourceNotFoundException",
    everywhere: bool = False,
    update: Callable[[Object, Mapping[str, Any]], None] = lambda held, params: held.update(given(params)),
) -> None:
    """Register operations that keep objects.

    Parameters
    ----------
    names
        Operations that create, describe, update and delete; None for one that does not exist.
    key
        The id in the parameters of the last three.
    make
        Returns id and object for a create.
    out
        Key of the answer that the object stands under; None for the object itself.
    missing
        Code of the error where there is none.
    """

    def answer(held: Object) -> Answer:
        return {out: held} if out else held

    def find(call: Call) -> Object:
        held = call.store(kind, everywhere=everywhere).get(key(call.params))
        if held is None:
            raise Refused(missing, f"there is no {kind} {key(call.params)}")
        return held

    @operation(service, names[0])
    def create(call: Call) -> Answer:
        identity, held = make(call)
        call.store(kind, everywhere=everywhere)[identity] = held
        return answer(held)

    @operation(service, names[1])
    def describe(call: Call) -> Answer:
        return answer(find(call))

    if names[2]:

        @operation(service, names[2])
        def change(call: Call) -> Answer:
            held = find(call)
            update(held, call.params)
            return answer(held)

    if names[3]:

        @operation(service, names[3])
        def delete(call: Call) -> Answer:
            held = find(call)
            del call.store(kind, everywhere=everywhere)[key(call.params)]
            return answer(held)


def tags(service: str, *, listing: str = "ListTagsForResource", out: str = "Tags", mapped: bool = False) -> None:
    """Register the operations on tags; what is tagged by moto stays moto's."""

    def arn(call: Call) -> str:
        keys = ("ResourceArn", "resourceArn", "resourceARN", "ResourceARN", "Resource")
        return next(str(call.params[key]) for key in keys if call.params.get(key))

    @operation(service, listing)
    def listed(call: Call) -> Answer:
        held = TAGS.get(arn(call))
        if held is None:
            return None
        return {out: held if mapped else as_list(held)}

    @operation(service, "TagResource")
    def tag(call: Call) -> Answer:
        if arn(call) not in TAGS:
            return None
        keys = ("Tags", "tags", "ResourceTags")
        TAGS[arn(call)].update(as_map(next(call.params[key] for key in keys if call.params.get(key))))
        return {}

    @operation(service, "UntagResource")
    def untag(call: Call) -> Answer:
        if arn(call) not in TAGS:
            return None
        keys = ("TagKeys", "tagKeys", "ResourceTagKeys")
        for each in next(call.params[key] for key in keys if call.params.get(key)):
            TAGS[arn(call)].pop(each, None)
        return {}
