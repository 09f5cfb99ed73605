"""A viewer in the chat, as the shop's page is one: a socket that comes back after a loss, and no message is forgotten.

What is measured is how long a message takes until the chat has taken it, losses of the socket included, and whether
every message of every region came, in order and once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onair.core.scenario import Socket, Visit
from onair.core.viewer.plan import drawn

WORDS = (
    "hello from here!",
    "is it still in stock?",
    "what a colour",
    "can you show it once more?",
    "bought one last year, still happy",
    "shipping to Busan?",
    "how big is it?",
    "lovely",
)
REFUSALS = frozenset({"slow", "busy", "text", "word", "format", "muted"})
"""The chat decided against a message; `session` is trouble, and after `away` it is said again."""
FIRST_PAUSE, SLOWEST_PAUSE, CERTAIN_PAUSE = 0.6, 15.0, 0.3
"""How the page comes back: doubling pauses with full jitter, after a moment."""
ANSWER_SECONDS, SILENCE_SECONDS = 4.0, 15.0
"""How long the page lets a message wait, and a socket be silent, before it takes the socket for lost."""
AGAIN_SECONDS = 1.0
"""After so long the page says again what the room could not take because its memory was away."""
SHORTEST_TALK = 2.0
_ID = re.compile(r"([a-z]{2,8})-(\d{1,15})")


@dataclass
class Unsaid:
    """A message that was not taken yet."""

    ref: str
    text: str
    since: float


class Talker:
    """Takes part in a show's chat.

    Parameters
    ----------
    target
        The platform, by its name in the plan.
    talks, patience
        Mean seconds between messages, and how long one may take.
    """

    def __init__(
        self, visit: Visit, target: str, show: str, headers: Mapping[str, str], *, talks: float, patience: float
    ) -> None:
        self._visit, self._target, self._headers = visit, target, headers
        self._path = f"/api/chat/rooms/{show}/socket"
        self._talks, self._patience = talks, patience
        self._seen, self._fresh = dict[str, int](), dict[str, bool]()
        self._unsaid: Unsaid | None = None
        self._count = self._tries = 0
        self._region = ""
        self._next = 0.0
        self._again = float("inf")

    async def talk(self, until: float) -> None:
        """Take part until this moment of the visit."""
        visit = self._visit
        self._next = visit.elapsed + min(self._talks, visit.random.uniform(0.5, SHORTEST_TALK))
        while visit.elapsed < until:
            socket = await visit.connect("socket", self._target, self._url(), headers=self._headers)
            if socket is not None:
                try:
                    await self._converse(socket, until)
                finally:
                    await socket.close()
            if visit.elapsed < until:
                pause = CERTAIN_PAUSE + visit.random.uniform(0, min(SLOWEST_PAUSE, FIRST_PAUSE * 2**self._tries))
                self._tries += 1
                await visit.pause(min(pause, max(0.0, until - visit.elapsed)))
                self._think()
        if self._unsaid and visit.elapsed - self._unsaid.since > self._patience / 2:
            self._told("unanswered", ok=False)

    async def _converse(self, socket: Socket, until: float) -> None:
        """Hear and say, until the time or the socket ends, or nothing comes of it any more."""
        visit, greeted, sent = self._visit, False, ""
        since, said = visit.elapsed, 0.0
        while visit.elapsed < until:
            self._think()
            if greeted and self._unsaid and (self._unsaid.ref != sent or visit.elapsed >= self._again):
                self._again = float("inf")
                sent, said = self._unsaid.ref, visit.elapsed
                await socket.say({"type": "say", "ref": sent, "text": self._unsaid.text})
            soon = min(until, self._again if self._unsaid else self._next)
            heard = await socket.hear(min(1.0, max(0.01, soon - visit.elapsed)))
            if heard is None:
                waits = self._unsaid is not None and self._unsaid.ref == sent
                lost = waits and self._again == float("inf") and visit.elapsed - said > ANSWER_SECONDS
                if socket.closed or lost or visit.elapsed - since > SILENCE_SECONDS:
                    return
                continue
            since = visit.elapsed
            if heard.get("type") == "drain":
                return
            if heard.get("type") == "hello":
                greeted, self._tries, self._region = True, 0, str(heard.get("region", ""))
            self._hear(heard)

    def _think(self) -> None:
        """Give up a message that nobody took, and think of the next one when it is time: with or without a socket."""
        now = self._visit.elapsed
        if self._unsaid and now - self._unsaid.since > self._patience:
            self._told("unanswered", ok=False)
        if self._unsaid is None and now >= self._next:
            self._count += 1
            self._unsaid = Unsaid(f"v{self._visit.number}-{self._count}", self._visit.random.choice(WORDS), now)
            self._next = now + max(SHORTEST_TALK, drawn(self._visit.random, self._talks))

    def _hear(self, heard: Mapping[str, Any]) -> None:
        kind = heard.get("type")
        if kind == "message":
            self._note(str(heard.get("id", "")))
        elif self._unsaid and heard.get("ref") == self._unsaid.ref:
            if kind == "accepted":
                self._told("accepted", ok=True)
            elif kind == "refused":
                reason = str(heard.get("reason", ""))
                if reason == "away":
                    self._again = self._visit.elapsed + AGAIN_SECONDS
                    return
                self._told(f"refused-{reason}", ok=reason in REFUSALS)

    def _note(self, identity: str) -> None:
        """Follow the numbers of a home region: they are dense, so one that is passed over is a lost message.

        What was said before this viewer came may have holes: messages that were taken away.
        """
        match = _ID.fullmatch(identity)
        if not match:
            return
        home, number = match[1], int(match[2])
        last = self._seen.get(home)
        if last is not None and number > last + 1 and self._fresh.get(home):
            self._visit.tell("chat", "gap", since=self._visit.elapsed, ok=False, region=self._region)
        self._seen[home] = max(number, last or 0)

    def _told(self, outcome: str, *, ok: bool) -> None:
        if self._unsaid:
            self._visit.tell("chat", outcome, since=self._unsaid.since, ok=ok, region=self._region)
        self._unsaid = None
        # History came before the first answer to a message: from here on nothing may be missing.
        self._fresh = dict.fromkeys(self._seen, True)

    def _url(self) -> str:
        after = ",".join(f"{home}:{number}" for home, number in sorted(self._seen.items()))
        return f"{self._path}?after={after}" if after else self._path
