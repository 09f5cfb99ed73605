"""Tokens and answers that an issuer may give, good and bad. The real issuer: tests/integration/test_identity.py."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous.encoding import base64_encode
from joserfc import jwt
from joserfc.jwk import RSAKey

from onair_common import oidc
from onair_common.oidc import Issuer
from onair_common.settings import SettingError
from onair_common.sign_in import FLOW_SECONDS, Flow, Flows, SignInError, own_path

NOW = 1_800_000_000
ISSUER = "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_x"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://onair.auth.us-west-2.amazoncognito.com/oauth2/authorize",
    "token_endpoint": "https://onair.auth.us-west-2.amazoncognito.com/oauth2/token",
    "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
}
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two"))
KEYS = ["k" * 32]


class Cognito:
    """An issuer whose answers a test spoils."""

    def __init__(self) -> None:
        self.keys, self.metadata = [KEY], dict(METADATA)
        self.token: httpx.Response | None = None
        self.away = 0
        self.asked: list[str] = []
        self.now = float(NOW)
        self.nonce = ""
        self.signer: Any = KEY
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "shop",
            "sub": "s",
            "iat": NOW,
            "exp": NOW + 300,
            "name": "아야",
        }
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.issuer = Issuer(client, ISSUER, "shop", "s3cret", now=lambda: self.now)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path.rsplit("/", 1)[-1])
        if self.away:
            self.away -= 1
            raise httpx.ConnectTimeout("away")
        if request.method == "POST":
            form = parse_qs(request.content.decode())
            assert form["code_verifier"], "PKCE"
            assert request.headers["authorization"].startswith("Basic ")
            return self.token or httpx.Response(200, json={"id_token": self.signed()})
        if request.url.path.endswith("jwks.json"):
            return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})
        return httpx.Response(200, json=self.metadata)

    def signed(self) -> str:
        return jwt.encode(self.header, {"nonce": self.nonce} | self.claims, self.signer)

    async def sign_in(self, **query: str) -> Any:  # noqa: ANN401
        _, flow = await self.issuer.begin("https://shop.onair.example/auth/callback")
        self.nonce = flow.nonce
        return await self.issuer.finish(flow, {"state": flow.state, "code": "c"} | query)


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> Cognito:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("onair_common.pauses.asyncio.sleep", at_once)
    return Cognito()


async def test_signs_in_and_asks_for_metadata_and_keys_once(cognito: Cognito) -> None:
    where, flow = await cognito.issuer.begin("https://shop.onair.example/auth/callback", "/sell")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(where).query).items()}
    assert where.startswith(METADATA["authorization_endpoint"] + "?")
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "shop")
    assert asked["state"] == flow.state
    assert flow.verifier not in where
    first, second = await cognito.sign_in(), await Cognito().sign_in()
    assert (first.nickname, first.id) == ("아야", second.id)
    await cognito.sign_in()
    assert cognito.asked.count("openid-configuration") == cognito.asked.count("jwks.json") == 1


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "https://evil.example"),
        ("aud", "another"),
        ("aud", ["another"]),
        ("nonce", "another"),
        ("exp", NOW - 61),
        ("iat", NOW + 61),
        ("sub", None),
        ("exp", None),
        ("aud", None),
    ],
)
async def test_refuses_a_token_that_is_not_for_this_sign_in(cognito: Cognito, claim: str, value: object) -> None:
    if value is None:
        cognito.claims.pop(claim)
    else:
        cognito.claims[claim] = value
    with pytest.raises(SignInError, match="invalid: ID token"):
        await cognito.sign_in()


def hand_made(header: dict[str, str], claims: dict[str, Any], key: bytes) -> str:
    """A token that the library would not make: signed by HMAC with what everybody knows, or by nothing."""
    parts = [base64_encode(json.dumps(part).encode()).decode() for part in (header, claims)]
    signature = hmac.digest(key, ".".join(parts).encode(), "sha256") if header["alg"] == "HS256" else b""
    return ".".join([*parts, base64_encode(signature).decode()])


@pytest.mark.parametrize("kid", ["one", "two"])
async def test_refuses_tokens_of_other_keys(cognito: Cognito, kid: str) -> None:
    cognito.header, cognito.signer = {"alg": "RS256", "kid": kid}, OTHER_KEY
    with pytest.raises(SignInError, match="invalid"):
        await cognito.sign_in()


@pytest.mark.parametrize("header", [{"alg": "HS256", "kid": "one"}, {"alg": "none", "kid": "one"}, {"alg": "none"}])
async def test_refuses_tokens_of_other_algorithms(cognito: Cognito, header: dict[str, str]) -> None:
    _, flow = await cognito.issuer.begin("https://shop.onair.example/auth/callback")
    token = hand_made(header, cognito.claims | {"nonce": flow.nonce}, KEY.as_pem(private=False))
    cognito.token = httpx.Response(200, json={"id_token": token})
    with pytest.raises(SignInError, match="invalid: ID token"):
        await cognito.issuer.finish(flow, {"state": flow.state, "code": "c"})


async def test_a_new_key_is_learnt_but_made_up_ones_are_not_asked_for_each_time(cognito: Cognito) -> None:
    await cognito.sign_in()
    cognito.keys, cognito.signer, cognito.header = [KEY, OTHER_KEY], OTHER_KEY, {"alg": "RS256", "kid": "two"}
    with pytest.raises(SignInError, match="invalid"):
        await cognito.sign_in()
    cognito.now += oidc.KEYS_PAUSE_SECONDS
    await cognito.sign_in()
    assert cognito.asked.count("jwks.json") == 2


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), "stale"),
        (httpx.Response(401, json={"error": "invalid_client"}), "invalid"),
        (httpx.Response(200, json={"access_token": "only"}), "invalid"),
        (httpx.Response(200, json=[]), "invalid"),
        (httpx.Response(200, json={"id_token": "a.b.c"}), "invalid"),
        (httpx.Response(200, text="<html>"), "away"),
        (httpx.Response(503, json={}), "away"),
    ],
)
async def test_says_why_no_token_came(cognito: Cognito, token: httpx.Response, reason: str) -> None:
    cognito.token = token
    with pytest.raises(SignInError) as error:
        await cognito.sign_in()
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"state": "another"}, "invalid"),
        ({"state": ""}, "invalid"),
        ({"iss": "https://evil.example"}, "invalid"),
        ({"error": "access_denied"}, "refused"),
    ],
)
async def test_says_why_a_callback_is_refused(cognito: Cognito, query: dict[str, str], reason: str) -> None:
    with pytest.raises(SignInError) as error:
        await cognito.sign_in(**query)
    assert error.value.reason == reason
    with pytest.raises(SignInError, match="stale"):
        await cognito.issuer.finish(None, {"state": "s", "code": "c"})


async def test_tries_again_a_bounded_number_of_times(cognito: Cognito) -> None:
    cognito.away = oidc.TRIES - 1
    await cognito.sign_in()
    lost = Cognito()
    lost.away = 100
    with pytest.raises(SignInError, match="away"):
        await lost.sign_in()
    assert len(lost.asked) == oidc.TRIES


async def test_metadata_of_another_issuer_is_not_believed(cognito: Cognito) -> None:
    cognito.metadata["issuer"] = "https://evil.example"
    with pytest.raises(SignInError, match="invalid"):
        await cognito.sign_in()


def test_settings_name_what_is_missing() -> None:
    client = httpx.AsyncClient()
    with pytest.raises(SettingError, match="OIDC_CLIENT_SECRET"):
        Issuer.read(client, {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "shop"})
    with pytest.raises(SettingError, match="OIDC_ISSUER"):
        Issuer(client, "identity", "shop", "s")


FLOW = Flow("s", "n", "v", "https://shop.onair.example/auth/callback", "/sell")


def test_a_sign_in_under_way_is_sealed_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = Flows(KEYS).seal(FLOW)
    assert Flows(["n" * 32, *KEYS]).open(cookie) == FLOW, "in either region, and while a key is replaced"
    assert [Flows(KEYS).open(bad) for bad in (None, "", "x", cookie[:-2], "x" + cookie)] == [None] * 5
    assert Flows(["x" * 32]).open(cookie) is None
    now = __import__("time").time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + FLOW_SECONDS + 2)
    assert Flows(KEYS).open(cookie) is None


def test_a_sealed_thing_of_another_shape_is_nothing() -> None:
    flows = Flows(KEYS)
    assert flows.open(str(flows._sealed.dumps({"state": "s"}))) is None
    assert flows.open(str(flows._sealed.dumps(json.dumps(["s"])))) is None
    assert flows.open(flows.seal(replace(FLOW, after="/"))) == replace(FLOW, after="/")


@given(st.text(max_size=40))
def test_the_end_of_a_sign_in_is_on_this_host(after: str) -> None:
    for wanted in (after, "/" + after, "//" + after, "/\\" + after, "https://" + after):
        found = own_path(wanted)
        target = urlsplit(found)
        assert (target.scheme, target.netloc) == ("", "")
        assert found.startswith("/")
        assert found in {wanted, "/"}
