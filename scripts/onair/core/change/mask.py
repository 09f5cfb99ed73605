"""Keeps secrets out of what is shown of a change: pull requests and logs are read by more people than a cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from onair.core.change.compare import Field

HIDDEN = "(hidden)"
SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|pwd$|secret|token$|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|auth[-_.]?key",
    re.IGNORECASE,
)
POINTER = re.compile(r"(name|names|namespace|ref|path|file|class|type|kind|seconds)$", re.IGNORECASE)
"""Endings of keys that say where a secret is, not what it is: ``secretName``."""
URL_LOGIN = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)")
FLAG = re.compile(r"(--?[\w.-]*(?:password|passwd|secret|token|api-?key)[\w.-]*[= ])\S+", re.IGNORECASE)
ASSIGNED = re.compile(
    r"^([ \t\"']*[\w.-]*(?:password|passwd|secret|token|api[-_]?key)[\"']?[ \t]*[:=][ \t]*)[^\s\[{][^\n]*",
    re.IGNORECASE | re.MULTILINE,
)
"""A line of a configuration file inside a ConfigMap."""
PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(-----END|\Z)", re.DOTALL)
PAYLOAD = frozenset({"data", "stringData"})


def is_secret_name(name: str) -> bool:
    """Tell whether what stands under ``name`` looks like a secret's value."""
    return bool(SECRET_NAME.search(name)) and not POINTER.search(name)


def masked(value: Any, keys: Sequence[str] = (), *, kind: str = "") -> Any:  # noqa: ANN401
    """Return a copy of ``value`` without secrets.

    Parameters
    ----------
    keys
        The keys that lead to it, from the object's root.
    kind
        The object's kind: everything in a Secret's data is one.
    """
    if kind == "Secret" and keys and keys[0] in PAYLOAD and not isinstance(value, dict):
        return None if value is None else HIDDEN
    if isinstance(value, dict):
        if is_secret_name(str(value.get("name", ""))) and isinstance(value.get("value"), str):
            value = {**value, "value": HIDDEN}
        return {key: masked(inner, (*keys, str(key)), kind=kind) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, keys, kind=kind) for inner in value]
    if isinstance(value, str):
        if keys and is_secret_name(keys[-1]):
            return HIDDEN
        return _cleaned(value)
    return value


def masked_field(field: Field, kind: str) -> tuple[Any, Any]:
    """Return a field's old and new value without secrets; that both are hidden still says that it changed."""
    keys = field.keys
    name = re.findall(r"\[([^\]]+)\]", field.label)
    if keys and keys[-1] == "value" and name and is_secret_name(name[-1]):  # env[PGPASSWORD].value
        return tuple(None if value is None else HIDDEN for value in (field.old, field.new))  # type: ignore[return-value]
    return masked(field.old, keys, kind=kind), masked(field.new, keys, kind=kind)


def _cleaned(text: str) -> str:
    text = URL_LOGIN.sub(rf"\1{HIDDEN}\2", text)
    text = FLAG.sub(rf"\1{HIDDEN}", text)
    text = ASSIGNED.sub(rf"\1{HIDDEN}", text)
    return PRIVATE_KEY.sub(rf"\1 {HIDDEN} \2", text)
