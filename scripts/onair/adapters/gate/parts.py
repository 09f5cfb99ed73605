"""What leaves and charts render to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

from onair.core.finding import Finding
from onair.core.gate.crd_schemas import put_back
from onair.core.gate.model import Body


@dataclass(frozen=True)
class Part:
    """What one leaf or one chart renders to.

    Attributes
    ----------
    key
        Name of everything that it is made from; equal keys, equal objects. Empty where that cannot be told.
    slim
        The objects, without the schemas of CustomResourceDefinitions.
    findings
        Why it does not render.
    """

    key: str
    slim: list[Body]
    findings: tuple[Finding, ...] = ()
    schema_of: Callable[[str], Body] | None = field(default=None, repr=False)
    again: Callable[[], list[Body]] | None = field(default=None, repr=False)

    @cached_property
    def bodies(self) -> list[Body]:
        """The objects, whole."""
        if self.schema_of is None:
            return self.slim
        try:
            return [put_back(body, self.schema_of) for body in self.slim]
        except KeyError:  # the cache lost a schema since it was looked at
            return self.again() if self.again else []


class Parts:
    """Parts by key, for two trees that are rendered side by side: what both have is read or rendered once."""

    def __init__(self) -> None:
        self._made: dict[str, Future[Part]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Part]) -> Part:
        """Return the part, which the first who asks makes; without a key nobody can tell whether it is the same."""
        if not key:
            return make()
        with self._lock:
            first, made = key not in self._made, self._made.setdefault(key, Future())
        if first:
            try:
                made.set_result(make())
            except BaseException as error:
                made.set_exception(error)
                raise
        return made.result()
