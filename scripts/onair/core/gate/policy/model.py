"""Policies, their bindings and exceptions as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from onair.core.gate.model import Body, Object

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
WHY, MEND = "onair.dev/why", "onair.dev/mend"


class Named(NamedTuple):
    """A variable or a match condition."""

    name: str
    expression: str


class Validation(NamedTuple):
    """An expression that must be true, and what to say where it is not."""

    expression: str
    message: str
    message_expression: str


@dataclass(frozen=True, eq=False)
class Policy:
    """A ValidatingAdmissionPolicy.

    Attributes
    ----------
    why, mend
        From its annotations; for people.
    constraints
        ``spec.matchConstraints``, as written.
    fails_closed
        ``failurePolicy: Fail``: an expression that cannot be evaluated counts as broken.
    takes_params
        It has a ``paramKind``.
    """

    name: str
    file: str
    why: str
    mend: str
    constraints: Body
    conditions: tuple[Named, ...]
    variables: tuple[Named, ...]
    validations: tuple[Validation, ...]
    fails_closed: bool
    param_kind: str
    param_api: str

    @property
    def takes_params(self) -> bool:
        """Whether its bindings may hand it an object as ``params``."""
        return bool(self.param_kind)


@dataclass(frozen=True, eq=False)
class Binding:
    """A ValidatingAdmissionPolicyBinding: where its policy holds, and what follows.

    Attributes
    ----------
    resources
        ``spec.matchResources`` without the rules that name objects.
    excused
        The rules of ``excludeResourceRules`` that name objects: exceptions, as the cluster knows them.
    """

    name: str
    policy: str
    actions: tuple[str, ...]
    resources: Body
    excused: tuple[Body, ...]
    param_ref: Body | None


@dataclass(frozen=True)
class Exemption:
    """An exception from a policy, for one object.

    Attributes
    ----------
    namespace
        Empty for a cluster-wide object.
    owner, reason
        Who answers for it, and why it is needed.
    until
        The last day on which it holds.
    """

    policy: str
    kind: str
    namespace: str
    name: str
    owner: str
    reason: str
    until: date

    def covers(self, policy: str, found: Object) -> bool:
        """Tell whether it is about this policy and this object."""
        return (self.policy, self.kind, self.namespace, self.name) == (policy, found.kind, found.namespace, found.name)


@dataclass(frozen=True, eq=False)
class Policies:
    """All policies with what binds them, and the exceptions.

    Attributes
    ----------
    exceptions_file
        Where the exceptions are written.
    """

    policies: Mapping[str, Policy]
    bindings: tuple[Binding, ...]
    exemptions: tuple[Exemption, ...] = ()
    exceptions_file: str = "policies/exceptions.yaml"


class Verdict(NamedTuple):
    """One policy's judgement on one object that breaks it.

    Attributes
    ----------
    message
        As the API server would say it.
    actions
        ``Deny``, ``Warn``, ``Audit``.
    excused
        The binding names the object: the cluster lets it pass.
    """

    policy: Policy
    binding: Binding
    found: Object
    message: str
    actions: tuple[str, ...]
    excused: bool


Namespaces = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The Namespace objects by cluster and name."""
