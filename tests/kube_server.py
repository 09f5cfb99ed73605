"""A real API server with its etcd, on loopback and in a temporary folder, for tests that ask it."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from onair.adapters import toolchain
from onair.adapters.local import pki
from onair.core.paths import Paths
from onair.core.progress import Silent

Body = dict[str, Any]
TOKEN = "tests-only"
START_SECONDS = 180
_WARNING = re.compile(r"299 - \"Validation failed for ValidatingAdmissionPolicy '([^']+)' with binding '[^']+': (.*)\"")


class Answer(NamedTuple):
    """What the API server said to an object: the object as it would be stored, or why not."""

    code: int
    body: Body
    warnings: dict[str, list[str]]
    """Messages by policy, of policies that warn."""


class ApiServer:
    """A client of the server, as an administrator or as whoever has another token."""

    def __init__(self, url: str, certificate: Path, token: str = TOKEN) -> None:
        self.url, self.certificate = url, certificate
        context = ssl.create_default_context(cafile=certificate)
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, verify=context, headers=headers, timeout=60, trust_env=False)
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def ready(self) -> bool:
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def ask(self, method: str, path: str, body: Body | None = None) -> httpx.Response:
        return self._http.request(method, path, json=body)

    def get(self, path: str) -> Body:
        answer = self._http.get(path)
        answer.raise_for_status()
        found: Body = answer.json()
        return found

    def discover(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """Resource, and whether it is namespaced, by apiVersion and kind."""
        versions = ["v1", *(v["groupVersion"] for g in self.get("/apis")["groups"] for v in g["versions"])]
        for version in versions:
            listed = self._http.get(_root(version))
            if listed.status_code == httpx.codes.NOT_FOUND:  # a definition that is not served yet
                continue
            for each in listed.raise_for_status().json()["resources"]:
                if "/" not in each["name"]:
                    self._resources[version, each["kind"]] = (each["name"], each["namespaced"])
        return self._resources

    def create(self, body: Body, *, dry: bool = False) -> Answer:
        resource, namespaced = self._resources[body["apiVersion"], body["kind"]]
        namespace = f"/namespaces/{body['metadata']['namespace']}" if namespaced else ""
        path = f"{_root(body['apiVersion'])}{namespace}/{resource}"
        answer = self._http.post(path, json=body, params={"dryRun": "All"} if dry else {})
        warned: dict[str, set[str]] = defaultdict(set)
        for header in answer.headers.get_list("Warning"):
            if found := _WARNING.fullmatch(header):
                warned[found[1]].add(found[2].replace('\\"', '"'))
        return Answer(answer.status_code, answer.json(), {name: sorted(said) for name, said in warned.items()})

    def create_all(self, bodies: Iterable[Body]) -> None:
        for body in bodies:
            answer = self.create(body)
            assert answer.code == httpx.codes.CREATED, answer.body

    def delete_all(self, api: str, resource: str) -> None:
        self._http.request("DELETE", f"{_root(api)}/{resource}").raise_for_status()


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def until(done: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


@contextmanager
def api_server(root: Path, folder: Path, flags: Sequence[str] = (), tokens: Sequence[str] = ()) -> Iterator[ApiServer]:
    """Run etcd, the API server and the controller that checks the types of policies, until the block ends.

    Parameters
    ----------
    flags
        Further ones of the API server.
    tokens
        Further lines ``token,user,uid,"groups"``.
    """
    tools = toolchain.ensure(root, Paths.of().cache, Silent(), only=["etcd", "kubernetes"])
    pki.ensure_region(folder, [])
    (folder / "tokens.csv").write_text("\n".join([f"{TOKEN},tests,1,system:masters", *tokens, ""]))
    client, peer, secure = _ports(3)
    etcd, url = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{secure}"
    (folder / "kubeconfig").write_text(
        f"""{{apiVersion: v1, kind: Config, current-context: it,
        contexts: [{{name: it, context: {{cluster: it, user: it}}}}],
        clusters: [{{name: it, cluster: {{server: "{url}", certificate-authority: {folder}/apiserver.crt}}}}],
        users: [{{name: it, user: {{token: {TOKEN}}}}}]}}"""
    )
    commands: list[list[str]] = [
        [
            str(tools.path("etcd")),
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        ],
        [
            str(tools.path("kube-apiserver")),
            f"--etcd-servers={etcd}",
            f"--secure-port={secure}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={folder}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder}/service-account.pub",
            f"--service-account-signing-key-file={folder}/service-account.key",
            f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
            *flags,
        ],
        [
            str(tools.path("kube-controller-manager")),
            f"--kubeconfig={folder}/kubeconfig",
            "--controllers=validatingadmissionpolicy-status-controller",
            "--leader-elect=false",
            "--secure-port=0",
        ],
    ]
    running: list[subprocess.Popen[bytes]] = []
    try:
        running += [_start(words, folder) for words in commands[:2]]
        until(lambda: all(each.poll() is None for each in running) and (folder / "apiserver.crt").exists())
        server = ApiServer(url, folder / "apiserver.crt")
        until(server.ready)
        running.append(_start(commands[2], folder))
        server.discover()
        yield server
    finally:
        for each in reversed(running):
            each.kill()
            each.wait()
        shutil.rmtree(folder / "etcd", ignore_errors=True)


def _start(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(words[0]).name}.log").open("wb") as log:
        return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)


def _ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
