"""Reads YAML into the values that Kubernetes sees."""

from __future__ import annotations

import re
from typing import Any

import yaml

from onair.core.yaml_loader import LOADER


class _Loader(LOADER):  # type: ignore[misc] # the base is chosen at run time
    """YAML as go-yaml reads it into JSON: ``on`` and ``yes`` are words, a date and ``1:30`` are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name


_INTEGER = r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
_Loader.yaml_implicit_resolvers[""] = _Loader.yaml_implicit_resolvers.pop("\0")


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | str:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        return sign * int(digits, 8)
    try:
        return sign * int(digits, 0)
    except ValueError:  # `0x_`
        return text


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def documents(text: str | bytes) -> list[Any]:
    """Return the documents of a YAML stream that are not empty.

    Raises
    ------
    yaml.YAMLError
        If it is not YAML.
    """
    return [found for found in yaml.load_all(text, Loader=_Loader) if found]
