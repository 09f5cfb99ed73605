"""From YAML documents to policies; what cannot be understood is a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date

from onair.core.finding import Finding
from onair.core.gate.model import Body
from onair.core.gate.policy.expressions import BOOLEAN, TEXT, Environment, ExpressionError
from onair.core.gate.policy.match import selects
from onair.core.gate.policy.model import (
    BINDING,
    MEND,
    POLICY,
    WHY,
    Binding,
    Exemption,
    Named,
    Policies,
    Policy,
    Validation,
)

EXCEPTIONS = "PolicyExceptions"
_FIELDS = ("policy", "kind", "namespace", "name", "owner", "reason", "until")


def read(documents: Iterable[tuple[str, Body]]) -> tuple[Policies, list[Finding]]:
    """Read policies, bindings and exceptions.

    Parameters
    ----------
    documents
        Each with the file that it stands in, relative to the repository's root.
    """
    policies: dict[str, Policy] = {}
    bindings: list[Binding] = []
    exemptions: list[Exemption] = []
    findings: list[Finding] = []
    file_of_exceptions = Policies.exceptions_file
    for file, body in documents:
        kind = body.get("kind")
        try:
            if kind == POLICY:
                made = _policy(file, body)
                policies[made.name] = made
                if not made.why or not made.mend:
                    what = f"{made.name}: no annotation {WHY} or {MEND}"
                    findings.append(_fault(file, what, "say both: findings show them"))
            elif kind == BINDING:
                bindings.append(_binding(body))
            elif kind == EXCEPTIONS:
                file_of_exceptions = file
                for entry in body.get("spec") or ():
                    exemption, fault = _exemption(file, entry)
                    exemptions += [exemption] if exemption else []
                    findings += [fault] if fault else []
            else:
                what = f"{kind or 'a document without kind'} in policies/"
                findings.append(_fault(file, what, f"keep {POLICY}, {BINDING} and {EXCEPTIONS} only"))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"not a {kind}: {type(error).__name__}: {error}"
            findings.append(_fault(file, what, "compare it with the policies beside it"))
    found = Policies(policies, tuple(bindings), tuple(exemptions), file_of_exceptions)
    return found, findings + _dangling(found)


def expressions(found: Policies, environment: Environment) -> list[Finding]:
    """Compile every expression; what does not compile is a finding (the API server would refuse the policy)."""
    findings: list[Finding] = []
    for policy in found.policies.values():
        findings += _optional_variables(policy, environment)
        for expression, variables, returns in _expressions(policy):
            try:
                environment.compiled(expression, variables, returns=returns)
            except ExpressionError as error:
                mend = "correct it; a function that the gate lacks is added in onair.core.gate.policy.expressions"
                findings.append(_fault(policy.file, f"{policy.name}: {error}", mend, rule="policy/expression"))
    return findings


def compile_ahead(found: Policies, environment: Environment) -> Iterator[None]:
    """Compile what tells broken objects, an expression a step; faults are left to :func:`expressions`."""
    for policy in found.policies.values():
        for expression, variables, returns in _expressions(policy):
            if returns == BOOLEAN:
                with suppress(ExpressionError):
                    environment.compiled(expression, variables, returns=returns)
                yield


def _optional_variables(policy: Policy, environment: Environment) -> Iterable[Finding]:
    """The API server forgets that a variable is optional: `.?` on it finds nothing, `hasValue()` may be an error."""
    for position, variable in enumerate(policy.variables):
        if environment.is_optional(variable.expression, policy.variables[:position]):
            what = f"{policy.name}: the variable {variable.name} is an optional value"
            yield _fault(policy.file, what, "end it with .orValue(…)", rule="policy/expression")


def _expressions(policy: Policy) -> Iterable[tuple[str, tuple[Named, ...], str]]:
    for condition in policy.conditions:
        yield condition.expression, (), BOOLEAN
    for validation in policy.validations:
        yield validation.expression, policy.variables, BOOLEAN
        if validation.message_expression:
            yield validation.message_expression, policy.variables, TEXT


def _dangling(found: Policies) -> list[Finding]:
    bound = {each.policy for each in found.bindings}
    findings = [
        _fault(policy.file, f"{name} has no binding: it is enforced nowhere", "add a binding to its file")
        for name, policy in found.policies.items()
        if name not in bound
    ]
    file = found.exceptions_file
    for name in sorted(bound - found.policies.keys()):
        findings.append(
            _fault(
                f"policies/{name}.yaml",
                f"a binding names the policy {name}, which does not exist",
                "correct policyName",
            )
        )
    for each in found.exemptions:
        if each.policy not in found.policies:
            findings.append(
                _fault(file, f"an exception from {each.policy}, which does not exist", "remove it, or correct the name")
            )
    return findings


def _policy(file: str, body: Body) -> Policy:
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    notes = metadata.get("annotations") or {}
    param = spec.get("paramKind") or {}
    _check_selectors(spec.get("matchConstraints") or {})
    return Policy(
        name=str(metadata.get("name", "")),
        file=file,
        why=str(notes.get(WHY, "")).strip(),
        mend=str(notes.get(MEND, "")).strip(),
        constraints=spec.get("matchConstraints") or {},
        conditions=_named(spec.get("matchConditions")),
        variables=_named(spec.get("variables")),
        validations=tuple(
            Validation(v["expression"], v.get("message", ""), v.get("messageExpression", ""))
            for v in spec.get("validations") or ()
        ),
        fails_closed=spec.get("failurePolicy", "Fail") != "Ignore",
        param_kind=str(param.get("kind", "")),
        param_api=str(param.get("apiVersion", "")),
    )


def _named(items: Iterable[Mapping[str, str]] | None) -> tuple[Named, ...]:
    return tuple(Named(item["name"], item["expression"]) for item in items or ())


def _binding(body: Body) -> Binding:
    spec = body.get("spec") or {}
    resources = dict(spec.get("matchResources") or {})
    _check_selectors(resources)
    excluded = resources.pop("excludeResourceRules", None) or ()
    resources["excludeResourceRules"] = [rule for rule in excluded if not rule.get("resourceNames")]
    return Binding(
        name=str((body.get("metadata") or {}).get("name", "")),
        policy=str(spec.get("policyName", "")),
        actions=tuple(spec.get("validationActions") or ()),
        resources=resources,
        excused=tuple(rule for rule in excluded if rule.get("resourceNames")),
        param_ref=spec.get("paramRef"),
    )


def _check_selectors(resources: Body) -> None:
    """Raise ValueError for an operator that does not exist."""
    for key in ("namespaceSelector", "objectSelector"):
        selects(resources.get(key), {})


def _exemption(file: str, entry: object) -> tuple[Exemption | None, Finding | None]:
    mend = f'give {", ".join(_FIELDS)} (namespace may be left out), until as "2027-01-31"'
    if not isinstance(entry, dict) or set(entry) - set(_FIELDS) or not set(_FIELDS) - {"namespace"} <= set(entry):
        return None, _fault(file, f"not an exception: {entry}", mend)
    try:
        until = date.fromisoformat(str(entry["until"]))
    except ValueError:
        return None, _fault(file, f"not an exception: {entry}", mend)
    if not all(entry[key] for key in _FIELDS if key != "namespace"):
        return None, _fault(file, f"not an exception: {entry}", mend)
    words = {key: str(entry.get(key, "")) for key in _FIELDS if key != "until"}
    return Exemption(**words, until=until), None


def _fault(file: str, what: str, mend: str, rule: str = "policy/data") -> Finding:
    return Finding(rule=rule, what=what, mend=mend, file=file)
