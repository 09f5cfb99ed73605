"""The rendered difference as people read it: lines for a terminal, Markdown for the pull request."""

from __future__ import annotations

import difflib
import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from onair.core.change.compare import DEFINITION, ObjectChange
from onair.core.change.mask import masked, masked_field
from onair.core.gate.model import Object

LIMIT = 60_000
"""Characters. GitHub refuses a comment of more than 65,536; the rest is for the findings above it."""
VALUE_LIMIT = 2_000
"""Characters of one value, and of one added object: a definition's schema has thousands of lines."""
SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


class Group(NamedTuple):
    """Changes that read the same for one Application on these clusters."""

    clusters: tuple[str, ...]
    application: str
    lines: tuple[str, ...]
    counts: str


def lines(change: ObjectChange) -> list[str]:
    """Return one object's change as lines of a diff, secrets hidden."""
    head = f"{SIGNS[change.kind]} {change.identity}"
    if change.kind == "moved" and change.before:
        head += f" (from the Application {change.before.application})"
    elif change.before and change.after and change.before.name != change.after.name:
        head += f" (was {change.before.name})"
    found = [head]
    if change.kind == "added":
        found += [f"+   {line}" for line in _body(change.shown)]
    for field in change.fields:
        old, new = masked_field(field, change.shown.kind)
        found.append(f"    {field.label}")
        if isinstance(old, str) and isinstance(new, str) and "\n" in old and "\n" in new:
            found += _cut([f"{line[0]}     {line[1:]}" for line in _line_diff(old, new)])
            continue
        found += [f"-     {line}" for line in _text(old)] if old is not None else []
        found += [f"+     {line}" for line in _text(new)] if new is not None else []
    return found


def groups(changes: Iterable[ObjectChange]) -> list[Group]:
    """Return the changes by Application, clusters that change alike together."""
    by_application: dict[tuple[str, str], list[ObjectChange]] = {}
    for change in changes:
        by_application.setdefault((change.application, change.cluster), []).append(change)
    alike: dict[tuple[str, tuple[str, ...]], tuple[list[str], str]] = {}
    for (application, cluster), found in sorted(by_application.items()):
        text = tuple(line for change in found for line in lines(change))
        alike.setdefault((application, text), ([], _counts(found)))[0].append(cluster)
    return [Group(tuple(clusters), name, text, counts) for (name, text), (clusters, counts) in alike.items()]


def markdown(
    changes: Sequence[ObjectChange],
    *,
    appearing: Sequence[str] = (),
    vanishing: Sequence[str] = (),
    pruned: Sequence[Object] = (),
    limit: int = LIMIT,
) -> str:
    """Return the difference for a pull request, at most ``limit`` characters.

    Parameters
    ----------
    appearing, vanishing
        Applications, e.g. ``prod-kr web``.
    pruned
        What Argo CD would delete by itself.
    """
    head = ["## What this would change", ""]
    for title, names in (
        ("Applications that appear", sorted(appearing)),
        ("Applications that vanish", sorted(vanishing)),
        ("Would be deleted (pruned)", sorted(f"{each.cluster} {each.identity}" for each in pruned)),
    ):
        if names:
            shown = ", ".join(f"`{_inline(name)}`" for name in names[:50])
            head.append(f"**{title}:** {shown}" + (f" and {len(names) - 50} more" if len(names) > 50 else "") + "\n")
    if not changes:
        head.append("No rendered object changes.")
        return "\n".join(head)[:limit] + "\n"
    sections = [(_section(group), group) for group in groups(changes)]
    return _fitted("\n".join(head), sections, limit)


def _fitted(head: str, sections: Sequence[tuple[str, Group]], limit: int) -> str:
    """Join whole sections while they fit, and name the others by one line each."""
    room, text, left = limit - 1_000, head, []
    for section, group in sections:
        if len(text) + len(section) <= room:
            text += "\n" + section
        else:
            left.append(f"- {', '.join(group.clusters)} · {group.application}: {group.counts}")
    if left:
        text += f"\n**Too long to show here** ({len(left)} of {len(sections)}; `onair diff` shows all):\n\n"
        for number, line in enumerate(left):
            if len(text) + len(line) > limit - 50:
                text += f"- and {len(left) - number} more\n"
                break
            text += line + "\n"
    return text.rstrip("\n")[: limit - 1] + "\n"


def _section(group: Group) -> str:
    body = "\n".join(group.lines)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    title = html.escape(f"{', '.join(group.clusters)} · {group.application}")
    return f"<details><summary><b>{title}</b>: {group.counts}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n"


def _counts(changes: Sequence[ObjectChange]) -> str:
    kinds = [change.kind for change in changes]
    return ", ".join(
        f"{kinds.count(kind)} {kind}" for kind in ("added", "removed", "moved", "changed") if kind in kinds
    )


def _body(found: Object) -> list[str]:
    if found.kind == DEFINITION:  # a schema of thousands of lines, which nobody reads here
        versions = ", ".join(str(version.get("name")) for version in found.get("spec", "versions") or ())
        return [f"{found.get('spec', 'scope')} kind {found.get('spec', 'names', 'kind')}, versions {versions}"]
    content = masked(
        {key: value for key, value in found.body.items() if key not in ("apiVersion", "kind")}, kind=found.kind
    )
    return _text(content)


def _text(value: Any) -> list[str]:  # noqa: ANN401
    """Return a value in as few lines as read well: text as it is, the rest as indented JSON (YAML reads it, too)."""
    if isinstance(value, str):
        plain = "\n" in value or (value.strip() and value.isprintable())
        text = value if plain else json.dumps(value, ensure_ascii=False)
    else:
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > 100:
            text = json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) > VALUE_LIMIT:
        text = f"{text[:VALUE_LIMIT]}\n… {len(text) - VALUE_LIMIT:,} more characters"
    return text.splitlines() or ['""']


def _line_diff(old: str, new: str) -> list[str]:
    """Return the lines that differ between two texts, with two lines around them."""
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2))[2:]
    return found or ["~(only the last line's end, or something hidden)"]


def _cut(found: list[str], limit: int = 100) -> list[str]:
    """Return at most ``limit`` lines."""
    return found if len(found) <= limit else [*found[:limit], f"      … {len(found) - limit:,} more lines"]


def _inline(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
