"""Verdicts and exceptions as findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date

from onair.core.finding import Finding
from onair.core.gate.model import Estate
from onair.core.gate.policy.judge import Judge
from onair.core.gate.policy.model import Exemption, Policies, Verdict

AREA = "policy"


def check(estate: Estate, found: Policies, today: date) -> list[Finding]:
    """Judge a whole estate and return what has to be mended.

    A live exception excuses an object that the policy's binding names too; an exception that is over, that the
    binding does not know, or that excuses nothing is a finding of its own.
    """
    judging = Judge(found, objects=estate.objects)
    verdicts = [verdict for each in estate.objects for verdict in judging.judge(each)]
    return [*of_objects(estate, found, verdicts, today), *of_exceptions(found, used(found, verdicts), today)]


def of_objects(estate: Estate, found: Policies, verdicts: Iterable[Verdict], today: date) -> list[Finding]:
    """Return a finding for each verdict that no exception covers."""
    made = []
    for verdict in verdicts:
        exemption = _covering(found, verdict)
        if exemption and verdict.excused and exemption.until >= today:
            continue
        policy = verdict.policy
        finding = estate.finding(
            f"{AREA}/{policy.name}",
            verdict.found,
            verdict.message,
            why=policy.why,
            mend=_mend(found, verdict, exemption, today),
        )
        made.append(finding if "Deny" in verdict.actions else replace(finding, severity="warning"))
    return made


def used(found: Policies, verdicts: Iterable[Verdict]) -> frozenset[Exemption]:
    """Return the exceptions that are about something."""
    return frozenset(exemption for verdict in verdicts if (exemption := _covering(found, verdict)))


def of_exceptions(found: Policies, in_use: Collection[Exemption], today: date) -> list[Finding]:
    """Return a finding for each exception that is over or excuses nothing.

    Parameters
    ----------
    in_use
        See :func:`used`; of the whole estate.
    """
    made = []
    for each in found.exemptions:
        what = f"{each.kind} {each.namespace + '/' if each.namespace else ''}{each.name} from {each.policy}"
        if each.until < today:
            text = f"the exception of {what} ended on {each.until} (owner: {each.owner})"
            made.append(_finding(found, "exception-expired", text, "mend the object, or have the owner extend it"))
        if each not in in_use:
            text = f"the exception of {what} excuses nothing"
            mend = f"remove it, and the name from the binding of policies/{each.policy}.yaml"
            made.append(_finding(found, "exception-unused", text, mend))
    return made


def _covering(found: Policies, verdict: Verdict) -> Exemption | None:
    covers: Callable[[Exemption], bool] = lambda each: each.covers(verdict.policy.name, verdict.found)  # noqa: E731
    return next(filter(covers, found.exemptions), None)


def _mend(found: Policies, verdict: Verdict, exemption: Exemption | None, today: date) -> str:
    if verdict.excused and exemption is None:
        return f"its binding lets {verdict.found.name} pass: give the reason in {found.exceptions_file}, or take it out"
    if exemption and not verdict.excused:
        return f"{found.exceptions_file} excepts it: name it in excludeResourceRules of {verdict.policy.file} too"
    if exemption and exemption.until < today:
        return f"the exception ended on {exemption.until}: {verdict.policy.mend}"
    return verdict.policy.mend


def _finding(found: Policies, name: str, what: str, mend: str) -> Finding:
    return Finding(rule=f"{AREA}/{name}", what=what, mend=mend, file=found.exceptions_file)
