"""Keys: moto forgets which one a secret's replica lies under, and takes those of AWS's services for the account's."""

from __future__ import annotations

from moto.kms.models import Alias, KmsBackend
from moto.secretsmanager.models import FakeSecret, ReplicaSecret

_create_replicas = FakeSecret.create_replicas


def _under_their_keys(
    self: FakeSecret, replica_regions: list[dict[str, str]], force_overwrite: bool
) -> list[ReplicaSecret]:
    made = _create_replicas(self, replica_regions, force_overwrite)
    for replica, asked in zip(made, replica_regions, strict=True):
        if key := asked.get("KmsKeyId"):
            replica.config["KmsKeyId"] = key
    return made


FakeSecret.create_replicas = _under_their_keys

_create_alias = KmsBackend.create_alias


def _of_aws(self: KmsBackend, target_key_id: str, alias_name: str) -> Alias:
    made = _create_alias(self, target_key_id, alias_name)
    if alias_name.startswith("alias/aws/"):
        self.keys[self.get_key_id(target_key_id)].key_manager = "AWS"
    return made


KmsBackend.create_alias = _of_aws
