"""Judges objects by policies as the API server does (k8s.io/apiserver/pkg/admission/plugin/policy/validating)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from onair.core.gate.model import Body, Object
from onair.core.gate.policy import kinds
from onair.core.gate.policy.expressions import BOOLEAN, TEXT, Activation, Environment, ExpressionError
from onair.core.gate.policy.match import OPERATION, Request, applies, matches, selects
from onair.core.gate.policy.model import Binding, Named, Namespaces, Policies, Policy, Validation, Verdict

NAME_LABEL = "kubernetes.io/metadata.name"
LONGEST_MESSAGE = 5 * 1024
"""Bytes of a messageExpression; a longer one is dropped (k8s.io/apiserver/pkg/apis/cel)."""
_EXEMPT = "admissionregistration.k8s.io"
"""Policies do not judge policies, their bindings and webhooks."""
Bound = tuple[Policy, Binding]
_USER = {
    "username": "system:serviceaccount:argocd:argocd-application-controller",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"],
}


def namespaces_of(objects: Iterable[Object]) -> dict[str, dict[str, Body]]:
    """Return the Namespace objects by cluster and name, with the label that the API server adds."""
    found: dict[str, dict[str, Body]] = defaultdict(dict)
    for each in objects:
        if each.kind == "Namespace" and not each.namespace:
            found[each.cluster][each.name] = _namespace(each.name, each.metadata)
    return found


class Judge:
    """Judges any number of objects; every expression is compiled once.

    Parameters
    ----------
    found
        The policies.
    namespaces
        See :func:`namespaces_of`; one that is missing has its name's label only.
    objects
        What the clusters hold: kinds that are defined there, and the policies' parameters.
    """

    def __init__(
        self,
        found: Policies,
        namespaces: Namespaces | None = None,
        objects: Iterable[Object] = (),
        environment: Environment | None = None,
    ) -> None:
        held = list(objects)
        self._environment = environment or Environment()
        self._namespaces = namespaces if namespaces is not None else namespaces_of(held)
        self._resources = kinds.defined(held)
        self._bound = [(found.policies[each.policy], each) for each in found.bindings if each.policy in found.policies]
        self._by_kind: dict[tuple[str, str], list[Bound]] = {}
        self._by_place: dict[tuple[str, ...], list[tuple[Bound, bool]]] = {}
        self._params = _params(held, {policy.param_kind for policy, _ in self._bound if policy.takes_params})

    def about(self, name: str, each: Object) -> bool:
        """Tell whether a policy is about objects of this kind."""
        return any(policy.name == name for policy, _ in self._candidates(each))

    def judge(self, each: Object) -> Iterator[Verdict]:
        """Return a verdict for every binding whose policy the object breaks."""
        candidates = self._candidates(each)
        if not candidates:
            return
        request = self._request(each)
        activation: Activation = None
        for policy, binding in self._matching(candidates, request):
            handed, missing = self._handed(policy, binding, each)
            if missing:
                yield Verdict(
                    policy, binding, each, missing, ("Deny",), _excused(binding, request)
                )  # whatever the binding says
            for params in handed:
                if params is not None:
                    here = self._activation(each, request, params)
                else:
                    here = activation = activation or self._activation(each, request, None)
                for message in self._broken(policy, here):
                    yield Verdict(policy, binding, each, message, binding.actions, _excused(binding, request))

    def _candidates(self, each: Object) -> Sequence[Bound]:
        """Return what could match objects of this kind, whatever their namespace and labels are."""
        key = (each.api_version, each.kind)
        if key not in self._by_kind:
            group = each.identity.group
            request = Request(group, "", self._resource(each), "", "", {}, None)
            self._by_kind[key] = [
                (policy, binding)
                for policy, binding in self._bound
                if group != _EXEMPT and _could_match(policy.constraints, request)
            ]
        return self._by_kind[key]

    def _matching(self, candidates: Sequence[Bound], request: Request) -> Sequence[Bound]:
        """Return what matches; what looks at neither name nor labels matches alike for all of a kind in a namespace."""
        key = (request.group, request.version, request.resource, request.namespace, str(request.namespace_labels))
        if (kept := self._by_place.get(key)) is None:
            looks = ((each, _looks_closely(each)) for each in candidates)
            kept = self._by_place[key] = [
                (each, closely) for each, closely in looks if closely or _match(each, request)
            ]
        return [each for each, closely in kept if not closely or _match(each, request)]

    def _resource(self, each: Object) -> str:
        return self._resources.get((each.identity.group, each.kind)) or kinds.resource(each.kind)

    def _request(self, each: Object) -> Request:
        labels = _labels(each.metadata)
        version = each.api_version.rpartition("/")[2]
        group, resource = each.identity.group, self._resource(each)
        if group == "" and each.kind == "Namespace":
            return Request(group, version, resource, each.name, each.name, labels, {NAME_LABEL: each.name, **labels})
        if not each.namespace:
            return Request(group, version, resource, "", each.name, labels, None)
        own = self._namespace_of(each)["metadata"]["labels"]
        return Request(group, version, resource, each.namespace, each.name, labels, own)

    def _namespace_of(self, each: Object) -> Mapping[str, Any]:
        found = self._namespaces.get(each.cluster, {}).get(each.namespace)
        return found if found is not None else _namespace(each.namespace, {})

    def _activation(self, each: Object, request: Request, params: Body | None) -> Activation:
        kind = {"group": request.group, "version": request.version, "kind": each.kind}
        resource = {"group": request.group, "version": request.version, "resource": request.resource}
        asked = {
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": each.name,
            "operation": OPERATION,
            "userInfo": _USER,
            "dryRun": False,
            **({"namespace": request.namespace} if request.namespace else {}),
        }
        namespace = self._namespace_of(each) if each.namespace else None
        return self._environment.activation(
            {"object": each.body, "request": asked, "namespaceObject": namespace, "params": params}
        )

    def _handed(self, policy: Policy, binding: Binding, each: Object) -> tuple[list[Body | None], str]:
        """Return the parameters to judge with, or why there are none and that denies."""
        reference = binding.param_ref
        if not policy.takes_params or reference is None:
            return [None], ""
        namespace = reference.get("namespace") or each.namespace
        wanted = (policy.param_api, policy.param_kind)
        found: list[Body | None] = [
            held.body
            for held in self._params.get(each.cluster, ())
            if (held.api_version, held.kind) == wanted
            and held.namespace in {"", namespace}
            and _refers(reference, held)
        ]
        if not found and reference.get("parameterNotFoundAction") == "Deny" and policy.fails_closed:
            return [], "no params found for policy binding with `Deny` parameterNotFoundAction"
        return found, ""

    def _broken(self, policy: Policy, activation: Activation) -> Iterator[str]:
        """Return the messages of what is broken."""
        try:
            if not self._conditions_hold(policy, activation):
                return
        except ExpressionError as error:
            if policy.fails_closed:
                yield str(error)
            return
        for validation in policy.validations:
            try:
                holds = self._holds(validation.expression, policy.variables, activation)
            except ExpressionError as error:
                if policy.fails_closed:
                    yield str(error)
                continue
            if holds is not True:
                yield self._message(policy, validation, activation)

    def _conditions_hold(self, policy: Policy, activation: Activation) -> bool:
        """One false condition is enough to skip the policy, even where another is an error. They see no variables."""
        failed: ExpressionError | None = None
        for condition in policy.conditions:
            try:
                if self._holds(condition.expression, (), activation) is not True:
                    return False
            except ExpressionError as error:
                failed = failed or error
        if failed:
            raise failed
        return True

    def _holds(self, expression: str, variables: tuple[Named, ...], activation: Activation) -> object:
        compiled = self._environment.compiled(expression, variables, returns=BOOLEAN)
        try:
            return self._environment.evaluate(compiled, activation)
        except ExpressionError as error:
            raise ExpressionError(f"expression '{expression}' resulted in error: {error}") from error

    def _message(self, policy: Policy, validation: Validation, activation: Activation) -> str:
        said: object = ""
        if validation.message_expression:
            try:
                expression = self._environment.compiled(validation.message_expression, policy.variables, returns=TEXT)
                said = self._environment.evaluate(expression, activation)
            except ExpressionError:
                said = ""
        text = said.strip() if isinstance(said, str) else ""
        if "\n" in text or len(text.encode()) > LONGEST_MESSAGE:
            text = ""
        return text or validation.message.strip() or f"failed expression: {validation.expression.strip()}"


def _match(each: Bound, request: Request) -> bool:
    policy, binding = each
    return matches(policy.constraints, request) and matches(binding.resources, request)


def _excused(binding: Binding, request: Request) -> bool:
    return any(applies(rule, request) for rule in binding.excused)


def _looks_closely(each: Bound) -> bool:
    """Tell whether it depends on an object's name or labels whether something matches."""
    return any(
        resources.get("objectSelector")
        or any(
            rule.get("resourceNames")
            for key in ("resourceRules", "excludeResourceRules")
            for rule in resources.get(key) or ()
        )
        for resources in (each[0].constraints, each[1].resources)
    )


def _could_match(constraints: Body, request: Request) -> bool:
    rules = constraints.get("resourceRules")
    return not rules or any(applies({**rule, "scope": None, "resourceNames": None}, request) for rule in rules)


def _namespace(name: str, metadata: Mapping[str, Any]) -> Body:
    labels = {NAME_LABEL: name, **_labels(metadata)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {**metadata, "name": name, "labels": labels}}


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels; none where they are not what the schema wants (a finding of its own)."""
    labels = metadata.get("labels")
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


def _params(objects: Iterable[Object], wanted: set[str]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for each in objects:
        if each.kind in wanted:
            found[each.cluster].append(each)
    return found


def _refers(reference: Body, held: Object) -> bool:
    if reference.get("name"):
        return bool(held.name == reference["name"])
    return selects(reference.get("selector"), _labels(held.metadata))
