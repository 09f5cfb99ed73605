"""Sellers sign in by OpenID Connect: authorization code with PKCE, state and nonce (RFC 9700).

What a sign-in under way needs travels in a sealed cookie, so whichever region gets the callback can judge it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from itsdangerous.encoding import base64_encode

from onair_common.identity import NICKNAME_CHARACTERS, valid_nickname
from onair_common.pauses import attempts
from onair_common.settings import SettingError, text
from onair_common.sign_in import Account, Flow, SignInError, own_path

TIMEOUT = httpx.Timeout(3.0, connect=0.5)
TRIES, PAUSE_SECONDS = 3, 0.2
CLOCK_SKEW_SECONDS = 60
METADATA_SECONDS = 3600
KEYS_PAUSE_SECONDS = 10
"""An unknown key makes us ask for the keys again, at most so often: anybody can name a key that does not exist."""
ALGORITHMS = ["RS256", "ES256"]
_log = structlog.get_logger("oidc")


class _Claims(Protocol):
    claims: dict[str, Any]


class Issuer:
    """An OpenID Connect issuer, and this shop as its client.

    An issuer at plain http is a Service of the cluster, whose path the gateway publishes: the browser is sent to that
    path on the address that it uses for the shop already. Any other one is https and sent to as it says itself.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        issuer: str,
        client_id: str,
        client_secret: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        if urlsplit(issuer).scheme not in {"http", "https"} or not urlsplit(issuer).netloc:
            raise SettingError(f"OIDC_ISSUER: {issuer!r} is no address; give the issuer's URL")
        self._http, self._issuer, self._now = http, issuer, now
        self._id, self._secret = client_id, client_secret
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: Any = None
        self._keys_after = 0.0

    @classmethod
    def read(cls, http: httpx.AsyncClient, env: Mapping[str, str] = os.environ) -> Issuer:
        """Read issuer and client from the environment (Secret ``seller-oidc``).

        Raises
        ------
        SettingError
            If something is missing.
        """
        return cls(
            http,
            text("OIDC_ISSUER", env=env),
            text("OIDC_CLIENT_ID", env=env),
            text("OIDC_CLIENT_SECRET", env=env),
        )

    async def begin(self, redirect_uri: str, after: str = "/") -> tuple[str, Flow]:
        """Return where to send the browser, and what to keep in the cookie meanwhile.

        Parameters
        ----------
        redirect_uri : str
            Absolute address of the callback, one of those that the issuer was told.
        after : str
            Path to go to in the end; another host's address becomes ``/``.

        Raises
        ------
        SignInError
            ``away`` when the issuer does not say where to go.
        """
        endpoint = str((await self._discover())["authorization_endpoint"])
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = Flow(state, nonce, verifier, redirect_uri, own_path(after))
        asked = {
            "response_type": "code",
            "client_id": self._id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": base64_encode(hashlib.sha256(flow.verifier.encode()).digest()).decode(),
            "code_challenge_method": "S256",
        }
        address = urlsplit(endpoint)
        place = address.path if address.scheme == "http" else endpoint
        return f"{place}?{urlencode(asked)}", flow

    async def finish(self, flow: Flow | None, query: Mapping[str, str]) -> Account:
        """Return who signed in, out of the callback's query and the flow of its cookie.

        Raises
        ------
        SignInError
            With the reason why not.
        """
        if flow is None:
            raise SignInError("stale", "the browser has no sign-in under way")
        if not hmac.compare_digest(query.get("state", "").encode(), flow.state.encode()):
            raise SignInError("invalid", "state is not that of the sign-in")
        if "error" in query:
            raise SignInError("refused", query["error"][:80])
        metadata = await self._discover()
        if query.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
            raise SignInError("invalid", "another issuer answered")
        token = await self._exchange(str(metadata["token_endpoint"]), query.get("code", ""), flow)
        return self._account(await self._claims(token, flow.nonce))

    async def _exchange(self, endpoint: str, code: str, flow: Flow) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        try:  # once: a code is good for one use
            answer = await self._http.post(endpoint, data=form, auth=(self._id, self._secret), timeout=TIMEOUT)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInError("away", f"token endpoint: {error!r}") from error
        if answer.status_code == httpx.codes.OK and isinstance(body, dict) and isinstance(body.get("id_token"), str):
            return cast(str, body["id_token"])
        said = str(body.get("error", "no token"))[:80] if isinstance(body, dict) else "no object"
        if answer.status_code >= 500:
            raise SignInError("away", f"token endpoint: status {answer.status_code}")
        raise SignInError("stale" if said in {"invalid_grant", "invalid_request"} else "invalid", said)

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        # Imported here: it costs a second of a small pod's start and is used at sign-ins only.
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415

        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._now()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": str(self._metadata["issuer"])},
            aud={"essential": True, "value": self._id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            try:
                read: _Claims = jwt.decode(token, await self._jwks(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                read = jwt.decode(token, await self._jwks(again=True), algorithms=ALGORITHMS)
            registry.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise SignInError("invalid", f"ID token: {error}") from error
        return read.claims

    def _account(self, claims: dict[str, Any]) -> Account:
        named = (claims.get(name) for name in ("name", "nickname", "preferred_username", "cognito:username"))
        nickname = next((n for n in named if isinstance(n, str) and valid_nickname(n[:NICKNAME_CHARACTERS])), "Seller")
        who = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()
        return Account(who[:32], nickname[:NICKNAME_CHARACTERS])

    async def _discover(self) -> dict[str, Any]:
        if self._now() >= self._metadata_until:
            found = await self._get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != self._issuer or not all(isinstance(found.get(name), str) for name in needed):
                raise SignInError("invalid", "the issuer's metadata is another issuer's or lacks an endpoint")
            self._metadata, self._metadata_until = found, self._now() + METADATA_SECONDS
        return self._metadata

    async def _jwks(self, *, again: bool = False) -> Any:  # noqa: ANN401  the lazily imported library's type
        from joserfc.jwk import KeySet  # noqa: PLC0415

        if self._keys is None or (again and self._now() >= self._keys_after):
            found = await self._get(str(self._metadata["jwks_uri"]))
            self._keys, self._keys_after = KeySet.import_key_set(cast(Any, found)), self._now() + KEYS_PAUSE_SECONDS
        return self._keys

    async def _get(self, url: str) -> dict[str, Any]:
        error: object = None
        async for _ in attempts(TRIES, PAUSE_SECONDS):
            try:
                answer = await self._http.get(url, timeout=TIMEOUT)
                answer.raise_for_status()
                body = answer.json()
                if isinstance(body, dict):
                    return body
                error = "no object"
            except (httpx.HTTPError, ValueError) as found:
                error = found
        _log.warning("issuer away", url=url, error=repr(error))
        raise SignInError("away", f"{url}: {error!r}")
