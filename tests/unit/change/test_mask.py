"""Nothing that looks like a secret is shown; everything else is."""

from typing import Any

import pytest
from change_world import objects
from hypothesis import given, settings
from hypothesis import strategies as st

from onair.core.change.compare import compare
from onair.core.change.markdown import lines, markdown
from onair.core.change.mask import HIDDEN, is_secret_name, masked

WORD = "hunter" + "2hunter2"  # in two parts, so that no scanner takes the fixture for a find

HIDING = {
    "a Secret's data": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\ndata: {{harmless: {WORD}}}",
    "a Secret's stringData": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{a: {WORD}}}",
    "an environment variable": f"kind: Pod\nmetadata: {{name: x}}\nenv: [{{name: PGPASSWORD, value: {WORD}}}]",
    "a key's name": f"kind: ConfigMap\nmetadata: {{name: x}}\ndata: {{api_key: {WORD}}}",
    "an address with a login": f"kind: ConfigMap\nmetadata: {{name: x}}\ndata: {{url: 'postgres://shop:{WORD}@db/x'}}",
    "an argument": f"kind: Pod\nmetadata: {{name: x}}\nspec: {{args: ['--admin-password={WORD}']}}",
    "two arguments in one": f"kind: Pod\nmetadata: {{name: x}}\nspec: {{command: [sh, -c, 'run --token {WORD} now']}}",
    "a line of a file": f'kind: ConfigMap\nmetadata: {{name: x}}\ndata: {{f: "a: 1\\ndb_password: {WORD}\\n"}}',
    "a private key": "kind: ConfigMap\nmetadata: {name: x}\ndata:\n  f: |\n    -----BEGIN RSA PRIV"
    f"ATE KEY-----\n    {WORD}\n    -----END RSA PRIV" + "ATE KEY-----",
}


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING.keys())
def test_a_secret_is_shown_neither_added_nor_changed_nor_removed(text: str) -> None:
    other = text.replace(WORD, "correct" + "horse")
    for before, after in (("", text), (text, other), (other, text), (text, "")):
        changes = compare(objects(before), objects(after))
        shown = "\n".join(lines(changes[0])) + markdown(changes)
        assert len(changes) == 1, "that it changed is told"
        assert WORD not in shown
        assert "correct" + "horse" not in shown


@pytest.mark.parametrize(
    "name", ["secretName", "secretRef", "passwordFile", "tokenExpirationSeconds", "tokens", "name"]
)
def test_where_a_secret_is_may_be_shown(name: str) -> None:
    assert not is_secret_name(name)
    assert masked({name: "gateway-tls"}) == {name: "gateway-tls"}


@pytest.mark.parametrize("name", ["password", "PGPASSWORD", "apiKey", "client_secret", "AUTH_TOKEN", "webhook.secret"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)
    assert masked({name: "x"}) == {name: HIDDEN}


@settings(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.integers() | st.booleans() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["password", "a"]), inner),
        max_leaves=5,
    )
)
def test_what_is_no_text_is_shown_as_it_is(value: Any) -> None:  # noqa: ANN401
    assert masked(value) == value
