"""Who looks at a page: sessions are issued at the first page that needs one, and renewed while they are used."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from onair_common.identity import COOKIE, SESSION_SECONDS, Role, Sessions, Viewer
from web.texts import WORDS


@dataclass(frozen=True)
class Visit:
    """A viewer on a page; ``cookie`` is what the answer must set, None when the one that came will do."""

    viewer: Viewer
    csrf: str
    cookie: str | None

    def keep(self, response: Response) -> None:
        """Give the session to the browser: for this host only, over TLS only, out of reach of scripts."""
        if self.cookie is not None:
            response.set_cookie(
                COOKIE, self.cookie, max_age=SESSION_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
            )


class Visitors:
    """Issues and renews sessions.

    Parameters
    ----------
    now : Callable
        Clock, Unix time in seconds.
    """

    def __init__(self, sessions: Sessions, now: Callable[[], float] = time.time) -> None:
        self._sessions, self._now = sessions, now

    def known(self, request: Request) -> Visit | None:
        """Return who has a session already, renewed when half of it is gone."""
        viewer = self._sessions.of(request)
        if viewer is None:
            return None
        if viewer.expires - self._now() < SESSION_SECONDS / 2:
            return self._visit(replace(viewer, expires=self._expiry()), fresh=True)
        return self._visit(viewer)

    def visit(self, request: Request, lang: str) -> Visit:
        """Return who looks at a page; a newcomer gets a session and a name that can be changed."""
        # Not a secret: a name that two guests rarely share.
        name = f"{WORDS[lang]['guest']} {secrets.randbelow(9000) + 1000}"
        return self.known(request) or self.begin(name, "viewer")

    def begin(self, nickname: str, role: Role, who: str | None = None) -> Visit:
        """Begin a session; ``who`` is the lasting id of somebody who signed in (32 hexadecimal digits).

        Raises
        ------
        ValueError
            When the nickname or the id is no good.
        """
        return self._visit(Viewer(who or secrets.token_hex(16), nickname, role, self._expiry()), fresh=True)

    def rename(self, visit: Visit, nickname: str) -> Visit:
        """Return the visit under another nickname.

        Raises
        ------
        ValueError
            When it is no good.
        """
        return self._visit(replace(visit.viewer, nickname=nickname, expires=self._expiry()), fresh=True)

    def confirmed(self, visit: Visit, token: str | None) -> bool:
        """Tell whether a form came from one of this viewer's own pages."""
        return self._sessions.csrf_valid(visit.viewer, token)

    def _visit(self, viewer: Viewer, *, fresh: bool = False) -> Visit:
        return Visit(viewer, self._sessions.csrf(viewer), self._sessions.issue(viewer) if fresh else None)

    def _expiry(self) -> int:
        return int(self._now()) + SESSION_SECONDS
