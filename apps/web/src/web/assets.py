"""Static files under names that carry their content's hash, held in memory with their compressed form."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from onair_common.settings import SettingError

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT = re.compile(r'(?<=from "\./)[a-z]+\.js(?=";)')


@dataclass(frozen=True)
class Asset:
    """One static file."""

    name: str
    """Name with the hash, e.g. ``site.1f2e3d4c5b6a.css``."""
    media_type: str
    body: bytes
    compressed: bytes
    imports: tuple[str, ...] = ()
    """Plain names of all modules that it needs, the deepest first."""


class Assets:
    """The files of the package's static folder and the player.

    Parameters
    ----------
    player : Path
        hls.js, put into the image at build.

    Raises
    ------
    SettingError
        When the player is missing.
    """

    def __init__(self, player: Path) -> None:
        self._by_plain: dict[str, Asset] = {}
        self._sources = {f.name: f.read_bytes() for f in (resources.files("web") / "static").iterdir()}
        try:
            # The map of its source is not shipped, so do not send browsers looking for it.
            self._sources["hls.js"] = player.read_bytes().partition(b"\n//# sourceMappingURL=")[0]
        except OSError as error:
            raise SettingError(f"PLAYER: {player}: {error.strerror}; the image's player stage puts it there") from error
        for name in self._sources:
            self._add(name)

    def _add(self, plain: str) -> Asset:
        if plain in self._by_plain:
            return self._by_plain[plain]
        stem, dot, suffix = plain.rpartition(".")
        body, needed = self._sources[plain], dict[str, None]()
        if plain != "hls.js" and suffix == "js":
            # A module names the others by their hash too: there is no build step, and a page's modules fit together.
            def named(match: re.Match[str]) -> str:
                other = self._add(match[0])
                needed.update(dict.fromkeys((*other.imports, match[0])))
                return other.name

            body = _IMPORT.sub(named, body.decode()).encode()
        name = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}{dot}{suffix}"
        asset = Asset(name, _TYPES[dot + suffix], body, gzip.compress(body, 9, mtime=0), tuple(needed))
        self._by_plain[plain] = asset
        return asset

    def url(self, plain: str) -> str:
        """Return the address of a file, e.g. of ``site.css``."""
        return f"/static/{self._by_plain[plain].name}"

    def needs(self, plain: str) -> list[str]:
        """Return the addresses of the modules that a module imports, for the browser to fetch them at once."""
        return [self.url(name) for name in self._by_plain[plain].imports]

    def find(self, name: str) -> tuple[Asset, bool] | None:
        """Return a file and whether `name` carries its present hash.

        During a switch of versions a page of the one may ask the other: it gets the other's file, not to be kept.
        """
        parts = name.split(".")
        asset = self._by_plain.get(f"{parts[0]}.{parts[-1]}") if len(parts) == 3 else None
        return (asset, asset.name == name) if asset else None
