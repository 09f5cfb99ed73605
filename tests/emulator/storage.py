"""S3: what moto takes for more than it is, and what it forgets.

It takes a policy's Deny for one without conditions, so a bucket that asks for TLS would answer nobody; of a replication
it tells back the destination alone.
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError
from moto.s3.models import FakeBucket, FakeDeleteMarker
from moto.s3.responses import S3Response


def _neutral(self: FakeBucket, action: str, resource: str) -> object:
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415

    return PermissionResult.NEUTRAL


FakeBucket.get_permission = _neutral


def _replication(self: S3Response) -> object:
    self.data["Action"] = "GetBucketReplication"
    held = self.backend.get_bucket_replication(self.bucket_name)
    if not held:
        raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
    rules = [
        {
            **rule,
            "Priority": int(rule["Priority"]),
            "Filter": {"Prefix": (rule.get("Filter") or {}).get("Prefix") or ""},
        }
        for rule in held["Rule"]
    ]
    configuration = {"Role": held["Role"], "Rules": rules}
    return self.serialized(ActionResult({"ReplicationConfiguration": configuration}))


S3Response.get_bucket_replication = _replication

# A marker holds nothing to let go of; moto asks it to, when a bucket with old versions is emptied.
FakeDeleteMarker.dispose = lambda self, garbage=False: None
