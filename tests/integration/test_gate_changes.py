"""What a change is, read from real git repositories; secrets in files and commits; the commit of a retirement."""

from __future__ import annotations

import base64
import json
import os
import random
import string
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from msgspec import convert
from support import findings_of

from onair.adapters.gate import code, retire, secret_lines, secret_scan, tree
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.changes import history, since
from onair.core.change.hit import ALLOWED, Hit, hash_of
from onair.core.change.promotion import Delivery, judge, pin_changes
from onair.core.change.retire import Retirement, Step
from onair.core.change.secrets import Allowed
from onair.core.change.secrets import judge as judge_secrets
from onair.core.leaf import Leaf

pytestmark = pytest.mark.integration
OLD, NEW, OTHER = (f"sha256:{letter * 64}" for letter in "abc")
KR, US = Leaf("prod-kr", "web"), Leaf("prod-us", "web")
START = datetime.fromisoformat("2026-11-20T00:00:00+00:00")


class Repository(NamedTuple):
    """A repository whose commits are made at chosen hours."""

    root: Path

    def git(self, *words: str, hour: float = 0) -> str:
        at = (START + timedelta(hours=hour)).isoformat()
        settings = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": "/dev/null"}
        for role in ("AUTHOR", "COMMITTER"):
            settings |= {f"GIT_{role}_NAME": "Somebody", f"GIT_{role}_EMAIL": "somebody@onair.test"}
        done = subprocess.run(
            ["git", *words], cwd=self.root, env={**os.environ, **settings}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: dict[str, str | bytes | None], message: str = "x", hour: float = 0) -> str:
        for path, text in files.items():
            if text is None:
                (self.root / path).unlink()
            else:
                self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, hour=hour)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit({"a.yaml": "a: 1\n", "b.yaml": "b: 1\n", KR.path: pin(OLD), US.path: pin(OLD)})
    return made


def pin(digest: str) -> str:
    return f'images:\n- {{name: onair/web, digest: "{digest}"}}\n'


def test_a_change_is_what_the_branch_has_more_than_where_it_left_main(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "mine")
    repo.commit({"a.yaml": "a: 2\n", "b.yaml": None, "new dir/ünïcode\tname.yaml": "c: 1\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs.yaml": "x: 1\n"})
    change = since(repo.root, "main", "mine")
    assert change.files == ["a.yaml", "b.yaml", "new dir/ünïcode\tname.yaml"]
    assert change.texts == {
        "a.yaml": ("a: 1\n", "a: 2\n"),
        "b.yaml": ("b: 1\n", None),
        "new dir/ünïcode\tname.yaml": (None, "c: 1\n"),
    }


def test_the_working_tree_counts_with_what_is_not_committed_nor_added(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "mine")
    repo.commit({"b.yaml": "b: 2\n"})
    repo.write("a.yaml", "a: 2\n")
    repo.git("add", "a.yaml")
    repo.write("a.yaml", "a: 3\n")
    repo.write("new.yaml", "n: 1\n")
    repo.write(".gitignore", "ignored\n")
    repo.write("ignored", "x")
    change = since(repo.root, "main")
    assert change.files == [".gitignore", "a.yaml", "b.yaml", "new.yaml"]
    assert change.texts["a.yaml"] == ("a: 1\n", "a: 3\n")
    assert change.texts["b.yaml"] == ("b: 1\n", "b: 2\n")
    assert change.texts["new.yaml"] == (None, "n: 1\n")


def test_a_link_that_leads_elsewhere_is_no_text(repo: Repository) -> None:
    (repo.root / "link").symlink_to("a.yaml")
    repo.git("add", "link")
    repo.git("commit", "--quiet", "-m", "x")
    (repo.root / "link").unlink()
    (repo.root / "link").symlink_to("b.yaml")
    assert since(repo.root, "HEAD", listing=tree.listed(repo.root)).texts == {"link": (None, None)}


def test_nothing_changed_is_nothing(repo: Repository) -> None:
    assert since(repo.root, "main", "HEAD").texts == {}
    assert since(repo.root, "main").files == []
    assert list(since(repo.root, "main").added()) == []
    assert since(repo.root, "main").emergency == ""


def test_files_that_are_no_text_do_not_stop_it(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "mine")
    (repo.root / "link.yaml").symlink_to("/etc/passwd")
    repo.commit({"binary": b"\0\xff\xfe", "latin.yaml": b"a: \xe9\n", "empty": ""})
    texts = since(repo.root, "main", "mine").texts
    assert texts["link.yaml"] == (None, None)
    assert texts["latin.yaml"] == (None, "a: �\n")
    assert texts["empty"] == (None, "")
    assert "binary" in texts


def test_a_shallow_clone_and_an_unknown_branch_say_what_to_do(repo: Repository, tmp_path: Path) -> None:
    (one,) = findings_of(lambda: since(repo.root, "origin/nowhere"))
    assert (one.rule, one.mend[:22]) == ("change/unknown-commit", "git fetch origin nowhe")
    repo.git("checkout", "--quiet", "--orphan", "island")
    repo.commit({}, "another beginning")
    (one,) = findings_of(lambda: since(repo.root, "main", "island"))
    assert one.rule == "change/no-base"
    assert "fetch-depth: 0" in one.mend
    (one,) = findings_of(lambda: since(repo.root, "--upload-pack=x"))
    assert one.rule == "change/unknown-commit"


def test_a_bare_repository_can_be_asked_as_a_hook_does(repo: Repository, tmp_path: Path) -> None:
    repo.git("checkout", "--quiet", "-b", "mine")
    repo.commit({US.path: pin(NEW)}, "Go\n\nEmergency: checkout answers 500\n")
    repo.git("clone", "--quiet", "--bare", str(repo.root), str(tmp_path / "bare.git"))
    change = since(tmp_path / "bare.git", "main", "mine")
    assert [(each.leaf, each.old, each.new) for each in pin_changes(change.texts)] == [(US, OLD, NEW)]
    assert change.emergency == "checkout answers 500"


def test_an_emergency_is_a_trailer_with_a_reason_of_this_change_alone(repo: Repository) -> None:
    repo.commit({}, "Earlier\n\nEmergency: long over\n")
    repo.git("checkout", "--quiet", "-b", "mine")
    repo.commit({"a.yaml": "a: 2\n"}, "Speak of an Emergency: here\n\nIt is none.\n")
    assert since(repo.root, "main", "mine").emergency == ""
    repo.commit({}, "Mend\n\nEmergency:\n")
    assert since(repo.root, "main", "mine").emergency == ""


def test_a_leafs_past_is_that_of_main_and_a_merge_brings_it_when_it_is_merged(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "promote")
    repo.commit({KR.path: pin(OTHER)}, hour=1)
    repo.commit({KR.path: pin(NEW)}, hour=2)
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.yaml": "a: 2\n"}, hour=5)
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "promote", hour=10)
    repo.commit({KR.path: "# a comment\n" + pin(NEW)}, hour=20)
    repo.commit({KR.path: None}, hour=30)
    found = [((held.since - START) / timedelta(hours=1), held.digest) for held in history(repo.root, "main", KR)]
    assert found == [(0, OLD), (10, NEW), (30, None)]
    assert history(repo.root, "main", Leaf("prod-kr", "none")) == []


def test_promotion_by_the_history_of_a_real_repository(repo: Repository, root: Path) -> None:
    delivery = convert(yaml.safe_load((root / "clusters/platform/delivery.yaml").read_text()), Delivery)
    repo.commit({KR.path: pin(NEW)}, hour=10)
    repo.git("checkout", "--quiet", "-b", "promote")
    repo.commit({US.path: pin(NEW)}, hour=11)
    change = since(repo.root, "main", "promote")
    clusters = (KR.cluster, US.cluster)
    for hour, rules in ((33.9, ["promotion/soak"]), (34, [])):
        now = START + timedelta(hours=hour)
        assert [x.rule for x in judge(change.texts, clusters, delivery, change.history, now)] == rules


def random_text(number: int, letters: str = string.ascii_letters + string.digits) -> str:
    source = random.Random(7)  # noqa: S311 - a fixture, made here so that no file holds something like a secret
    return "".join(source.choice(letters) for _ in range(number))


BYTES = random.Random(9).randbytes(48)  # noqa: S311
WORD = "hunter" + "2hunter2"
SECRETS = {
    "a.yaml": f"password: {WORD}",
    "b.py": f'password = "{WORD}"',
    "c.env": f"API_KEY={WORD}",
    "Containerfile": f"ENV DB_PASSWORD={WORD}",
    "d.md": f"curl -u admin:{WORD} https://x.onair.test",
    "e.yaml": "id: AKIA" + random_text(16, string.ascii_uppercase),
    "f.txt": "ghp" + "_" + random_text(36),
    "g.yaml": f"url: postgres://shop:{WORD}@db:5432/x",
    "h.pem": "-----BEGIN " + "PRIVATE KEY-----",
    "i.pem": "-----BEGIN " + "ENCRYPTED PRIVATE KEY-----",
    "j.yaml": "tls.key: " + base64.b64encode(BYTES).decode(),
    "k.yaml": "data: {x: " + BYTES[:20].hex() + "}",
    "l.ts": 'const k = "sk' + "_live_" + random_text(24) + '"',
    "m.json": '{"t": "eyJhbGciOiJIUzI1NiJ9' + ".eyJzdWIiOiIxIn0." + random_text(43) + '"}',
    "n.tf": 'aws_secret_access_key = "' + random_text(40) + '"',
}
HARMLESS = {
    "a.yaml": "secretName: gateway-tls\nsecretKeyRef: {name: catalog-db, key: PGPASSWORD}\npassword: {length: 32}\n",
    "b.yaml": "image: onair/web@sha256:" + BYTES[:32].hex(),
    "c.yaml": "targetRevision: " + BYTES[:20].hex(),
    "d.yaml": "id: 123e4567-e89b-12d3-a456-426614174000",
    "go.sum": "example.org/x v1.0.0 h1:" + base64.b64encode(BYTES[:32]).decode(),
    "dev.txt": "x==1 --hash=sha256:" + BYTES[:32].hex(),
    "e.py": 'password = os.environ["PASSWORD"]\nsecret = secrets.token_hex(32)\n',
    "f.sh": 'PASSWORD="$(cat /run/secrets/password)"\nTOKEN=${TOKEN}\n',
    "h.py": 'SECRETS = "clusters/platform/secrets.yaml"',
    "i.yaml": "tls-secret-key: server.key",
    "g.yaml": "- uses: actions/checkout@" + BYTES[:20].hex() + " # v6",
}


def scan(files: list[tuple[str, bytes]], folder: Path | None = None) -> list[Hit]:
    with secret_scan.Scanner(Cache(folder)) as scanner:
        return scanner.hits(dict.fromkeys(dict(files)), lambda _: files)


def found_in(root: Path, folder: Path | None = None) -> list[tuple[str, int]]:
    with secret_scan.Scanner(Cache(folder)) as scanner:
        return sorted((hit.file, hit.line) for hit in secret_scan.of_disk(root, tree.listed(root), scanner))


def memory(folder: Path) -> Path:
    (file,) = folder.glob("*/secrets/*")
    return file


@pytest.mark.parametrize("path", SECRETS)
def test_a_secret_is_found_with_its_line_and_never_shown(path: str, tmp_path: Path) -> None:
    text = f"# first\n{SECRETS[path]}\n"
    found = scan([(path, text.encode())], tmp_path)
    assert {hit.line for hit in found} == {2}
    stored = memory(tmp_path).read_bytes().decode("latin-1")
    nothing = Allowed(apiVersion="onair.dev/v1", kind="AllowedSecrets", metadata={}, spec=())
    for told in (stored, str(found), str(judge_secrets(found, nothing, whole=False))):
        assert WORD not in told
        assert SECRETS[path][-16:] not in told


def test_what_was_learned_of_many_files_is_kept_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    monkeypatch.setattr(Cache, "put", lambda _, area, *__: kept.append(area))
    added = [("c0ffee", f"{name}.yaml", {3: f"name: {name}"}) for name in ("a", "b", "c")]
    with secret_scan.Scanner(Cache(tmp_path)) as scanner:
        assert secret_scan.scan_added(added, scanner) == []
    assert kept.count("secrets") == 1


@pytest.mark.parametrize("path", HARMLESS)
def test_what_is_no_secret_is_not_found(path: str) -> None:
    assert scan([(path, HARMLESS[path].encode())]) == []


def test_an_unchanged_file_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(path, text.encode()) for path, text in SECRETS.items()]
    first = scan(files, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(secret_lines.Detector, "detect", lambda *_: pytest.fail("looked again"))
        assert scan(files, tmp_path) == first
    changed = [("a.yaml", b"password: " + WORD.encode() + b"3")]
    assert scan(changed, tmp_path)[0].hash == hash_of(WORD + "3")


def test_another_version_of_the_scanner_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [("a.yaml", SECRETS["a.yaml"].encode())]
    first = scan(files, tmp_path)
    monkeypatch.setattr(code, "whole", lambda: "another")
    monkeypatch.setattr(secret_lines.Detector, "detect", lambda *_: [(7, "kind", "hash")])
    assert scan(files, tmp_path) == [Hit("a.yaml", 7, "kind", "hash")] != first


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff" * 40])
def test_a_damaged_memory_is_written_anew(damage: bytes, tmp_path: Path) -> None:
    files = [(path, text.encode()) for path, text in SECRETS.items()]
    first = scan(files, tmp_path)
    whole = memory(tmp_path).read_bytes()
    memory(tmp_path).write_bytes(damage)
    assert scan(files, tmp_path) == first
    assert len(memory(tmp_path).read_bytes()) == len(whole)


def test_where_nothing_can_be_remembered_it_is_looked_at_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(scan([("a.yaml", SECRETS["a.yaml"].encode())], tmp_path / "file" / "store")) == 1


def test_of_a_changed_file_only_the_new_lines_are_looked_at(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    repo.commit({"a.yaml": f"one: 1\npassword: {WORD}\n", "b.yaml": "b: 1\n"})
    assert found_in(repo.root, store) == [("a.yaml", 2)]
    looked: list[str] = []
    monkeypatch.setattr(secret_lines, "_bare", lambda line: looked.append(line) or iter(()))
    repo.write("a.yaml", f"zero: 0\none: 1\npassword: {WORD}\n")
    assert found_in(repo.root, store) == [("a.yaml", 3)]
    assert looked == ["zero: 0"]
    repo.write("a.yaml", f"password: {WORD}9\npassword: {WORD}\n")
    assert found_in(repo.root, store) == [("a.yaml", 1), ("a.yaml", 2)]
    repo.write("a.yaml", "one: 1\n")
    assert found_in(repo.root, store) == []


def test_harmless_lines_are_told_without_loading_the_scanner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan([("a.yaml", b"a: 1\n")], tmp_path)
    monkeypatch.setattr(secret_lines, "_matchers", lambda: pytest.fail("loaded"))
    assert scan([("b.yaml", b"digest: sha256:" + b"0" * 64 + b'\nlabel: "a-short-one"\n')], tmp_path) == []


def test_what_the_index_cannot_vouch_for_is_read(repo: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    bad = f"password: {WORD}\n"
    files: dict[str, str | bytes | None] = dict.fromkeys(("a.yaml", "b.yaml", "c.yaml"), "x" * (len(bad) - 1) + "\n")
    repo.commit(files)
    assert found_in(repo.root, store) == []
    times = (repo.root / "a.yaml").stat()
    repo.write("a.yaml", bad)  # as long as before, and as old
    os.utime(repo.root / "a.yaml", ns=(times.st_atime_ns, times.st_mtime_ns))
    repo.git("update-index", "--assume-unchanged", "b.yaml")
    repo.write("b.yaml", bad)
    (repo.root / "c.yaml").unlink()
    repo.write("d.yaml", bad)
    assert found_in(repo.root, store) == [("a.yaml", 1), ("b.yaml", 1), ("d.yaml", 1)]


def test_a_secret_that_a_later_commit_takes_out_again_is_found(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "mine")
    bad = repo.commit({"a.yaml": f"a: 1\nx: 1\npassword: {WORD}\n", "++ b/c.yaml": "x\n"})
    repo.commit({"a.yaml": "a: 1\nx: 1\n"})
    (hit,) = secret_scan.scan_added(since(repo.root, "main", "mine").added(), secret_scan.Scanner(Cache(None)))
    assert (hit.file, hit.line, hit.commit) == ("a.yaml", 3, bad)


def test_added_lines_have_their_numbers_and_nothing_else(repo: Repository) -> None:
    repo.commit({"a.yaml": "one\ntwo\nthree\n"})
    repo.git("checkout", "--quiet", "-b", "mine")
    commit = repo.commit(
        {"a.yaml": "zero\none\nthree\n++ four\n--- five\n", "b.yaml": None, "c\xe4.yaml": "@@ -1 +9 @@\n"}
    )
    assert list(since(repo.root, "main", "mine").added()) == [
        (commit, "a.yaml", {1: "zero", 4: "++ four", 5: "--- five"}),
        (commit, "c\xe4.yaml", {1: "@@ -1 +9 @@"}),
    ]


def test_this_repository_holds_no_secret(root: Path, tmp_path: Path) -> None:
    allowed = convert(yaml.safe_load((root / ALLOWED).read_text()), Allowed)
    listing = tree.listed(root)
    assert {ALLOWED, "scripts/onair/core/finding.py"} <= listing.keys()
    found = secret_scan.of_disk(root, listing, secret_scan.Scanner(Cache(tmp_path)))
    assert judge_secrets(found, allowed, whole=True) == []


def test_links_and_large_files_and_what_went_away_do_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/shadow")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_bytes(b"x" * (secret_scan.MAX_BYTES + 1))
    (tmp_path / "small").write_bytes(b"x")
    names = ["link", "loop", "large", "small", "gone", "."]
    assert list(secret_scan.contents(tmp_path, names)) == [("small", b"x")]


def test_a_commits_files_are_looked_at_as_the_working_trees(repo: Repository, tmp_path: Path) -> None:
    repo.write("binary", b"\xff\xfe")
    (repo.root / "link").symlink_to("/etc/passwd")
    commit = repo.commit({"new dir/\xfc.yaml": SECRETS["a.yaml"], "large": b"x" * (secret_scan.MAX_BYTES + 1)})
    repo.git("clone", "--quiet", "--bare", str(repo.root), str(tmp_path / "bare.git"))
    expected = dict(secret_scan.contents(repo.root, tree.listed(repo.root)))
    on_disk = secret_scan.of_disk(repo.root, tree.listed(repo.root), secret_scan.Scanner(Cache(None)))
    repo.write("a.yaml", "edited\n")
    blobs = secret_scan.blobs_of(tmp_path / "bare.git", commit)
    assert blobs == {path: secret_scan.blob_of(content) for path, content in expected.items()}
    assert {"new dir/\xfc.yaml", "binary"} <= expected.keys()
    scanner = secret_scan.Scanner(Cache(tmp_path / "store"))
    assert secret_scan.of_commit(tmp_path / "bare.git", commit, scanner) == on_disk != []
    assert not {"link", "large"} & expected.keys()


def test_a_retirement_is_one_commit_and_leaves_edits_alone(repo: Repository) -> None:
    head = repo.git("rev-parse", "HEAD")
    repo.write("a.yaml", "half an edit\n")
    made = retire.commit(repo.root, Retirement({"list.yaml": "- web\n"}, [US.path], "Retire web\n\nunused\n"))
    assert repo.git("rev-parse", "HEAD", "HEAD~1").split() == [made, head]
    assert repo.git("show", "--name-status", "--format=", "HEAD").split() == ["D", US.path, "A", "list.yaml"]
    assert not (repo.root / US.path).exists()
    assert (repo.root / "list.yaml").read_text() == "- web\n"
    assert (repo.root / "a.yaml").read_text() == "half an edit\n"
    assert repo.git("status", "--porcelain") == "M a.yaml"


def test_a_retirement_never_takes_an_edited_leaf(repo: Repository) -> None:
    repo.write(US.path, "mine\n")
    head = repo.git("rev-parse", "HEAD")
    (one,) = findings_of(lambda: retire.commit(repo.root, Retirement({}, [US.path], "Retire web\n")))
    assert one.mend
    assert (repo.root / US.path).read_text() == "mine\n"
    assert repo.git("rev-parse", "HEAD") == head


class Cluster:
    """An API server with one ApplicationSet and one Application, which goes once it is finalised and deleted."""

    def __init__(self, looks: int = 2) -> None:
        self.looks, self.annotated, self.finalised, self.deleted = looks, False, False, False
        self.asked: list[str] = []

    def run(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        assert words[0] == "--namespace=argocd"
        verb = words[1]
        self.asked.append(verb)
        out = ""
        if verb == "annotate":
            self.annotated = True
        elif verb == "patch":
            patch = json.loads(words[-1].removeprefix("--patch="))
            self.finalised = patch["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
        elif verb == "delete":
            assert self.finalised, "deleted before Argo CD was told to take its objects along"
            self.deleted = True
        else:
            self.looks -= 1
            here = self.looks > 0
            annotations = {retire.REFRESH: "true"} if here else {}
            out = json.dumps({"metadata": {"annotations": annotations}}) if "applicationset" in words or here else ""
            self.looks = self.looks or 2
        return subprocess.CompletedProcess(words, 0, out, "")


def test_an_application_leaves_a_cluster_step_by_step() -> None:
    cluster, told = Cluster(), list[str]()
    steps = [Step("refresh", "apps"), Step("finalize", "chat"), Step("delete", "chat"), Step("gone", "chat")]
    retire.take_away(cluster, steps, told.append, interval=0)
    assert cluster.asked == ["annotate", "get", "get", "patch", "delete", "get", "get"]
    assert told == ["refresh apps", "finalize chat", "delete chat", "gone chat"]


def test_an_application_that_does_not_go_is_told_with_argo_cds_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retire, "GONE_SECONDS", 0.0)

    class Stuck(Cluster):
        def run(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
            body = {"status": {"conditions": [{"message": "DeletionError: a webhook does not answer"}]}}
            return subprocess.CompletedProcess(words, 0, json.dumps(body), "")

    (one,) = findings_of(lambda: retire.take_away(Stuck(), [Step("gone", "chat")], print, interval=0))
    assert "a webhook does not answer" in one.what
