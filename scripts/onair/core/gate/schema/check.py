"""Judges objects by their schemas and by what no schema says, and writes the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onair.core.finding import Finding
from onair.core.gate.model import Estate, Object
from onair.core.gate.schema.problem import Problem
from onair.core.gate.schema.rules import RULES
from onair.core.gate.schema.schemas import Schemas
from onair.core.gate.schema.semantics import semantics
from onair.core.gate.schema.size import ServerSide, server_side, size

_WHY = {rule.id: rule.why for rule in RULES}
_SHAPE = {"schema/type", "schema/missing"}
"""Where these are broken, the parts that semantics compares are not there."""


def check(objects: Iterable[Object], schemas: Schemas, known: ServerSide) -> Iterator[tuple[Object, Problem]]:
    """Find everything that is wrong with single objects.

    Parameters
    ----------
    objects
        What to judge.
    schemas
        The schemas of the clusters.
    known
        Tells which objects are applied on the server's side (:func:`~onair.core.gate.schema.size.server_side`).
    """
    for each in objects:
        problems = list(schemas.problems(each))
        if not any(problem.rule in _SHAPE for problem in problems):
            problems += semantics(each)
        problems += size(each, known)
        yield from ((each, problem) for problem in dict.fromkeys(problems))


def findings(estate: Estate, schemas: Schemas, objects: Iterable[Object] | None = None) -> Iterator[Finding]:
    """Find everything that is wrong with single objects, with its place in git.

    Parameters
    ----------
    estate
        Everything that would run; it says how an object is applied and where it is written.
    schemas
        The schemas of the clusters.
    objects
        What to judge; all of the estate where None is given.
    """
    known = server_side(estate.objects)
    for each, problem in check(estate.objects if objects is None else objects, schemas, known):
        why = _WHY.get(problem.rule, "")
        yield estate.finding(problem.rule, each, problem.what, at=problem.path, why=why, mend=problem.mend)
