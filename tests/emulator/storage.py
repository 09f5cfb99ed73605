"""S3: moto takes a policy's Deny for one without conditions, so a bucket that asks for TLS would answer nobody."""

from __future__ import annotations

from moto.s3.models import FakeBucket


def _neutral(self: FakeBucket, action: str, resource: str) -> object:
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415

    return PermissionResult.NEUTRAL


FakeBucket.get_permission = _neutral
