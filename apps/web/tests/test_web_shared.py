from __future__ import annotations

from onair_common.identity import Viewer
from web.shared import MOST, Shared
from web.visitors import Visit


def visit(nickname: str, token: str) -> Visit:
    return Visit(Viewer("1" * 32, nickname, "viewer", 0), token, None)


def test_each_viewer_gets_the_own_name_and_token_in_the_same_page() -> None:
    shared, source, made = Shared(), object(), list[int]()

    def render(anybody: Visit | None) -> tuple[str, str]:
        made.append(1)
        assert anybody is not None
        return f"<b>{anybody.viewer.nickname}</b><i>{anybody.csrf}</i>", "policy"

    def page(nickname: str, token: str, of: object = source) -> str:
        return shared.page("show", (of,), "viewer", render).of(visit(nickname, token))

    assert page("Kim", "k") == "<b>Kim</b><i>k</i>"
    assert page("<i>Lee", "l") == "<b>&lt;i&gt;Lee</b><i>l</i>"
    assert len(made) == 1
    # What looks like a gap is a name like any other.
    assert page("\ue000token\ue000", "secret") == "<b>\ue000token\ue000</b><i>secret</i>"
    page("Kim", "k", object())
    assert len(made) == 2, "another source, another page"


def test_memory_is_bounded() -> None:
    shared = Shared()
    for n in range(3 * MOST):
        shared.page(n, (), "viewer", lambda _: ("", ""))
    assert len(shared._known) == MOST


def test_who_has_no_session_shares_a_page_of_their_own() -> None:
    shared, source = Shared(), object()
    for _ in range(2):
        page = shared.page("home", (source,), None, lambda anybody: (f"{anybody}", "policy"))
        assert page.of(None) == "None"
