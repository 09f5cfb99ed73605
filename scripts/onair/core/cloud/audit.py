"""What must hold of what is really there, whatever Terraform's state says.

A rule looks at one object as AWS describes it (:mod:`onair.adapters.cloud.read_back` reads them); for each rule a test
makes a bad one outside Terraform. Who may talk to whom is compared by :mod:`onair.core.cloud.flows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from onair.core.cloud.flows import public_ingress
from onair.core.finding import Finding

Body = Mapping[str, Any]
Snapshot = Mapping[str, Sequence[Body]]
"""Objects by kind; each has ``id`` and ``region`` beside what AWS says of it."""


class Rule(NamedTuple):
    """A rule over one object.

    Attributes
    ----------
    kind
        Key of the snapshot.
    fault
        Returns what is wrong, or an empty string.
    """

    id: str
    kind: str
    fault: Callable[[Body], str]
    why: str


def unless(*keys: str, says: str) -> Callable[[Body], str]:
    """Return a check that all of ``keys`` are true of an object."""
    return lambda body: "" if all(body.get(key) for key in keys) else says


def _versions(body: Body) -> str:
    return "" if body["Versioning"] == "Enabled" else "old versions are not kept"


def _public(body: Body) -> str:
    wanted = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    open_ = [key for key in wanted if not (body["PublicAccessBlock"] or {}).get(key)]
    return f"may be made public: {', '.join(open_)} not set" if open_ else ""


def _tls(body: Body) -> str:
    statements = (body["Policy"] or {}).get("Statement", [])
    denied = any(
        each.get("Effect") == "Deny" and each.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
        for each in statements
    )
    return "" if denied else "answers without TLS"


def _private(body: Body) -> str:
    network = body["resourcesVpcConfig"]
    return "the API server answers the internet" if network.get("endpointPublicAccess", True) else ""


def _control_plane_logs(body: Body) -> str:
    kinds = {
        kind for each in body.get("logging", {}).get("clusterLogging", []) if each["enabled"] for kind in each["types"]
    }
    missing = {"api", "audit", "authenticator", "controllerManager", "scheduler"} - kinds
    return f"logs of {', '.join(sorted(missing))} are not kept" if missing else ""


def _boundary(body: Body) -> str:
    ours = str(body["Path"]) == "/" and not body["Outside"]
    return "no permissions boundary" if ours and not body.get("PermissionsBoundary") else ""


def _multi_region(body: Body) -> str:
    if not body["IsMultiRegionTrail"] or not body["IsLogging"]:
        return "does not record every region"
    return (
        "" if body.get("LogFileValidationEnabled") and body.get("KmsKeyId") else "records are not signed or encrypted"
    )


def _backed_up(body: Body) -> str:
    return "" if body["Tags"].get("backup") == "daily" else "no backup plan takes it: tag backup=daily"


KEPT = ("media", "exports")
"""Words in the names of buckets that nothing else has a copy of."""


def _bucket_backed_up(body: Body) -> str:
    return _backed_up(body) if any(f"-{word}-" in str(body["id"]) for word in KEPT) else ""


def _copied(body: Body) -> str:
    rules = [rule for plan in body["Plans"] for rule in plan["Rules"]]
    if not rules:
        return "no backup plan"
    return "" if all(rule.get("CopyActions") for rule in rules) else "backups stay in one region"


def _tagged(body: Body) -> str:
    missing = [key for key, value in body["Wanted"].items() if body["Tags"].get(key) != value]
    return f"tags missing or wrong: {', '.join(missing)}" if missing else ""


def _ends(body: Body) -> str:
    return "" if body.get("retentionInDays") else "is kept for ever"


def _routes(body: Body) -> str:
    out = [each for each in body["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0"]
    if body["Tier"] == "db":
        return "the databases have a way out" if out else ""
    if body["Tier"] != "public" and any(str(each.get("GatewayId", "")).startswith("igw-") for each in out):
        return "has a way to the internet, though it is not public"
    return ""


def _password(body: Body) -> str:
    ok = body.get("MinimumPasswordLength", 0) >= 14 and body.get("PasswordReusePrevention", 0) >= 5
    return "" if ok else "passwords may be short, or used again"


def _rights(body: Body) -> str:
    return "has rights of its own" if body["Rights"] else ""


def _keys(body: Body) -> str:
    return "has an access key" if body["Keys"] else ""


RULES = (
    Rule("cloud/bucket-encryption", "buckets", unless("Encryption", says="not encrypted"), "a lost disk tells nothing"),
    Rule("cloud/bucket-versions", "buckets", _versions, "what was deleted by mistake comes back"),
    Rule("cloud/bucket-public", "buckets", _public, "one wrong policy, and the world reads it"),
    Rule("cloud/bucket-tls", "buckets", _tls, "who listens reads nothing"),
    Rule("cloud/bucket-covered", "buckets", _bucket_backed_up, "a deleted bucket takes its old versions along"),
    Rule("cloud/backup-plan", "regions", _copied, "a lost region must not take its backups along"),
    Rule("cloud/database-encryption", "databases", unless("StorageEncrypted", says="not encrypted"), "orders"),
    Rule(
        "cloud/database-backup",
        "databases",
        unless("BackupRetentionPeriod", says="no point in time"),
        "data comes back",
    ),
    Rule("cloud/database-covered", "databases", _backed_up, "a backup outlives the database"),
    Rule("cloud/cache-tls", "caches", unless("TransitEncryptionEnabled", says="without TLS"), "tokens travel in it"),
    Rule("cloud/cache-encryption", "caches", unless("AtRestEncryptionEnabled", says="not encrypted"), "snapshots leak"),
    Rule("cloud/cluster-secrets", "clusters", unless("encryptionConfig", says="Secrets lie open in etcd"), "all keys"),
    Rule("cloud/cluster-private", "clusters", _private, "only our networks reach the API server"),
    Rule("cloud/cluster-logs", "clusters", _control_plane_logs, "who did what, afterwards"),
    Rule("cloud/key-rotation", "keys", unless("Rotated", says="never rotated"), "a stolen key ends to be of use"),
    Rule("cloud/queue-encryption", "queues", unless("KmsMasterKeyId", says="not encrypted"), "orders travel in it"),
    Rule("cloud/topic-encryption", "topics", unless("KmsMasterKeyId", says="not encrypted"), "alarms tell much"),
    Rule("cloud/log-retention", "logs", _ends, "logs cost, and hold what must be forgotten"),
    Rule("cloud/log-encryption", "logs", unless("kmsKeyId", says="not encrypted"), "logs hold addresses of people"),
    Rule("cloud/volume-encryption", "volumes", unless("Encrypted", says="not encrypted"), "a snapshot can be shared"),
    Rule("cloud/volume-default", "regions", unless("EbsEncryption", says="new volumes are not encrypted"), "no gap"),
    Rule(
        "cloud/flow-logs",
        "networks",
        unless("FlowLogs", says="nobody records who talks to whom"),
        "traces",
    ),
    Rule("cloud/tags", "networks", _tagged, "costs are booked and owners found by tags"),
    Rule("cloud/open-port", "groups", public_ingress, "the internet comes through CloudFront and nowhere else"),
    Rule("cloud/routes", "tables", _routes, "tiers are apart: the databases talk to nobody outside"),
    Rule("cloud/boundary", "roles", _boundary, "a role outside the boundary can give itself every right"),
    Rule("cloud/users-mfa", "users", unless("Mfa", says="has a password and no MFA"), "a password alone gets stolen"),
    Rule("cloud/user-rights", "users", _rights, "a user's rights ask for no MFA: people take roles"),
    Rule("cloud/user-keys", "users", _keys, "a key lies in files for years: pipelines and people get one for an hour"),
    Rule("cloud/trail", "trails", _multi_region, "every action is recorded, wherever it was done"),
    Rule("cloud/password-policy", "accounts", _password, "people choose what is short"),
    Rule("cloud/trail-there", "accounts", unless("Trails", says="no trail records it"), "every action is recorded"),
)


def judge(snapshot: Snapshot, rules: Sequence[Rule] = RULES) -> Iterator[Finding]:
    """Iterate over what is wrong with what is there."""
    for rule in rules:
        for body in snapshot.get(rule.kind, ()):
            fault = rule.fault(body)
            if fault:
                what = f"{body['id']} ({body['region']}): {fault}"
                mend = "change terraform/ and build again, or take away what was made by hand"
                yield Finding(rule=rule.id, what=what, why=rule.why, mend=mend)
