"""People sign in to Argo CD as themselves, by its own command and a browser, and may what their group may."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.shop import Shop
from playwright.sync_api import Browser

from onair.adapters import toolchain
from onair.adapters.access.code import KEY, SECRET, code
from onair.adapters.access.credential import exec_credential
from onair.adapters.local import shared_secrets
from onair.core.progress import Silent

CLUSTER, APPLICATION, SERVER = "local-us", "identity", "localhost:8080"
URL = re.compile(r"copy-and-paste .*?(http://localhost:8080/\S+)")
"""It tells the page twice: first a second before it listens for who comes back from there."""
SECONDS = 60.0


@pytest.fixture
def forwarded(shop: Shop, tmp_path: Path) -> Iterator[None]:
    """Argo CD's server at its own address on this machine, forwarded by an operator's rights."""
    found = exec_credential(shop.local.paths.pki(CLUSTER), "e2e-operator", ["operator"], dt.datetime.now(dt.UTC))
    files = {"certificate": tmp_path / "client.crt", "key": tmp_path / "client.key"}
    files["certificate"].write_text(found["status"]["clientCertificateData"])
    files["key"].write_text(found["status"]["clientKeyData"])
    rights = [f"--client-{name}={file}" for name, file in files.items()]
    forward = ["port-forward", "-n", "argocd", "deployment/argocd-server", "8080:8080"]
    command = [*shop.kubectl(CLUSTER).command, *rights, *forward]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Forwarding from"), line + process.stdout.read()
        yield
    finally:
        process.terminate()
        process.wait(10)


class ArgoCD:
    """Upstream's command with a configuration of its own, as on somebody's machine."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        program = toolchain.ensure(shop.path, shop.local.paths.cache, Silent(), only=["argocd"]).path("argocd")
        self._command, self._rest = [str(program)], ["--config", str(folder / "argocd.yaml")]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of its to its end."""
        command = [*self._command, *words, *self._rest]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)

    @contextmanager
    def signing_in(self) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """Begin to sign in: the page to go to, and the command that waits for it."""
        words = ["login", SERVER, "--sso", "--sso-launch-browser=false", "--plaintext", "--skip-test-tls"]
        output = subprocess.PIPE
        with subprocess.Popen(
            [*self._command, *words, *self._rest], stdout=output, stderr=subprocess.STDOUT, text=True
        ) as it:
            assert it.stdout
            try:
                told = ""
                while not (found := URL.search(told)):
                    line = it.stdout.readline()
                    assert line, f"argocd names no page: {told}"
                    told += line
                yield found[1], it
            finally:
                it.kill()  # it waits for the page that nobody fills in any more


def sign_in(browser: Browser, argocd: ArgoCD, name: str, password: str) -> bool:
    """Type name and code into the page that the command names; tells whether it let them in."""
    with argocd.signing_in() as (url, command):
        page = browser.new_page()
        page.goto(url)
        page.fill("input[name=login]", name)
        page.fill("input[name=password]", password)
        with page.expect_navigation():  # to the form again, or to where the command listens
            page.click("button[type=submit]")
        refused = page.locator("#login-error").count() > 0
        page.close()
        return not refused and command.wait(SECONDS) == 0


def mine(shop: Shop, name: str, group: str) -> str:
    """Return a code of somebody in that group."""
    key = shared_secrets.kept(shop.local)[SECRET][KEY]
    return code(key, name, [group], dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(("group", "may"), [("operator", True), ("developer", False), ("auditor", False)])
def test_a_person_may_in_argo_cd_what_their_group_may(
    shop: Shop, browser: Browser, forwarded: None, tmp_path: Path, group: str, may: bool
) -> None:
    name, argocd = f"a-{group}", ArgoCD(shop, tmp_path)
    used = mine(shop, name, group)
    assert sign_in(browser, argocd, name, used), "not let in"
    who = argocd.run("account", "get-user-info").stdout
    assert name in who, who
    assert group in who
    seen = argocd.run("app", "list", "--output", "name")
    assert f"argocd/{APPLICATION}" in seen.stdout.split(), seen.stdout + seen.stderr
    synced = argocd.run("app", "sync", APPLICATION)
    assert (synced.returncode == 0) is may, synced.stdout + synced.stderr
    if not may:
        assert "PermissionDenied" in synced.stderr
    removed = argocd.run("app", "delete", APPLICATION, "--yes")
    assert removed.returncode != 0, "nobody but a platform-admin removes one"
    assert "PermissionDenied" in removed.stderr
    assert not sign_in(browser, argocd, name, used), "a code was good twice"
    shop.settled()


def test_a_forged_code_lets_nobody_in(shop: Shop, browser: Browser, forwarded: None, tmp_path: Path) -> None:
    forged = code("f" * 44, "ada", ["platform-admin"], dt.datetime.now(dt.UTC))
    assert not sign_in(browser, ArgoCD(shop, tmp_path), "ada", forged)


def test_a_code_is_for_people_of_the_file(shop: Shop) -> None:
    told = shop.onair("access", "code", "mallory")
    assert told.code != 0
    assert "there is no person 'mallory'" in told.output
