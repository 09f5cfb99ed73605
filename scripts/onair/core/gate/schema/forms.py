"""Forms of single values that the API server checks in code, where its published schemas say only "string".

Each is a JSON Schema fragment, so that the validator checks it at its own speed. A failure is told in words by looking
the pattern up in :data:`FORMS`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Fragment = dict[str, Any]


class Form(NamedTuple):
    """How a value must be written, in words.

    Attributes
    ----------
    rule
        The rule that a wrong value breaks.
    expects
        Completes "must be ...".
    example
        A right value.
    """

    rule: str
    expects: str
    example: str


FORMS: dict[str, Form] = {}
"""By the pattern that stands in the schema."""

# source of the name forms: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_WORD = "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"({_OCTET}\.){{3}}{_OCTET}"
_IPV6 = "[0-9a-fA-F:]*:[0-9a-fA-F:.]*"  # the exact reading is ipaddress's (semantics)


def _form(pattern: str, rule: str, expects: str, example: str, **more: Any) -> Fragment:
    FORMS[pattern] = Form(rule, expects, example)
    return {"type": "string", "pattern": pattern, **more}


DNS_LABEL = _form(
    f"^{_LABEL}$",
    "schema/name",
    "a DNS label (RFC 1123): at most 63 of a-z, 0-9 and '-', no '-' at either end",
    "web-1",
    maxLength=63,
)
DNS_1035 = _form(
    "^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "schema/name",
    "a DNS label (RFC 1035): at most 63 of a-z, 0-9 and '-', a letter first, no '-' at the end",
    "web",
    maxLength=63,
)
DNS_NAME = _form(
    rf"^{_LABEL}(\.{_LABEL})*$",
    "schema/name",
    "a DNS name (RFC 1123): labels of a-z, 0-9 and '-', joined by '.', at most 253 characters",
    "web.onair.example",
    maxLength=253,
)
HOST_PATTERN = _form(
    rf"^(\*\.)?{_LABEL}(\.{_LABEL})*$",
    "schema/name",
    "a DNS name, or one with '*' as its first label",
    "*.onair.example",
    maxLength=253,
)
PATH_SEGMENT = _form(
    r"^([^./%][^/%]*|\.[^./%][^/%]*|\.\.[^/%]+)$",
    "schema/name",
    "a name that can stand in a URL's path: no '/' or '%', not '.' or '..'",
    "system:node",
)
LABEL_KEY = _form(
    rf"^({_LABEL}(\.{_LABEL})*/)?{_WORD}$",
    "schema/label",
    "[DNS name/]name, the name at most 63 of a-z, A-Z, 0-9, '-', '_' and '.', a letter or a digit at each end",
    "app.kubernetes.io/name",
    maxLength=317,
)
LABEL_VALUE = _form(
    rf"^({_WORD})?$",
    "schema/label",
    "at most 63 of a-z, A-Z, 0-9, '-', '_' and '.', beginning and ending with a letter or a digit",
    '"v1.2"',
    maxLength=63,
)
DATA_KEY = _form(
    "^[-._a-zA-Z0-9]+$",
    "schema/name",
    "a file name of a-z, A-Z, 0-9, '-', '_' and '.'",
    "config.yaml",
    maxLength=253,
)
ENV_NAME = _form(
    "^[!-<>-~]([ -<>-~]*[!-<>-~])?$",
    "schema/name",
    "printable characters other than '=', no space at either end",
    "PORT",
)
PORT_NAME = _form(
    "^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "schema/port",
    "a port's name (RFC 6335): at most 15 of a-z, 0-9 and '-', a letter among them, no '-' at either end or doubled",
    "http",
    maxLength=15,
)
# source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY = _form(
    r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
    "schema/quantity",
    "a quantity: a number and one of n u m k M G T P E Ki Mi Gi Ti Pi Ei",
    "256Mi or 250m",
)
QUANTITY: Fragment = {**_QUANTITY, "type": ["string", "number"]}
BASE64 = _form(
    r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*$", "schema/value", "base64 (RFC 4648)", "b24gYWly"
)
CIDR = _form(
    rf"^({_IPV4}/(3[0-2]|[12]?[0-9])|{_IPV6}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$",
    "schema/address",
    "an address range",
    "10.64.0.0/16",
)
ADDRESS = _form(f"^({_IPV4}|{_IPV6})$", "schema/address", "an IP address", "10.64.0.10")
CLUSTER_IP = _form(f"^(|None|{_IPV4}|{_IPV6})$", "schema/address", "an IP address or None", "None")
# source: time.ParseDuration of Go, which Argo CD and Argo Rollouts call
GO_DURATION = _form(
    r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$", "schema/duration", "a duration: numbers with ms, s, m or h", "1m30s"
)
PERCENT_OR_COUNT: Fragment = {
    **_form("^([0-9]|[1-9][0-9]|100)%$", "schema/value", "a count, or a percentage from 0% to 100%", "25%"),
    "type": ["string", "integer"],
    "minimum": 0,
}
# Patterns of upstream's own definitions (controller-gen, Gateway API), told in words.
# source: https://gateway-api.sigs.k8s.io/geps/gep-2257/
_form(
    "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
    "schema/duration",
    "a duration: up to four whole numbers with h, m, s or ms",
    "1m30s",
)
_form(
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
    "schema/quantity",
    "a quantity: a number and one of n u m k M G T P E Ki Mi Gi Ti Pi Ei",
    "256Mi",
)
PATH = _form("^/.*", "schema/value", "a path that begins with '/'", "/readyz")

PORT: Fragment = {"type": "integer", "minimum": 1, "maximum": 65535}
# source: kube-apiserver --service-node-port-range, default
NODE_PORT: Fragment = {"type": "integer", "minimum": 30000, "maximum": 32767}
PORT_OR_NAME: Fragment = {**PORT_NAME, "type": ["string", "integer"], "minimum": 1, "maximum": 65535}
NOT_NEGATIVE: Fragment = {"type": "integer", "minimum": 0}
POSITIVE: Fragment = {"type": "integer", "minimum": 1}
TEXT: Fragment = {"type": "string", "minLength": 1}
LABELS: Fragment = {"propertyNames": LABEL_KEY, "additionalProperties": LABEL_VALUE}


def one_of(*values: str) -> Fragment:
    """Return the form of a field that takes one of these words."""
    return {"type": "string", "enum": list(values)}


def list_of(item: Fragment, **more: Any) -> Fragment:
    """Return the form of a list of such values."""
    return {"type": "array", "items": item, **more}
