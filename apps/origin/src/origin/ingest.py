"""RTMP from publishers: who holds a channel's stream key publishes it, one at a time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Gauge, Histogram

from onair_common.access_record import record_from
from origin.channel import Channel
from origin.chunks import RtmpError
from origin.fragments import Fragment
from origin.keys import StreamKeys
from origin.packager import Packager
from origin.rtmp import End, Media, Publish, Session
from origin.run import Cutter, Part, Run, RunError

APP = "live"
GREETING_SECONDS = 10.0
"""For handshake, connect and publish together."""
SILENCE_SECONDS = 5.0
"""A publication without a message for so long has ended."""
FIRST_PICTURE_SECONDS = 15.0
"""A publication has to show something by then: longer than x264's longest interval of key frames at 30 a second."""
STALE_SECONDS = 2.0
"""A publisher that has sent nothing for so long gives way to one that comes with the same key: itself, reconnected."""
REFUSAL_SECONDS = 1.0
"""Pause before a wrong key is answered, so that guessing is slow on each of `MAX_CONNECTIONS`."""
MAX_CONNECTIONS = 32
_READ_BYTES = 64 << 10

REQUESTS = Counter("origin_publish_requests", "Connections that asked to publish, or failed to.", ["result"])
ENDS = Counter("origin_publication_ends", "Publications that ended.", ["reason"])
LIVE = Gauge("origin_publications", "Publications going on.", ["channel"])
BYTES = Counter("origin_publish_bytes", "Bytes from publishers.", ["channel"])
FIRST_PART = Histogram(
    "origin_first_part_seconds",
    "Seconds from an accepted key to the first part for viewers.",
    buckets=(0.25, 0.5, 1, 2, 4, 8, 16),
)
JOIN_SECONDS = 1.0
"""How long a first part comes ahead of the stand-in in its place, at least. The other region's origin, when it is
later, joins at a slot whose first part it has before its viewers see the stand-in; all slots come at the same phase."""
_log = structlog.get_logger("ingest")


class Refused(Exception):
    """The publisher may not publish; `result` is its metric's label, the message is for the publisher."""

    def __init__(self, result: str, message: str) -> None:
        super().__init__(message)
        self.result = result


class Publication:
    """What an accepted publisher sends, on its way into its channel."""

    def __init__(self, ingest: Ingest, channel: Channel) -> None:
        self.ident = secrets.token_hex(8)
        self.channel, self.region = channel, ingest.region
        self.heard = self.began = time.monotonic()
        self.ended = asyncio.Event()
        self.reason = "lost"
        self.packager = Packager(ingest.ffmpeg, self._take)
        self._run: Run | None = None
        self._cutter: Cutter | None = None

    @property
    def shown(self) -> bool:
        """Whether viewers have had a part of it."""
        return self._run is not None

    def end(self, reason: str) -> None:
        """End it, for a reason out of a fixed set; the first one counts."""
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()
            if self._run and self.channel.run is self._run:
                self.channel.end()

    def _take(self, init: bytes, started: float, fragment: Fragment) -> None:
        if self.ended.is_set():
            return
        now = time.time()
        part = Part(fragment.duration, fragment.independent, fragment.data)
        if self._run is None or self._cutter is None:
            self._run = Run(self.ident, self.region, started, init, 0)
            self._cutter = Cutter(self._run, self.channel.edge(now + JOIN_SECONDS) + 1)
            self._cutter.add(started + fragment.start, part, now)
            self.channel.begin(self._run)
            FIRST_PART.observe(time.monotonic() - self.began)
        elif self.channel.run is not self._run:
            raise RunError("another publication has the channel")
        else:
            self._cutter.add(started + fragment.start, part, now)
            self.channel.changed()


class Ingest:
    """The RTMP server.

    Parameters
    ----------
    ffmpeg : str
        Program that packages.
    """

    def __init__(self, channels: Mapping[str, Channel], keys: StreamKeys, region: str, ffmpeg: str = "ffmpeg") -> None:
        self.region, self.ffmpeg = region, ffmpeg
        self._channels, self._keys = channels, keys
        self._publications: dict[str, Publication] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; returns the port (another one when 0 was asked for)."""
        self._server = await asyncio.start_server(self._connected, "0.0.0.0", port)  # noqa: S104  a pod's own address
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def listening(self) -> bool:
        """Whether publishers can come."""
        return self._server is not None and self._server.is_serving()

    def drain(self) -> None:
        """Send every publisher away, to come back elsewhere, and take no new one."""
        if self._server:
            self._server.close()
        for publication in list(self._publications.values()):
            publication.end("drained")

    async def stop(self) -> None:
        """Drain, and wait until every connection has ended."""
        self.drain()
        if self._connections:
            await asyncio.wait(self._connections, timeout=3)
        for task in self._connections:
            task.cancel()

    def supersede(self, channel: str) -> None:
        """End a publication because the other region has a later one."""
        if publication := self._publications.get(channel):
            publication.end("superseded")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        if len(self._connections) >= MAX_CONNECTIONS:
            REQUESTS.labels("full").inc()
            writer.close()
            return
        self._connections.add(task)
        address = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            await self._serve(reader, writer, address)
        except OSError:
            pass  # it went while it was answered
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        session = Session()
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                request = await self._greet(session, reader, writer)
                if request is None:
                    return  # a health check, or somebody who said nothing
                publication = await self._admit(request, address)
        except (Refused, RtmpError, TimeoutError) as error:
            result = error.result if isinstance(error, Refused) else "malformed"
            if isinstance(error, TimeoutError):
                result, error = "slow", TimeoutError(f"no publish command within {GREETING_SECONDS:g} s")
            REQUESTS.labels(result).inc()
            _log.warning("publisher refused", result=result, reason=str(error))
            record_from(address, "publisher", "video.publish", "-", result)
            if isinstance(error, Refused):
                session.refuse(str(error))
                await _send(session, writer)
            return
        session.accept()
        await self._publish(publication, session, reader, writer, address)

    async def _greet(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Publish | None:
        received = False
        while data := await reader.read(_READ_BYTES):
            received = True
            session.receive(data)
            for event in session.events():
                if isinstance(event, Publish):
                    return event
            await _send(session, writer)
        if received:
            raise RtmpError("it went before it asked to publish")
        return None

    async def _admit(self, request: Publish, address: str) -> Publication:
        """Open the channel of the key.

        Raises
        ------
        Refused
            When the key opens none, or the channel is taken.
        """
        if request.app != APP:
            raise Refused("wrong-app", f"the address does not end with /{APP}")
        name = self._keys.channel(request.key)
        if name is None:
            await asyncio.sleep(REFUSAL_SECONDS)
            raise Refused("wrong-key", "the stream key opens no channel")
        channel, now = self._channels[name], time.monotonic()
        before = self._publications.get(name)
        heard = before.heard if before else channel.touched if channel.run else float("-inf")
        if now - heard < STALE_SECONDS:
            raise Refused("busy", "the channel is being published already")
        if before:
            before.end("replaced")
        publication = self._publications[name] = Publication(self, channel)
        REQUESTS.labels("ok").inc()
        LIVE.labels(name).inc()
        _log.info("publication begins", channel=name, publication=publication.ident)
        record_from(address, f"publication:{publication.ident}", "video.publish", name, "ok")
        return publication

    async def _publish(
        self,
        publication: Publication,
        session: Session,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
    ) -> None:
        name, message = publication.channel.name, ""
        receiving = asyncio.create_task(self._receive(publication, session, reader, writer))
        ended = asyncio.create_task(publication.ended.wait())
        try:
            await asyncio.wait({receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                receiving.result()
        except RunError as error:
            message = str(error)
            publication.end("unfit")
        except RtmpError as error:
            message = str(error)
            publication.end("malformed")
        except (OSError, TimeoutError):
            publication.end("lost")
        finally:
            receiving.cancel()
            ended.cancel()
            publication.end("lost")
            if self._publications.get(name) is publication:
                del self._publications[name]
            LIVE.labels(name).dec()
            ENDS.labels(publication.reason).inc()
            _log.info(
                "publication ends",
                channel=name,
                publication=publication.ident,
                reason=publication.reason,
                detail=message,
                seconds=round(time.monotonic() - publication.began, 1),
            )
            record_from(address, f"publication:{publication.ident}", "video.unpublish", name, publication.reason)
            await publication.packager.close()
        session.dismiss(message or publication.reason)
        await _send(session, writer)

    async def _receive(
        self, publication: Publication, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hand on what the publisher sends until it ends."""
        received = BYTES.labels(publication.channel.name)
        while True:
            for event in session.events():
                if isinstance(event, Media):
                    publication.heard = time.monotonic()
                    await publication.packager.put(event)
                elif isinstance(event, End):
                    publication.end("finished")
                    return
            await _send(session, writer)
            async with asyncio.timeout(SILENCE_SECONDS):
                data = await reader.read(_READ_BYTES)
            now = time.monotonic()
            if not data or now - publication.heard > SILENCE_SECONDS:
                return
            if not publication.shown and now - publication.began > FIRST_PICTURE_SECONDS:
                raise RunError(f"no picture within {FIRST_PICTURE_SECONDS:g} s")
            received.inc(len(data))
            session.receive(data)


async def _send(session: Session, writer: asyncio.StreamWriter) -> None:
    if answers := session.answers():
        writer.write(answers)
        async with asyncio.timeout(SILENCE_SECONDS):
            await writer.drain()
