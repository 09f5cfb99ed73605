import base64
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from onair.core.facts import Environment
from onair.core.secrets import ALPHABET, Key, Secrets, SecretSpec, Values, fill, manifest

DECLARED = Secrets.model_validate(
    yaml.safe_load((Path(__file__).resolve().parents[2] / "clusters/platform/secrets.yaml").read_text())
)
SPECS = DECLARED.of(Environment.LOCAL)
DRAWN = [((s.namespace, s.name), name) for s in SPECS for name, key in s.keys.items() if key.length]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(DRAWN), st.text(min_size=1)))
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
