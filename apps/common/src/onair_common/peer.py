"""Calls between the two regions' instances of one service: a shared key, two nodes to try, bounded retries.

Routes below ``/peer/`` are for the other region only: they are in no HTTPRoute, and they check the key.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps

import httpx
import structlog
from starlette.requests import Request
from starlette.responses import Response

from onair_common import settings
from onair_common.asgi import problem
from onair_common.pauses import attempts

TIMEOUT = httpx.Timeout(2.0, connect=0.5)
MIN_KEY_CHARACTERS = 16
_RETRIED = frozenset({429, 502, 503, 504})
_log = structlog.get_logger("peer")

Endpoint = Callable[[Request], Awaitable[Response]]


class PeerAway(Exception):
    """No node of the other region answered within the attempts allowed."""


def read_key(env: Mapping[str, str]) -> str:
    """Return the key that both regions share.

    Raises
    ------
    settings.SettingError
        When PEER_KEY is missing or too short to be a secret.
    """
    key = settings.text("PEER_KEY", env=env)
    if len(key) < MIN_KEY_CHARACTERS:
        raise settings.SettingError(f"PEER_KEY: give it at least {MIN_KEY_CHARACTERS} characters")
    return key


def read_bases(env: Mapping[str, str]) -> list[str]:
    """Return the peer's addresses out of PEERS (comma separated); none when it is not set."""
    return [base.strip().rstrip("/") for base in env.get("PEERS", "").split(",") if base.strip()]


def guarded(key: str, endpoint: Endpoint) -> Endpoint:
    """Wrap an endpoint so that it answers only who carries the key (compared in constant time)."""
    expected = f"Bearer {key}".encode()

    @wraps(endpoint)
    async def check(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, expected):
            return problem(401, "Unauthorized", headers={"www-authenticate": "Bearer"})
        return await endpoint(request)

    return check


class Peer:
    """The same service in the other region.

    Parameters
    ----------
    bases : Sequence of str
        Its addresses, one a node; the one that answered last is tried first.
    rounds : int
        How often each address is tried before the peer counts as away.
    pause_seconds : float
        Mean pause between rounds; the real one is drawn from half to one and a half of it.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        bases: Sequence[str],
        key: str,
        *,
        rounds: int = 2,
        pause_seconds: float = 0.2,
    ) -> None:
        self._client, self._bases = client, list(bases)
        self._headers = {"authorization": f"Bearer {key}"}
        self._rounds, self._pause = rounds, pause_seconds

    async def get(self, path: str) -> httpx.Response:
        """Ask for a path; see `send`."""
        return await self.send("GET", path)

    async def post(self, path: str, body: object) -> httpx.Response:
        """Send a JSON body; see `send`. The other side must take the same body twice: an answer may be lost."""
        return await self.send("POST", path, body)

    async def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Return the peer's answer, whatever its status below 500.

        Raises
        ------
        PeerAway
            When no address gave one.
        """
        error = "no address of the peer is configured"
        async for _ in attempts(self._rounds, self._pause):
            for base in list(self._bases):
                try:
                    answer = await self._client.request(
                        method, base + path, json=body, headers=self._headers, timeout=TIMEOUT
                    )
                except httpx.HTTPError as problem_:
                    error = f"{base}: {problem_!r}"
                    continue
                if answer.status_code in _RETRIED or answer.status_code >= 500:
                    error = f"{base}: status {answer.status_code}"
                    continue
                self._bases.remove(base)
                self._bases.insert(0, base)
                return answer
        _log.info("peer away", path=path, error=error)
        raise PeerAway(error)
