"""Pages that are the same for everybody but for the viewer's name and token: rendered once, filled in for each."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from markupsafe import escape

from onair_common.identity import Role, Viewer
from web.visitors import Visit

MOST = 64
"""Pages kept; the longest unused goes first."""
# Characters of the private use area: no text of the shop has them, and what a viewer writes is never looked through.
_NAME, _TOKEN = "\ue000name\ue000", "\ue000token\ue000"
_MARKS = re.compile(f"({_NAME}|{_TOKEN})")


@dataclass(frozen=True)
class Rendered:
    """A page with gaps for a viewer's name and token, and its content security policy."""

    sources: tuple[object, ...]
    pieces: tuple[str, ...]
    policy: str

    def of(self, visit: Visit | None) -> str:
        """Return the page as one viewer gets it; without a visit it has no gaps."""
        if visit is None:
            return "".join(self.pieces)
        own = {_NAME: str(escape(visit.viewer.nickname)), _TOKEN: str(escape(visit.csrf))}
        return "".join(own.get(piece, piece) for piece in self.pieces)


class Shared:
    """Remembers rendered pages."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Rendered] = OrderedDict()

    def page(
        self,
        key: Hashable,
        sources: tuple[object, ...],
        role: Role | None,
        render: Callable[[Visit | None], tuple[str, str]],
    ) -> Rendered:
        """Return a page, rendered anew when one of its sources is another object than it was.

        Parameters
        ----------
        sources : tuple
            What the page is made of, besides ``key``; compared by identity, as an upstream keeps what has not changed.
        role : Role or None
            The viewers' role; None for who has no session.
        render : Callable
            Returns text and policy of the page for a viewer.
        """
        found = self._known.get(key)
        if found is None or any(old is not new for old, new in zip(found.sources, sources, strict=True)):
            text, policy = render(Visit(Viewer("0" * 32, _NAME, role, 0), _TOKEN, None) if role else None)
            found = Rendered(sources, tuple(_MARKS.split(text)), policy)
            self._known[key] = found
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return found
