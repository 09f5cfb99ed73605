"""Who may do what: AWS's policies evaluated as AWS does, against what ``clusters/platform/cloud.yaml`` says.

The emulator lets everybody do everything, so rights are computed from the policies that are really attached: what a
role's own policies allow, within its permissions boundary, and nothing that any of them denies. A condition about a
fact that nobody gave counts as met where it allows, and as not met where it denies: the worst case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from onair.core.cloud.facts import Right
from onair.core.finding import Finding

Body = Mapping[str, Any]


class Request(NamedTuple):
    """What somebody asks for; ``context`` are the facts that conditions ask about."""

    action: str
    resource: str
    context: Mapping[str, str] = {}


def may(role: Body, request: Request) -> bool:
    """Return whether a role may do what is asked.

    Parameters
    ----------
    role
        ``Policies`` are the documents of its own and attached policies, ``Boundary`` that of its permissions boundary.
    """
    within = [role["Policies"]] if role.get("Boundary") is None else [role["Policies"], [role["Boundary"]]]
    everything = [statement for documents in within for each in documents for statement in _statements(each)]
    if any(_applies(each, request, given=False) for each in everything if each["Effect"] == "Deny"):
        return False
    return all(
        any(
            each["Effect"] == "Allow" and _applies(each, request, given=True)
            for document in documents
            for each in _statements(document)
        )
        for documents in within
    )


def judge(rights: Iterable[Right], roles: Sequence[Body]) -> Iterator[Finding]:
    """Find roles that may do what the facts let only others do, and those named that may not."""
    for right in rights:
        able = {str(each["id"]) for each in roles if may(each, Request(right.action, right.resource))}
        for name in sorted(able - set(right.roles)):
            what = f"{name} may {right.action} on {right.resource}"
            mend = "take the right away, or name the role in spec.rights of clusters/platform/cloud.yaml"
            yield Finding(rule="cloud/right", what=what, why=right.why, mend=mend)
        for name in sorted(set(right.roles) - able):
            what = f"{name} may not {right.action} on {right.resource}"
            mend = "build again: onair cloud up"
            yield Finding(rule="cloud/right-missing", what=what, why="its work asks for it", mend=mend)


def _statements(document: Body) -> Sequence[Body]:
    held: Body | Sequence[Body] = document.get("Statement", [])
    return [held] if isinstance(held, Mapping) else held


def _list(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _applies(statement: Body, request: Request, *, given: bool) -> bool:
    if "Action" in statement:
        action = any(like(each.lower(), request.action.lower()) for each in _list(statement["Action"]))
    else:
        action = not any(like(each.lower(), request.action.lower()) for each in _list(statement["NotAction"]))
    if "Resource" in statement:
        resource = any(like(each, request.resource) for each in _list(statement["Resource"]))
    else:
        resource = not any(like(each, request.resource) for each in _list(statement["NotResource"]))
    return action and resource and all(_met(*each, request.context, given=given) for each in _conditions(statement))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def like(pattern: str, value: str) -> bool:
    """Return whether a value fits a pattern with ``*`` and ``?``; in the value a ``*`` stands for itself."""
    return _pattern(pattern).fullmatch(value) is not None


def _conditions(statement: Body) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key, _list(values)


_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotLike": "ArnLike",
    "ArnNotEquals": "ArnLike",
}


def _met(operator: str, key: str, values: list[str], context: Mapping[str, str], *, given: bool) -> bool:
    """Return whether one condition holds; ``given`` is the answer where the fact or the operator is not known."""
    plain = operator.removesuffix("IfExists").removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
    value = context.get(key)
    if plain == "Null":
        return (value is None) == (values[0].lower() == "true")
    if value is None:
        return given
    negated = plain in _NEGATED
    plain = _NEGATED.get(plain, plain)
    if plain in ("StringEquals", "Bool"):
        found = any(each.lower() == value.lower() for each in values)
    elif plain in ("StringLike", "ArnLike", "ArnEquals"):
        found = any(like(each, value) for each in values)
    else:
        return given
    return found != negated
