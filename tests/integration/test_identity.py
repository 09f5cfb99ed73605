"""Sellers sign in at the real dex, built by the toolchain and configured as in the regions."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import yaml

from onair.adapters import facts_file, toolchain
from onair.core.paths import Paths
from onair.core.progress import Silent
from onair.core.secrets import Secrets, fill
from onair_common.oidc import Issuer
from onair_common.sign_in import Flow, SignInError

pytestmark = pytest.mark.integration
CALLBACK = "https://localhost:8443/auth/callback"
CONFIG = Path("infrastructure/identity/base/config.json")


class Dex:
    """One region's issuer, which pods and browsers reach at the port."""

    def __init__(self, program: Path, config: Path, secrets: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        content = json.loads(config.read_text()) | {"listen": f"127.0.0.1:{self.port}"}
        self.file = Path(f"{config}.{self.port}")
        self.file.write_text(json.dumps(content))
        self.command, self.environment = [program, self.file], {"PATH": os.environ["PATH"], **secrets}
        self.secret, self.issuer = secrets["OIDC_CLIENT_SECRET"], content["issuer"]
        self.client = content["client"]["id"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.ConnectError:
                time.sleep(0.05)
        pytest.fail("dex does not answer")

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(15) == 0, "it ends by itself when it is told to"

    def relying_party(self) -> Issuer:
        """Web of this region: the name `identity` leads to this dex."""

        def here(request: httpx.Request) -> None:
            assert request.url.host == "identity"
            request.url = request.url.copy_with(host="127.0.0.1", port=self.port)

        async def resolve(request: httpx.Request) -> None:
            here(request)

        http = httpx.AsyncClient(event_hooks={"request": [resolve]}, trust_env=False)
        return Issuer(http, self.issuer, self.client, self.secret)

    def browse(self, start: str, password: str) -> dict[str, str]:
        """Go where a browser goes from web's redirect, sign the seller in, and return the callback's query."""
        assert start.startswith("/dex/auth?"), "a path: the gateway has it on whatever address the shop has"
        return self.fill(start, "seller@onair.test", password, CALLBACK)

    def fill(self, start: str, name: str, password: str, callback: str) -> dict[str, str]:
        """Fill the form in that ``start`` leads to, and return the callback's query; empty when nobody is let in."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", follow_redirects=True, trust_env=False) as browser:
            page = browser.get(start)
            assert page.status_code == 200
            action = re.search(r'<form method="post" action="([^"]*)"', page.text)
            assert action, page.text
            where = urljoin(str(page.url), action[1].replace("&amp;", "&"))
            form = {"login": name, "password": password}
            answer = browser.post(where, data=form, follow_redirects=False)
            while answer.is_redirect and not answer.headers["location"].startswith(callback):
                answer = browser.get(answer.headers["location"], follow_redirects=False)
        if not answer.is_redirect:
            return {}
        target = urlsplit(answer.headers["location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == callback
        return {name: values[0] for name, values in parse_qs(target.query).items()}


@pytest.fixture(scope="module")
def secrets(root: Path) -> dict[str, str]:
    declared = Secrets.model_validate(yaml.safe_load((root / "clusters/platform/secrets.yaml").read_text()))
    values = fill([s for s in declared.spec if s.name in {"seller-oidc", "seller-account"}], {})
    account = values["shop", "seller-account"]
    return {
        "OIDC_CLIENT_SECRET": values["shop", "seller-oidc"]["OIDC_CLIENT_SECRET"],
        "ACCOUNT_HASH": account["hash"],
        "PASSWORD": account["password"],
    }


@pytest.fixture(scope="module")
def dexes(root: Path, secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dex, Dex]]:
    program = toolchain.ensure(root, Paths.of().cache, Silent(), only=["dex"]).path("dex")
    config = tmp_path_factory.mktemp("identity") / "config.json"
    config.write_text((root / CONFIG).read_text())
    both = Dex(program, config, secrets), Dex(program, config, secrets)
    yield both
    for each in both:
        each.stop()


@pytest.fixture
def password(secrets: dict[str, str]) -> str:
    return secrets["PASSWORD"]


async def test_a_seller_signs_in_and_is_the_same_in_both_regions(dexes: tuple[Dex, Dex], password: str) -> None:
    found = []
    for dex in dexes:
        issuer = dex.relying_party()
        start, flow = await issuer.begin(CALLBACK, "/sell")
        query = dex.browse(start, password)
        found.append(await issuer.finish(flow, query))
        with pytest.raises(SignInError, match="stale"):
            await issuer.finish(flow, query)  # a code is good once
        assert flow.after == "/sell"
    assert found[0] == found[1]
    assert found[0].nickname == "On Air"


async def test_a_wrong_password_signs_nobody_in(dexes: tuple[Dex, Dex]) -> None:
    start, _ = await dexes[0].relying_party().begin(CALLBACK)
    assert dexes[0].browse(start, "wrong") == {}


def _state(flow: Flow) -> Flow:
    return Flow("another", flow.nonce, flow.verifier, flow.redirect_uri, flow.after)


def _nonce(flow: Flow) -> Flow:
    return Flow(flow.state, "another", flow.verifier, flow.redirect_uri, flow.after)


def _verifier(flow: Flow) -> Flow:
    return Flow(flow.state, flow.nonce, "another" * 8, flow.redirect_uri, flow.after)


@pytest.mark.parametrize(("forge", "reason"), [(_state, "invalid"), (_nonce, "invalid"), (_verifier, "stale")])
async def test_a_code_is_good_for_its_own_sign_in_only(
    dexes: tuple[Dex, Dex], password: str, forge: Callable[[Flow], Flow], reason: str
) -> None:
    issuer = dexes[0].relying_party()
    start, flow = await issuer.begin(CALLBACK)
    query = dexes[0].browse(start, password)
    with pytest.raises(SignInError, match=reason):
        await issuer.finish(forge(flow), query)


async def test_the_other_region_says_begin_again(dexes: tuple[Dex, Dex], password: str) -> None:
    kr, us = dexes
    start, flow = await kr.relying_party().begin(CALLBACK)
    with pytest.raises(SignInError, match="stale"):
        await us.relying_party().finish(flow, kr.browse(start, password))


async def test_a_restart_brings_new_keys_and_web_learns_them(dexes: tuple[Dex, Dex], password: str) -> None:
    dex = dexes[1]
    issuer = dex.relying_party()
    for _ in range(2):
        start, flow = await issuer.begin(CALLBACK)
        assert (await issuer.finish(flow, dex.browse(start, password))).nickname == "On Air"
        dex.stop()
        with pytest.raises(SignInError, match="away"):
            await dex.relying_party().begin(CALLBACK)
        dex.start()
        issuer._keys_after = 0  # ten seconds later


async def test_another_client_and_another_callback_are_refused(dexes: tuple[Dex, Dex], password: str) -> None:
    dex = dexes[0]
    issuer = dex.relying_party()
    start, _ = await issuer.begin("https://evil.example/auth/callback")
    answer = httpx.get(f"http://127.0.0.1:{dex.port}{start}", follow_redirects=True, trust_env=False)
    assert answer.status_code == 400
    start, flow = await issuer.begin(CALLBACK)
    issuer._secret = password
    with pytest.raises(SignInError, match="invalid"):
        await issuer.finish(flow, dex.browse(start, password))


def test_callbacks_are_at_the_edges_addresses(root: Path) -> None:
    platform = facts_file.read(root).platform.spec
    ports = sorted([platform.edge.platform_port, *platform.edge.region_ports.values()])
    hosts = [*(f"localhost:{port}" for port in ports), f"shop.{platform.domains.local}"]
    listed = json.loads((root / CONFIG).read_text())["client"]["redirectURIs"]
    assert listed == [f"https://{host}/auth/callback" for host in hosts]
