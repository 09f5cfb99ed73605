"""People sign in with a code at the real dex, configured as in the regions, as Argo CD's server would ask it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from integration.test_identity import Dex

from onair.adapters import toolchain
from onair.adapters.access.code import AUDIENCE, VALID, code
from onair.core.paths import Paths
from onair.core.progress import Silent

pytestmark = pytest.mark.integration
CONFIG = Path("infrastructure/people/base/config.json")
CALLBACK = "http://localhost:8080/auth/callback"
KEY, SERVER_KEY = "k" * 44, "s" * 44
SECRET = base64.urlsafe_b64encode(hashlib.sha256(SERVER_KEY.encode()).digest()).decode()[:40]
"""As Argo CD derives its own client's secret of its key (util/settings, DexOAuth2ClientSecret)."""


@pytest.fixture(scope="module")
def dex(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dex]:
    program = toolchain.ensure(root, Paths.of().cache, Silent(), only=["dex"]).path("dex")
    config = tmp_path_factory.mktemp("people") / "config.json"
    config.write_text((root / CONFIG).read_text())
    found = Dex(program, config, {"OIDC_CLIENT_SECRET": SERVER_KEY, "CODES_KEY": KEY})
    yield found
    found.stop()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def signed_in(dex: Dex, name: str, password: str) -> dict[str, str]:
    """Return the query of the callback, empty where the code is not believed."""
    asked = {"client_id": "argo-cd", "redirect_uri": CALLBACK, "response_type": "code", "state": "a"}
    asked["scope"] = "openid profile email groups"
    return dex.fill(f"/api/dex/auth?{urlencode(asked)}", name, password, CALLBACK)


def token(dex: Dex, query: dict[str, str]) -> dict[str, object]:
    """Return the claims that Argo CD gets for the callback's code."""
    asked = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": CALLBACK}
    url = f"http://127.0.0.1:{dex.port}/api/dex/token"
    answer = httpx.post(url, data=asked, auth=("argo-cd", SECRET), trust_env=False).raise_for_status().json()
    body = answer["id_token"].split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_code_says_who_somebody_is_and_is_good_once(dex: Dex) -> None:
    mine = code(KEY, "ada", ["operator", "auditor"], now())
    claims = token(dex, signed_in(dex, "ada", mine))
    assert (claims["name"], claims["email"], claims["groups"]) == ("ada", "ada@onair.test", ["operator", "auditor"])
    assert claims["aud"] == AUDIENCE
    assert claims["iss"] == "http://localhost:8080/api/dex"
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 3600
    assert signed_in(dex, "ada", mine) == {}, "it was good twice"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ada", "", id="none"),
        pytest.param("ada", "no token", id="no token"),
        pytest.param("bob", code(KEY, "ada", ["operator"], now()), id="somebody else's"),
        pytest.param("", code(KEY, "", ["operator"], now()), id="nobody's"),
        pytest.param("ada", code("z" * 44, "ada", ["operator"], now()), id="another key"),
        pytest.param("ada", code(KEY, "ada", ["operator"], now() - 2 * VALID), id="too late"),
        pytest.param("ada", code(KEY, "ada", ["operator"], now(), dt.timedelta(days=30)), id="good for too long"),
    ],
)
def test_another_code_lets_nobody_in(dex: Dex, name: str, password: str) -> None:
    assert signed_in(dex, name, password) == {}


def test_a_token_without_a_signature_lets_nobody_in(dex: Dex) -> None:
    _, body, _ = code(KEY, "ada", ["platform-admin"], now()).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    assert signed_in(dex, "ada", f"{header}.{body}.") == {}


def test_callback_and_issuer_are_below_argo_cds_own_address(root: Path) -> None:
    config = json.loads((root / CONFIG).read_text())
    (callback,) = config["client"]["redirectURIs"]
    assert callback == CALLBACK
    assert urlsplit(config["issuer"]).netloc == urlsplit(callback).netloc
    assert "url: http://localhost:8080 " in (root / "infrastructure/argocd/base/config.yaml").read_text()
