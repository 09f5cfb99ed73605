"""The rules about the policies themselves, as ``onair explain`` tells of them."""

from onair.core.gate.model import Rule

_LIVE = """policy: service-internal
kind: Service
namespace: shop
name: origin-relay
owner: live
reason: the other region pulls the stream from it
until: {until}
"""

RULES = (
    Rule(
        "policy/data",
        "A policy that cannot be read, has no binding, or says neither why nor how to mend protects nobody.",
        bad="kind: ValidatingAdmissionPolicy # without a ValidatingAdmissionPolicyBinding beside it\n",
        good="kind: ValidatingAdmissionPolicy\n---\nkind: ValidatingAdmissionPolicyBinding\n",
    ),
    Rule(
        "policy/expression",
        "The API server refuses a policy whose expression does not compile or gives another type; it forgets that a "
        "variable is optional, so that `.?` on it finds nothing (Kubernetes 1.36, measured).",
        bad="variables: [{name: strategy, expression: object.?spec.?strategy}]\n",
        good='variables: [{name: strategy, expression: "object.?spec.?strategy.orValue({})"}]\n',
    ),
    Rule(
        "policy/exception-expired",
        "An exception without an end becomes the rule.",
        bad=_LIVE.format(until="2020-01-31 # over"),
        good=_LIVE.format(until="2027-11-30"),
    ),
    Rule(
        "policy/exception-unused",
        "An exception that excuses nothing will excuse the next object of that name.",
        bad=_LIVE.format(until="2027-11-30").replace("origin-relay", "gone"),
        good=_LIVE.format(until="2027-11-30"),
    ),
)
