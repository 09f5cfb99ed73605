"""Stream keys: each opens one channel. Compared in constant time, and never written anywhere."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from onair_common.settings import SettingError

MIN_CHARACTERS = 20


class StreamKeys:
    """The keys of the platform's channels, kept as hashes.

    Parameters
    ----------
    keys : Mapping
        Key by channel.

    Raises
    ------
    SettingError
        When a key is short, or opens two channels.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        for channel, key in keys.items():
            if len(key) < MIN_CHARACTERS:
                raise SettingError(f"STREAM_KEY_{channel.upper()}: shorter than {MIN_CHARACTERS} characters")
        self._hashes = {channel: _hash(key) for channel, key in keys.items()}
        if len(set(self._hashes.values())) != len(keys):
            raise SettingError("STREAM_KEY_*: two channels have the same key; draw one for each")

    @classmethod
    def read(cls, env: Mapping[str, str], channels: Iterable[str]) -> StreamKeys:
        """Read ``STREAM_KEY_<CHANNEL>``; a channel without one cannot be published to.

        Raises
        ------
        SettingError
            When a key is short, or opens two channels.
        """
        found = {channel: env.get(f"STREAM_KEY_{channel.upper()}", "").strip() for channel in channels}
        return cls({channel: key for channel, key in found.items() if key})

    def channel(self, given: str) -> str | None:
        """Return the channel that a key opens. How long that takes tells nothing: every key is compared, in full."""
        opened, own = None, _hash(given)
        for channel, key in self._hashes.items():
            if hmac.compare_digest(own, key):
                opened = channel
        return opened


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
