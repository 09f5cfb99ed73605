"""Looks for secrets in files by detect-secrets; what has been scanned once is not scanned again.

Why detect-secrets: it is a library (no program to build or download), has known patterns, keywords and entropy in one,
needs no network, and knows values by their hash. Its own file loop takes 0.3 ms a line with all plugins; here a plugin
sees only lines that its patterns could match at all, so that the whole tree takes a second.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from onair.adapters.gate.changes import FILES
from onair.adapters.git_read import contents_of
from onair.core.change.secrets import Hit, hash_of

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
MAX_BYTES, SNIFFED_BYTES, KEPT_ENTRIES = 2_000_000, 8_000, 20_000
REFERENCE = re.compile(r"[\w.]+\(|\$|\{|<|\*+$|None$|null$|true$|false$", re.IGNORECASE)
"""Beginnings of a keyword's value that is an expression or a placeholder, not text."""


class _Plugin(NamedTuple):
    """A detect-secrets plugin, and what a line must match for it to be asked."""

    kind: str
    matcher: Any
    possible: Callable[[str], bool]


def listed(root: Path) -> list[str]:
    """Return the paths of all files that are, or would be, in git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    return sorted({os.fsdecode(path) for path in done.stdout.split(b"\0") if path})


def contents(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Iterate over the files that can be read; links are not followed (they lead to files of their own)."""
    for path in paths:
        file = root / path
        try:
            if not file.is_symlink() and file.is_file() and file.stat().st_size <= MAX_BYTES:
                yield path, file.read_bytes()
        except OSError:
            continue


def of_commit(root: Path, ref: str) -> Iterator[tuple[str, bytes]]:
    """Iterate over the files of a commit; ``root`` may be a bare repository.

    Raises
    ------
    subprocess.CalledProcessError
        If there is no such commit.
    """
    command = ["git", "ls-tree", "-r", "-z", "--full-tree", "--long", ref]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    blobs: dict[str, str] = {}
    for entry in done.stdout.split(b"\0")[:-1]:
        meta, _, path = entry.partition(b"\t")
        mode, _, blob, size = meta.decode().split()
        if mode in FILES and int(size) <= MAX_BYTES:
            blobs[os.fsdecode(path)] = blob
    found = contents_of(root, blobs.values())
    return ((path, found[blob]) for path, blob in blobs.items() if blob in found)


def scan(files: Iterable[tuple[str, bytes]], store: Path | None = None) -> list[Hit]:
    """Return what looks like a secret.

    Parameters
    ----------
    files
        Path and content; binary ones are passed over.
    store
        Folder that remembers, by a file's content, what was found in it (places and hashes, never a value).
    """
    known = _load(store)
    fresh: dict[str, list[list[Any]]] = {}
    hits: list[Hit] = []
    for path, content in files:
        if b"\0" in content[:SNIFFED_BYTES]:
            continue
        key = _key(path, content)
        found = fresh.get(key, known.get(key))
        if not _is_entry(found):
            text = content.decode("utf-8", errors="replace")
            found = fresh[key] = [list(each) for each in detect(path, text)]
        hits += [Hit(path, line, kind, value) for line, kind, value in found or ()]
    if fresh and store is not None:
        _save(store, fresh)
    return hits


def scan_added(added: Iterable[tuple[str, str, Mapping[int, str]]]) -> list[Hit]:
    """Return what looks like a secret in the lines that commits add.

    Parameters
    ----------
    added
        Commit, path, and the added lines by number.
    """
    hits = []
    for commit, path, lines in added:
        numbers, text = list(lines), "\n".join(lines.values())
        hits += [Hit(path, numbers[line - 1], kind, value, commit) for line, kind, value in detect(path, text)]
    return hits


def detect(path: str, text: str) -> list[tuple[int, str, str]]:
    """Return line, kind and hash of what looks like a secret in a text."""
    text = HASHES.sub("", text)
    asked = [plugin for plugin in _plugins() if plugin.possible(text)]
    suffix = Path(path).suffix.lower()
    name = f"{path}.ini" if suffix in ASSIGNED else path
    found: set[tuple[int, str, str]] = set()
    for number, line in enumerate(text.splitlines(), 1):
        for plugin in asked:
            if not plugin.possible(line):
                continue
            for secret in plugin.matcher.analyze_line(filename=name, line=line, line_number=number):
                value = str(secret.secret_value)
                if not _harmless(plugin.kind, value, line):
                    found.add((number, plugin.kind, hash_of(value)))
        if suffix in UNQUOTED:
            found |= {(number, kind, hash_of(value)) for kind, value in _bare(line)}
        for kind, pattern in EXTRA.items():
            found |= {
                (number, kind, hash_of(value)) for value in pattern.findall(line) if not _harmless(kind, value, line)
            }
    return sorted(found)


def _bare(line: str) -> Iterator[tuple[str, str]]:
    """Iterate over long random values that stand without quotes."""
    for match in VALUE.finditer(line):
        value = match[0].strip("=-_")
        for plugin in _plugins():
            if plugin.kind in ENTROPY and any(plugin.matcher.analyze_line(filename="", line=f'"{value}"')):
                if not _harmless(plugin.kind, value, line):
                    yield plugin.kind, value
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
def _plugins() -> tuple[_Plugin, ...]:
    """Return detect-secrets' plugins; loading them takes 0.3 s, which a run that knows every file never pays."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    found = []
    made: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for kind in sorted(made):
        if kind not in OFF:
            plugin = made[kind]()
            found.append(_Plugin(kind, plugin, _possible(kind, plugin)))
    return tuple(found)


def _possible(kind: str, plugin: Any) -> Callable[[str], bool]:  # noqa: ANN401
    if kind == KEYWORD:
        return lambda text: SUSPECT.search(text) is not None
    if kind in ENTROPY:
        return lambda text: plugin.regex.search(text) is not None
    # `$` and `^` mean a line's ends where a whole text is asked.
    patterns = [re.compile(each.pattern, each.flags | re.MULTILINE) for each in plugin.denylist]
    return lambda text: any(pattern.search(text) for pattern in patterns)


@cache
def _version() -> bytes:
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{importlib.metadata.version('detect-secrets')} {own}".encode()


def _key(path: str, content: bytes) -> str:
    """Name a content; the file's ending is part of it, as patterns differ by language."""
    digest = hashlib.blake2b(content, digest_size=16, key=hashlib.blake2b(_version(), digest_size=16).digest())
    digest.update(Path(path).suffix.encode())
    return digest.hexdigest()


def _load(store: Path | None) -> dict[str, list[list[Any]]]:
    if store is None:
        return {}
    try:
        found = json.loads((store / "secrets.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_entry(found: Any) -> bool:  # noqa: ANN401
    """Tell whether something that was remembered has the form of what `detect` finds."""
    return isinstance(found, list) and all(
        isinstance(each, list) and [type(part) for part in each] == [int, str, str] for each in found
    )


def _save(store: Path, fresh: Mapping[str, list[list[Any]]]) -> None:
    """Add what was found; two runs at once may lose an entry of each other's, which is scanned again then."""
    merged = {**_load(store), **fresh}
    kept = dict(list(merged.items())[-KEPT_ENTRIES:])
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=store, prefix=".secrets-", delete=False) as file:
            json.dump(kept, file)
        Path(file.name).replace(store / "secrets.json")
    except OSError:
        return
