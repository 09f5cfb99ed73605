from __future__ import annotations

import pytest

from chat.words import WordList

WORDS = WordList.default()
BAD = """시발|시1발|시 . 발|ㅅㅂ|ㅅㅣㅂㅏㄹ|ㅅ ㅣ ㅂ ㅏ ㄹ|개 새 끼|지랄하네|시발 전화해|와 ㅂㅅ 같다
fuck|FUCK!!|f u c k|f.u.c.k you|fuuuck|fucking|sh1t|ｆｕｃｋ|fück|Fu\u0441k"""  # noqa: RUF001  letters of full width
GOOD = """안녕하세요|다시 발송해 주세요|즉시발송 되나요?|다시발송|출시발표 기대돼요|가시 발견|시발점|쉬는 시간 발표
class|assistant|Scunthorpe|shiitake|hello u r so cool|a b c||🎉🎉|<b>hi</b>|1 2 3"""


@pytest.mark.parametrize("text", BAD.replace("\n", "|").split("|"))
def test_a_forbidden_word_is_found_however_it_is_dressed_up(text: str) -> None:
    assert WORDS.forbids(text)


@pytest.mark.parametrize("text", GOOD.replace("\n", "|").split("|"))
def test_other_words_are_not(text: str) -> None:
    assert not WORDS.forbids(text)


def test_a_list_has_comments_and_exceptions() -> None:
    words = WordList(["# none", "", "bad # a word", "나쁜", "+나쁜점"])
    assert [words.forbids(t) for t in ("bad", "badge", "나쁜말", "나쁜점", "none")] == [True, False, True, False, False]
