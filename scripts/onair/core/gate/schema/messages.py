"""Tells the validator's errors in words: the key, what was meant, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onair.core.gate.schema.forms import FORMS
from onair.core.gate.schema.problem import Problem, dotted, nearest, shown
from onair.core.gate.yaml_rules import plain

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from onair.core.gate.schema.strict import Schema

_PYTHON: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
MASKED = "(masked)"
MOST_KEYS = 12
"""Known keys that a message lists."""
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "minItems": "a list of at least {} items",
    "maxItems": "a list of at most {} items",
    "minProperties": "a mapping of at least {} keys",
    "maxProperties": "a mapping of at most {} keys",
    "multipleOf": "a multiple of {}",
}


def told(error: ValidationError, schema: Schema, *, masked: bool) -> Iterator[Problem]:
    """Return what an error of the validator means.

    Parameters
    ----------
    schema
        The schema that the error came from.
    masked
        Whether values may not be repeated (Secrets).
    """
    path = tuple(error.instance_path)
    name = error.kind.name
    inner = list(_inner(error))
    if name in {"anyOf", "oneOf"} and inner and not _names_only(inner):
        for each in inner:
            yield from told(each, schema, masked=masked)
    elif name == "additionalProperties":
        known = list(_at(schema, error.schema_path[:-1]).get("properties", {}))
        for key in error.kind.as_dict()["unexpected"]:
            yield _unknown(path, str(key), known)
    elif name == "required":
        yield _missing(path, [error.kind.as_dict()["property"]])
    elif _names_only(inner):
        yield _missing(path, [each.kind.as_dict()["property"] for each in inner])
    elif name == "propertyNames":
        key = error.kind.as_dict()["error"]
        said = _value((*path, key.instance), key, "*" if masked else shown(key.instance), schema)
        yield said._replace(what=f"key {shown(key.instance)} in {dotted(path)}: {said.what.partition(': ')[2]}")
    else:
        yield _value(path, error, MASKED if masked else shown(error.instance), schema)


def _inner(error: ValidationError) -> Iterator[ValidationError]:
    """Return the errors of the alternative that fits best."""
    branches = error.kind.as_dict().get("context") if error.kind.name in {"anyOf", "oneOf"} else None
    if not branches:
        return
    if all(len(branch) == 1 and branch[0].kind.name == "required" for branch in branches):
        yield from (branch[0] for branch in branches)
    else:
        right = [branch for branch in branches if not any(each.kind.name == "type" for each in branch)]
        yield from min(right or branches, key=len)


def _names_only(inner: list[ValidationError]) -> bool:
    return len(inner) > 1 and all(each.kind.name == "required" for each in inner)


def _unknown(path: tuple[str | int, ...], key: str, known: list[str]) -> Problem:
    meant = nearest(key, known)
    if meant:
        mend = f"did you mean `{meant}`?"
    elif known:
        mend = f"remove it; known here: {', '.join(known[:MOST_KEYS])}{', …' if len(known) > MOST_KEYS else ''}"
    else:
        mend = "remove it: no key is known here"
    return Problem((*path, key), "schema/unknown-key", f"{dotted((*path, key))} is no known key", mend)


def _missing(path: tuple[str | int, ...], names: list[str]) -> Problem:
    said = " or ".join(dotted((*path, name)) for name in dict.fromkeys(names))
    return Problem(path, "schema/missing", f"{said} is missing", f"add `{names[0]}:`")


def _value(path: tuple[str | int, ...], error: ValidationError, value: str, schema: Schema) -> Problem:
    name, details = error.kind.name, error.kind.as_dict()
    rule, what, mend = "schema/value", f"breaks `{name}`", "see the kind's reference: kubectl explain"
    if name == "type":
        rule, what = "schema/type", f"is not {' or '.join(_TYPES[one] for one in details['types'])}"
        mend = (
            "quote it"
            if value == MASKED and "string" in details["types"]
            else _retype(details["types"], error.instance)
        )
    elif name in {"enum", "const"}:
        options = [str(one) for one in details.get("options", [details.get("expected_value")])]
        meant = nearest(str(error.instance), options)
        rule, what = "schema/enum", f"is not one of {', '.join(options)}"
        mend = f"did you mean `{meant}`?" if meant else f"write one of {', '.join(options)}"
    elif name == "pattern":
        form = FORMS.get(details["pattern"])
        rule = form.rule if form else rule
        what = f"must be {form.expects}" if form else f"does not match {details['pattern']}"
        mend = f"for example {form.example}" if form else "write it in this form"
    elif name in _LIMITS:
        limit = details.get("limit", details.get("multiple_of"))
        rule, what, mend = _limit_rule(schema, error), f"must be {_LIMITS[name].format(limit)}", "correct the value"
    elif name == "uniqueItems":
        rule, what, mend = "schema/duplicate", "an item stands twice", "keep one"
    elif name == "not":
        said = _at(schema, error.schema_path[:-1]).get("x-deprecated")
        what = "is not allowed here" if said is None else "is deprecated"
        rule, mend = (rule, mend) if said is None else ("schema/deprecated", said or "remove it")
    return Problem(path, rule, f"{dotted(path)}: {value} {what}", mend)


def _limit_rule(schema: Schema, error: ValidationError) -> str:
    """Too long a name breaks the name's rule, too large a number a range."""
    form = FORMS.get(str(_at(schema, error.schema_path[:-1]).get("pattern")))
    return form.rule if form and isinstance(error.instance, str) else "schema/range"


def _retype(types: list[str], value: object) -> str:
    if value is None:
        return "give it a value, or remove the key"
    if "string" in types and isinstance(value, (int, float)):
        text = shown(value) if isinstance(value, bool) else str(value)
        return f'quote it: "{text}"'
    if isinstance(value, str) and isinstance(plain(value), sum((_PYTHON.get(one, ()) for one in types), ())):
        return "remove the quotes"
    if "array" in types:
        return "write a list: begin each item with `- `"
    return f"write {' or '.join(_TYPES[one] for one in types)}"


def _at(schema: Schema, path: list[str | int]) -> Schema:
    found: Any = schema
    for step in path:
        found = found[step]
    return found if isinstance(found, dict) else {}
