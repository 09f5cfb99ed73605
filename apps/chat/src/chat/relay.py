"""Pulls the other region's messages into this one: one pod does, by lease; what it takes over twice counts once."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime

import httpx
import structlog

from chat.figures import RELAY_LAG, RELAY_TRIMMED, RELAY_UP
from chat.log import AWAY, Log
from chat.protocol import Kind
from onair_common.pauses import pause

LEASE = "relay"
LEASE_SECONDS = 12.0
RENEW_SECONDS = 4.0
MAX_BACKOFF_SECONDS = 5.0
TIMEOUT = httpx.Timeout(2.0, connect=1.0, read=9.0)
"""Reading: the source says something every 3 s (`chat.peer`)."""
MAX_LINE = 64 * 1024
_log = structlog.get_logger("relay")
Taken = tuple[int, Kind, bytes]


class Broken(Exception):
    """The stream cannot go on as it is: it begins again from what is known here."""


class Relay:
    """The puller of one pod.

    Parameters
    ----------
    bases : Sequence of str
        Addresses of the other region's chat, tried in turn.
    holder : str
        This pod's name in the lease.
    """

    def __init__(
        self, log: Log, client: httpx.AsyncClient, bases: Sequence[str], *, key: str, home: str, holder: str
    ) -> None:
        self._log, self._client, self._home, self._holder = log, client, home, holder
        self._bases = list(bases)
        self._headers = {"authorization": f"Bearer {key}"}
        self._renewed = 0.0

    async def run(self) -> None:
        """Pull for ever while this pod holds the lease."""
        seconds = 0.2
        while True:
            began = time.monotonic()
            try:
                if await self._hold():
                    await self._pull()
                else:
                    seconds = LEASE_SECONDS / 3
            except (*AWAY, httpx.HTTPError, Broken, ValueError, KeyError) as error:
                # A stream that lasted is no failure in a row.
                seconds = 0.2 if time.monotonic() - began > 10 else min(seconds * 2, MAX_BACKOFF_SECONDS)
                _log.warning("relay broke", source=self._bases[0], error=repr(error), retry_seconds=round(seconds, 2))
                self._bases.append(self._bases.pop(0))
            finally:
                RELAY_UP.set(0)
            await pause(seconds)

    async def stop(self) -> None:
        """Give the lease back, so that another pod goes on at once."""
        try:
            await self._log.release(LEASE, self._holder)
        except AWAY as error:
            _log.info("lease not released", error=repr(error))

    async def _hold(self) -> bool:
        self._renewed = time.monotonic()
        return await self._log.lease(LEASE, self._holder, LEASE_SECONDS)

    async def _pull(self) -> None:
        cursors = {room: number for room, number in (await self._log.rooms(self._home)).items() if number}
        url = f"{self._bases[0]}/peer/rooms/stream"
        async with self._client.stream(
            "POST", url, json={"cursors": cursors}, headers=self._headers, timeout=TIMEOUT
        ) as answer:
            answer.raise_for_status()
            RELAY_UP.set(1)
            _log.info("relay began", source=self._bases[0], rooms=len(cursors))
            rest = b""
            async for chunk in answer.aiter_raw():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE:
                    raise Broken("a line without an end")
                await self._take(lines)
                if time.monotonic() - self._renewed > RENEW_SECONDS and not await self._hold():
                    return
        raise Broken("the source ended the stream")

    async def _take(self, lines: Sequence[bytes]) -> None:
        batches: dict[str, list[Taken]] = {}
        for line in lines:
            told = json.loads(line)
            if "viewers" in told:
                await self._log.report_viewers(f"@{self._home}", {r: int(n) for r, n in told["viewers"].items()})
            else:
                batches.setdefault(told["room"], []).append((int(told["seq"]), told["kind"], told["body"].encode()))
        for room, entries in batches.items():
            last, trimmed = await self._log.take_over(room, self._home, entries)
            if last < entries[-1][0]:
                raise Broken(f"a gap after {last} of {room}")
            if trimmed:
                RELAY_TRIMMED.inc(trimmed)
                _log.error("messages trimmed before they came", room=room, messages=trimmed)
            _observe_lag(entries[-1])


def _observe_lag(entry: Taken) -> None:
    if entry[1] == "m":
        at = datetime.fromisoformat(json.loads(entry[2])["at"])
        RELAY_LAG.observe(max(0.0, time.time() - at.timestamp()))
