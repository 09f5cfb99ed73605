"""Looks for secrets in texts by detect-secrets' patterns.

Why detect-secrets: it is a library (no program to build or download), has known patterns, keywords and entropy in one,
needs no network, and knows values by their hash. Its own file loop takes 0.3 ms a line with all plugins; here a plugin
sees only lines that its patterns could match at all, so that the whole tree takes a second. Loading it takes 0.2 s: the
patterns are remembered, so that a change of harmless lines needs nothing else of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache
from onair.core.change.hit import hash_of

Found = tuple[int, str, str]
"""Line, kind and hash of what looks like a secret."""
OFF = frozenset({"Public IP (ipv4)", "Cloudant Credentials", "SoftLayer Credentials", "IBM Cloud IAM Key"})
"""Plugins that are not used: an address is no secret, and these vendors' patterns take any ``key: value`` pair."""
ENTROPY = frozenset({"Base64 High Entropy String", "Hex High Entropy String"})
KEYWORD = "Secret Keyword"
SUSPECT = re.compile(r"key|pass|pwd|secret|contrase", re.IGNORECASE)
"""In every word that the keyword plugin knows (its DENYLIST)."""
HASHES = re.compile(r"h1:[A-Za-z0-9+/]{43}=|sha(?:256|384|512)[-:][A-Za-z0-9+/=]{40,}", re.IGNORECASE)
"""Checksums as go.sum, pip, npm and image references write them; blanked before anything is looked for."""
UNQUOTED = frozenset({".yaml", ".yml", ".env", ".ini", ".conf", ".toml", ".tfvars", ".properties", ".sh", ""})
"""Files in which a value needs no quotes."""
VALUE = re.compile(r"(?<![\w/+.:@-])[A-Za-z0-9+/_=-]{32,}(?![\w/+.:@-])")
POINTER = re.compile(r"(?:name|names|ref|class|path|file|manager)[\"']?\s*[:=]\s*[\"']?$", re.IGNORECASE)
"""The end of a key that says where a secret is, not what it is: ``secretName:``."""
REVISION = re.compile(r"(?:revision|commit|ref|rev|sha)[\"']?\s*[:=]\s*[\"']?[0-9a-f]{40}\b", re.IGNORECASE)
"""A commit of git's, named as such."""
ASSIGNED = frozenset({".env", ".sh", ".conf", ".tfvars", ""})
"""Files of ``KEY=value`` that detect-secrets does not know as such; it is told that they are .ini."""
EXTRA = {
    "Private Key": re.compile(r"(BEGIN (?:ENCRYPTED) PRIVATE KEY)"),
    "Basic Auth Credentials": re.compile(r"\bcurl\b.*\s(?:-u|--user)[ =]['\"]?[\w.@-]+:([^\s'\"$]+)"),
}
"""What its plugins of these names leave out."""
FILE = re.compile(r"[a-z0-9_.-]+(?:/[a-z0-9_.-]+)*\.(?:ya?ml|json|toml|txt|py|sh|crt|key|pem)")
"""A file's name where a secret's value would be."""
PROSE_WORDS = 6
"""A "value" of more words is a sentence."""
REFERENCE = re.compile(r"[\w.]+\(|\$|\{|<|\*+$|None$|null$|true$|false$", re.IGNORECASE)
"""Beginnings of a keyword's value that is an expression or a placeholder, not text."""

_AREA = "secret-patterns"


class _Plugin(NamedTuple):
    """A detect-secrets plugin, and what a line must match for it to be asked.

    Attributes
    ----------
    shortest
        Characters of a match below which its entropy cannot reach the plugin's limit.
    """

    kind: str
    patterns: Sequence[re.Pattern[str]]
    shortest: float

    def possible(self, text: str) -> bool:
        if not self.shortest:
            return any(pattern.search(text) for pattern in self.patterns)
        return any(len(match[0]) > self.shortest for pattern in self.patterns for match in pattern.finditer(text))


class Detector:
    """Finds what looks like a secret in texts."""

    def __init__(self, store: Cache) -> None:
        kept = store.get(_AREA, code.whole())
        if kept is None:
            kept = [_remembered(kind, plugin) for kind, plugin in _matchers().items()]
            store.put(_AREA, code.whole(), kept)
        self._plugins = [
            # `$` and `^` mean a line's ends where a whole text is asked.
            _Plugin(kind, [re.compile(pattern, flags | re.MULTILINE) for pattern, flags in patterns], shortest)
            for kind, patterns, shortest in kept
        ]

    def detect(self, path: str, text: str, known: Mapping[str, Sequence[tuple[str, str]]]) -> list[Found]:
        """Return what looks like a secret in a text.

        Parameters
        ----------
        known
            Kind and hash of what is in lines that have been looked at before: a line is judged by itself.
        """
        suffix = Path(path).suffix.lower()
        name = f"{path}.ini" if suffix in ASSIGNED else path
        found: set[Found] = set()
        listed = list(enumerate(lines(text), 1))
        fresh = "\n".join(line for _, line in listed if line not in known)
        asked = [plugin for plugin in self._plugins if plugin.possible(fresh)]
        for number, line in listed:
            if line in known:
                found.update((number, kind, value) for kind, value in known[line])
                continue
            for kind, value in self._values(name, suffix, line, asked):
                if not _harmless(kind, value, line):
                    found.add((number, kind, hash_of(value)))
        return sorted(found)

    def _values(self, name: str, suffix: str, line: str, asked: Sequence[_Plugin]) -> Iterator[tuple[str, str]]:
        for plugin in asked:
            if plugin.possible(line):
                for secret in _matchers()[plugin.kind].analyze_line(filename=name, line=line):
                    yield plugin.kind, str(secret.secret_value)
        if suffix in UNQUOTED:
            yield from _bare(line)
        for kind, pattern in EXTRA.items():
            yield from ((kind, value) for value in pattern.findall(line))


def lines(text: str) -> list[str]:
    """Return the lines of a text as they are judged: without checksums."""
    return HASHES.sub("", text).splitlines()


def _bare(line: str) -> Iterator[tuple[str, str]]:
    """Iterate over long random values that stand without quotes."""
    for match in VALUE.finditer(line):
        value = match[0].strip("=-_")
        for kind in sorted(ENTROPY):
            if any(_matchers()[kind].analyze_line(filename="", line=f'"{value}"')):
                if not _harmless(kind, value, line):
                    yield kind, value
                break


def _harmless(kind: str, value: str, line: str) -> bool:
    """Tell whether detect-secrets' own heuristics, or an expression's form, say that a value is no secret."""
    from detect_secrets.filters import heuristic  # noqa: PLC0415 - slow to load

    if heuristic.is_potential_uuid(value) or heuristic.is_templated_secret(value):
        return True
    if kind in ENTROPY:
        return heuristic.is_sequential_string(value) or REVISION.search(line) is not None
    if kind != KEYWORD:
        return False
    pointer = POINTER.search(line.partition(value)[0])
    return bool(REFERENCE.match(value) or FILE.fullmatch(value) or pointer or len(value.split()) > PROSE_WORDS)


@cache
def _matchers() -> Mapping[str, Any]:
    """Return detect-secrets' plugins by kind."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    made: dict[str, Any] = get_mapping_from_secret_type_to_class()
    return {kind: made[kind]() for kind in sorted(made) if kind not in OFF}


def _remembered(kind: str, plugin: Any) -> tuple[str, list[tuple[str, int]], float]:  # noqa: ANN401
    """Return what a line must match for a plugin to be asked, as plain data."""
    if kind == KEYWORD:
        return kind, [(SUSPECT.pattern, SUSPECT.flags)], 0.0
    if kind in ENTROPY:  # n characters have an entropy of log2(n) at most
        return kind, [(plugin.regex.pattern, plugin.regex.flags)], 2.0**plugin.entropy_limit
    return kind, [(each.pattern, each.flags) for each in plugin.denylist], 0.0
