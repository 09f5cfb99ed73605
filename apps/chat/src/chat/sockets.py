"""One viewer's WebSocket: who may open it, what it gets first, and what becomes of what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from chat import protocol
from chat.figures import HANDSHAKES, MESSAGES_IN
from chat.hub import Hub, Member, Room
from chat.log import AWAY, Entry, Log
from chat.protocol import Delete, Kind, Mute, Refused, Say, encode, instant, message_id, split_id, with_id
from chat.rooms import Rooms
from chat.words import WordList
from onair_common.access_record import record
from onair_common.identity import Sessions, Viewer
from onair_common.refusals import refusal
from onair_common.websocket import WRITER, Writer, text_frame

FRAMES_PER_SECOND, FRAMES_AT_ONCE = 5.0, 20.0
"""What one socket may send of anything, right or wrong; more is no page of ours and is closed."""
_log = structlog.get_logger("socket")


class Bucket:
    """A token bucket in memory."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._tokens, self._at = burst, now()

    def take(self) -> bool:
        """Take one token, if there is one."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        granted = self._tokens >= 1
        self._tokens -= granted
        return granted


def same_origin(socket: WebSocket) -> bool:
    """Tell whether the page that opens the socket comes from the host that it asks (a cookie alone proves no page)."""
    origin = socket.headers.get("origin", "")
    # Each proxy in front adds the host it was asked for; a page cannot set these headers.
    named = [socket.headers.get("host", ""), *socket.headers.get("x-forwarded-host", "").split(",")]
    return urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc in {n.strip() for n in named if n}


class Sockets:
    """Serves the rooms' sockets."""

    def __init__(self, log: Log, hub: Hub, rooms: Rooms, sessions: Sessions, words: WordList) -> None:
        self._log, self._hub, self._rooms = log, hub, rooms
        self._sessions, self._words = sessions, words
        self._homes = rooms.homes

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve one socket until it ends."""
        viewer = self._sessions.of(socket)
        name = socket.path_params["show"]
        if not same_origin(socket):
            return await _deny(socket, "origin")
        if viewer is None:
            return await _deny(socket, "sign-in")
        if not await self._rooms.known(name):
            return await _deny(socket, "unknown")
        try:
            after = protocol.after(socket.query_params.get("after"), self._homes)
        except ValueError:
            return await _deny(socket, "bad-after")
        if refused := self._hub.admit(viewer.id):
            return await _deny(socket, refused)
        try:
            return await self._serve(socket, viewer, name, after)
        finally:
            self._hub.dismiss(viewer.id)

    async def _serve(self, socket: WebSocket, viewer: Viewer, name: str, after: dict[str, int] | None) -> None:
        try:
            room = await self._hub.enter(name)
        except AWAY:
            return await _deny(socket, "away")
        member = None
        began, code = time.monotonic(), 1006
        try:
            await socket.accept()
            HANDSHAKES.labels("101").inc()
            record(socket, viewer.id, "chat.open", name, "ok")
            member = Member(viewer.id, cast(Writer, socket.scope["extensions"][WRITER]), socket.close)
            room.joining.add(member)
            history, floor = await self._rooms.history(name, after)
            room.begin(member, self._first_frames(room, viewer, history), floor)
            await self._receive(socket, room, viewer)
        except WebSocketDisconnect as end:
            code = end.code
        except AWAY:
            code = 1013  # try again later
            await socket.close(code)
        finally:
            self._hub.leave(room, member)
            seconds = round(time.monotonic() - began, 1)
            request = socket.scope["onair.request_id"]
            _log.info("socket ended", room=name, viewer=viewer.id, code=code, seconds=seconds, request_id=request)

    def _first_frames(self, room: Room, viewer: Viewer, history: list[Entry]) -> bytes:
        viewers = max(room.viewers, len(room.members))
        hello = encode(type="hello", viewer=viewer.id, role=viewer.role, region=self._log.region, viewers=viewers)
        bodies = [with_id(e.home, e.seq, e.body) if e.kind == "m" else e.body for e in history]
        return b"".join(text_frame(body) for body in (hello, *bodies))

    async def _receive(self, socket: WebSocket, room: Room, viewer: Viewer) -> None:
        allowance = Bucket(FRAMES_PER_SECOND, FRAMES_AT_ONCE)
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1006))
            if not allowance.take():
                await socket.close(1008, "too many messages")
                raise WebSocketDisconnect(1008)
            # Binary frames have no text.
            await socket.send_text(await self._answer(socket, room.name, viewer, message.get("text") or ""))

    async def _answer(self, socket: WebSocket, room: str, viewer: Viewer, text: str) -> str:
        said = None
        try:
            said = protocol.parse(text)
            done = await self._obey(room, viewer, said)
            answer, outcome = encode(type="accepted", ref=said.ref, id=done), "ok"
        except Refused as refusal:
            answer, outcome = encode(type="refused", ref=refusal.ref, reason=refusal.reason), refusal.reason
        MESSAGES_IN.labels(outcome).inc()
        if isinstance(said, Delete):
            record(socket, viewer.id, "chat.delete", f"{room}/{said.message}", outcome)
        elif isinstance(said, Mute):
            record(socket, viewer.id, "chat.mute", f"{room}/{said.viewer}", outcome)
        return answer.decode()

    async def _obey(self, room: str, viewer: Viewer, said: Say | Delete | Mute) -> str:
        """Do what a client asks; returns the id of the entry."""
        if viewer.expires <= time.time():
            raise Refused("session", said.ref)
        if not isinstance(said, Say) and viewer.role != "seller":
            raise Refused("role", said.ref)
        if isinstance(said, Say) and self._words.forbids(said.text):
            raise Refused("word", said.ref)
        try:
            if isinstance(said, Delete) and not await self._exists(room, said.message):
                raise Refused("unknown", said.ref)
            kind, body = self._entry(viewer, said)
            status, seq = await self._log.append(room, kind, body, viewer.id, said.ref or "")
        except AWAY as error:
            raise Refused("away", said.ref) from error
        if status != "ok":
            raise Refused(status, said.ref)
        return message_id(self._log.region, seq)

    async def _exists(self, room: str, message: str) -> bool:
        home, seq = split_id(message)
        return home in self._homes and await self._log.has(room, home, seq)

    def _entry(self, viewer: Viewer, said: Say | Delete | Mute) -> tuple[Kind, bytes]:
        now = time.time()
        if isinstance(said, Delete):
            return "d", encode(type="deleted", id=said.message)
        if isinstance(said, Mute):
            return "x", encode(type="muted", viewer=said.viewer, until=int(now) + said.seconds)
        return "m", encode(
            type="message",
            at=instant(now),
            region=self._log.region,
            viewer=viewer.id,
            nickname=viewer.nickname,
            role=viewer.role,
            text=said.text,
        )


async def _deny(socket: WebSocket, code: str) -> None:
    answer = refusal(socket, code)
    HANDSHAKES.labels(str(answer.status_code)).inc()
    record(socket, "nobody", "chat.open", socket.path_params["show"][:40], code)
    await socket.send_denial_response(answer)
