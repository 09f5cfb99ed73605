"""Words that are not said here, in Korean and English, however they are dressed up. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from importlib import resources

_LOOKALIKES = str.maketrans("@013457$|аеорсух", "aoieastsiaeopcyx")  # noqa: RUF001  the second half is Cyrillic
_REPEATED = re.compile(r"(.)\1+")
_SINGLES = re.compile(r"(?:\b\w\b ?){2,}")
_JAMO = {name: chr(0x1100 + i) for i, name in enumerate("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")}
_JAMO |= {name: chr(0x1161 + i) for i, name in enumerate("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ")}
_FINALS = {chr(0x11A8 + i): c for i, c in enumerate("ㄱㄲ ㄴ  ㄷㄹ       ㅁㅂ ㅅㅆㅇㅈㅊㅋㅌㅍㅎ") if c != " "}


def _letters(text: str) -> str:
    """Return the letters of the Korean syllables in a row, with nothing between them.

    Syllables, single letters and both mixed spell alike; what stands between (digits, dots) is dropped.
    """
    letters = unicodedata.normalize("NFD", "".join(_JAMO.get(c, c) for c in text))
    letters = "".join(_JAMO[_FINALS[c]] if c in _FINALS else c for c in letters)
    return "".join(c for c in letters if 0x1100 <= ord(c) <= 0x11FF)


def _hangul(text: str) -> list[str]:
    """Return the Korean words as letters; syllables spelt out one by one count as one word."""
    words: list[str] = []
    single = False
    for word in unicodedata.normalize("NFKC", text).split():
        letters = _letters(word)
        if letters:
            short = len(letters) <= 3 and sum("가" <= c <= "힣" for c in word) <= 1
            if short and single:
                words[-1] += letters
            else:
                words.append(letters)
            single = short
    return words


def _latin(text: str) -> list[str]:
    """Return the words in plain lower-case letters; letters spelt out one by one count as one word."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    spaced = re.sub(r"[^a-z]+", " ", plain.translate(_LOOKALIKES))
    joined = _SINGLES.sub(lambda found: found[0].replace(" ", "") + " ", spaced)
    return [_REPEATED.sub(r"\1", word) for word in joined.split()]


class WordList:
    """Finds forbidden words.

    Parameters
    ----------
    lines : Iterable of str
        One word a line; ``+word`` allows a longer word that contains a forbidden one; ``#`` begins a comment. Korean
        words are found anywhere (Korean inflects by endings), English ones as whole words with their common endings.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        entries = [entry for line in lines if (entry := line.partition("#")[0].strip())]
        words = [entry for entry in entries if not entry.startswith("+")]
        self._allowed = [_letters(entry[1:]) for entry in entries if entry.startswith("+")]
        self._korean = [letters for word in words if (letters := _letters(word))]
        self._english = {"".join(_latin(word)) for word in words if not _letters(word)}
        self._endings = re.compile(r"(?:s|es|ed|er|ers|ing|y)\Z")

    @classmethod
    def default(cls) -> WordList:
        """Read the list that comes with the service."""
        return cls((resources.files("chat") / "words.txt").read_text(encoding="utf-8").splitlines())

    def forbids(self, text: str) -> bool:
        """Tell whether a text has a forbidden word."""
        if any(word in self._english or self._endings.sub("", word) in self._english for word in _latin(text)):
            return True
        return any(self._forbids_korean(letters) for letters in _hangul(text))

    def _forbids_korean(self, letters: str) -> bool:
        for allowed in self._allowed:
            letters = letters.replace(allowed, " ")
        return any(word in letters for word in self._korean)
