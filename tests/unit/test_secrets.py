import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import bcrypt
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from onair.adapters.local import shared_secrets
from onair.adapters.local.platform import LocalPlatform
from onair.core.facts import Environment
from onair.core.secrets import ALPHABET, Key, Secrets, SecretSpec, Values, fill, join, manifest, shared

ROOT = Path(__file__).resolve().parents[2]
DECLARED = Secrets.model_validate(yaml.safe_load((ROOT / "clusters/platform/secrets.yaml").read_text()))
SPECS = DECLARED.of(Environment.LOCAL)
DRAWN = [((s.namespace, s.name), name) for s in SPECS for name, key in s.keys.items() if key.length]

ACCOUNT = SecretSpec(
    namespace="shop", name="account", keys={"hash": Key(bcrypt="password"), "password": Key(length=20)}
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=18)


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(DRAWN), TEXT))
def test_values_that_are_there_stay_and_the_rest_is_drawn(kept: dict[tuple[tuple[str, str], str], str]) -> None:
    present: Values = {}
    for (secret, name), value in kept.items():
        present.setdefault(secret, {})[name] = value
    found = fill(SPECS, present)
    for spec in SPECS:
        values = found[spec.namespace, spec.name]
        assert values.keys() == spec.keys.keys()
        for name, key in spec.keys.items():
            if ((spec.namespace, spec.name), name) in kept:
                assert values[name] == kept[(spec.namespace, spec.name), name]
            elif key.length:
                assert len(values[name]) == key.length
                assert set(values[name]) <= set(ALPHABET)
            elif key.bcrypt:
                assert bcrypt.checkpw(values[key.bcrypt].encode(), values[name].encode())
            elif key.same:
                assert values[name] == found[tuple(key.same.split("/"))][name]  # type: ignore[index]
            else:
                assert values[name] == key.value
    assert fill(SPECS, found) == found, "a second up changed a secret"


def test_two_platforms_draw_different_values() -> None:
    assert fill(SPECS, {})["data", "postgres-superuser"] != fill(SPECS, {})["data", "postgres-superuser"]


def test_a_fixed_value_follows_its_declaration() -> None:
    (spec,) = [x for x in SPECS if (x.namespace, x.name) == ("shop", "catalog-db")]
    stale = {("shop", "catalog-db"): {"PGPORT": "1", "PGPASSWORD": "kept"}}
    assert fill([spec], stale)["shop", "catalog-db"]["PGPORT"] == "5432"


def test_a_copy_of_nothing_is_an_error() -> None:
    copy = SecretSpec(namespace="data", name="copy", keys={"KEY": Key(same="shop/none")})
    with pytest.raises(KeyError):
        fill([copy], {})


def test_secrets_of_the_cloud_are_not_made_here() -> None:
    names = {(s.namespace, s.name) for s in DECLARED.of(Environment.PROD)}
    assert ("data", "postgres-superuser") not in names
    assert ("shop", "catalog-db") in names


def test_a_manifest_carries_its_values_encoded() -> None:
    spec = SecretSpec(namespace="shop", name="x", type="Opaque", keys={"KEY": Key(value="v")})
    found = manifest(spec, {"KEY": "비밀"})
    assert found["metadata"] == {"namespace": "shop", "name": "x"}
    assert base64.b64decode(found["data"]["KEY"]).decode() == "비밀"


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"length": 8, "value": "v"},
        {"value": "v", "same": "a/b"},
        {"value": "v", "shared": True},
        {"bcrypt": "x", "length": 1},
    ],
)
def test_a_key_has_one_origin_and_only_a_drawn_one_is_shared(key: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Key.model_validate(key)


@pytest.fixture
def platform(tmp_path: Path) -> LocalPlatform:
    return cast(LocalPlatform, SimpleNamespace(root=ROOT, keys=lambda: tmp_path))


def test_regions_that_come_up_together_draw_a_shared_secret_once(platform: LocalPlatform) -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: shared_secrets.values(platform), range(16)))
    assert all(values == drawn[0] for values in drawn)
    assert shared_secrets.values(platform) == drawn[0], "a second up changed a secret"
    (file,) = platform.keys().glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    regions = [fill(SPECS, join(present, drawn[0])) for present in ({}, fill(SPECS, {}))]
    for secret, name in (("session-keys", "SESSION_KEYS"), ("peer-key", "PEER_KEY")):
        kr, us = (region["shop", secret][name] for region in regions)
        assert kr == us, "even where a region had drawn its own"
        assert len(kr) >= 32, "Sessions takes no shorter key"
    assert regions[0]["shop", "catalog-db"]["PGPASSWORD"] != regions[1]["shop", "catalog-db"]["PGPASSWORD"]


def test_a_shared_secret_that_is_new_leaves_the_others_alone(platform: LocalPlatform) -> None:
    before = shared_secrets.values(platform)
    gone = {spec.namespace + "/" + spec.name for spec in shared(SPECS)} - {"shop/peer-key"}
    file = platform.keys() / "shared-secrets.json"
    stored = yaml.safe_load(file.read_text())
    file.write_text(str({"shop/peer-key": stored["shop/peer-key"], "old/one": {"KEY": "kept"}}).replace("'", '"'))
    after = shared_secrets.values(platform)
    assert after["shop", "peer-key"] == before["shop", "peer-key"]
    assert all(after[tuple(name.split("/"))] != before[tuple(name.split("/"))] for name in gone)  # type: ignore[index]
    assert '"kept"' in file.read_text(), "a branch without the declaration must not lose the value"


def test_a_hash_follows_its_password() -> None:
    first = fill([ACCOUNT], {})["shop", "account"]
    assert bcrypt.checkpw(first["password"].encode(), first["hash"].encode())
    assert not bcrypt.checkpw(b"another", first["hash"].encode())
    assert fill([ACCOUNT], {("shop", "account"): first})["shop", "account"] == first
    changed = fill([ACCOUNT], {("shop", "account"): first | dict.fromkeys(["password"], "another")})["shop", "account"]
    assert bcrypt.checkpw(b"another", changed["hash"].encode())
    assert changed["hash"].startswith("$2b$10$")


@pytest.mark.parametrize("broken", ["", "x", "$2b$05$", "*0", "a\0b"])
def test_what_is_no_hash_is_hashed_anew(broken: str) -> None:
    made = fill([ACCOUNT], {("shop", "account"): {"hash": broken}})["shop", "account"]
    assert bcrypt.checkpw(made["password"].encode(), made["hash"].encode())


def test_both_regions_may_hash_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        filled = pool.map(lambda _: fill([ACCOUNT], {})["shop", "account"], range(16))
    assert all(bcrypt.checkpw(made["password"].encode(), made["hash"].encode()) for made in filled)
