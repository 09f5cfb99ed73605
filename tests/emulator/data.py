"""RDS's global databases and instances, ElastiCache's groups, and Amazon IVS."""

from __future__ import annotations

import secrets
import string
from typing import Any

import moto.rds.models as rds
from moto.core.responses import ActionResult
from moto.elasticache.models import ElastiCacheBackend, ReplicationGroup, elasticache_backends
from moto.rds.responses import RDSResponse

from emulator.echo import Object, as_list, as_map, given, keep, short, tags
from emulator.front import ACCOUNT, TAGS, Answer, Call, Refused, operation

# --- RDS
_make_instance = rds.DBInstance.__init__


def _instance(self: rds.DBInstance, *arguments: Any, **named: Any) -> None:
    _make_instance(self, *arguments, **named)
    letters = string.ascii_uppercase + string.digits
    self.dbi_resource_id = "db-" + "".join(secrets.choice(letters) for _ in range(26))
    self.performance_insights_enabled = bool(named.get("enable_performance_insights"))
    self.performance_insights_kms_key_id = named.get("performance_insights_kms_key_id")
    if self.performance_insights_enabled:
        self.performance_insights_retention_period = named.get("performance_insights_retention_period") or 7


rds.DBInstance.__init__ = _instance
_scaling = rds.DBCluster.scaling_configuration_info.fget
rds.DBCluster.scaling_configuration_info = property(
    lambda cluster: _scaling(cluster) if cluster.scaling_configuration else None
)
rds.DBCluster.enable_http_endpoint = property(
    lambda cluster: cluster.data_api, lambda cluster, wanted: setattr(cluster, "data_api", bool(wanted))
)
"""The Data API, which moto knows of old versions alone."""
rds.DBCluster.http_endpoint_enabled = property(lambda cluster: cluster.data_api)
_make_global = rds.GlobalCluster.__init__


def _global(self: rds.GlobalCluster, *arguments: Any, **named: Any) -> None:
    _make_global(self, *arguments, **named)
    self.database_name = None
    self.tags = getattr(self, "tags", [])


rds.GlobalCluster.__init__ = _global
_remove_member = rds.RDSBackend.remove_from_global_cluster


def _remove(self: rds.RDSBackend, global_cluster_identifier: str, db_cluster_identifier: str) -> object:
    """Take a member out of a global database, whichever region it is in."""
    name = db_cluster_identifier.rpartition(":")[2]
    left = None
    for backend in rds.rds_backends[self.account_id].values():
        for each in backend.global_clusters.values():
            for member in list(each.members):
                if member.db_cluster_identifier == name:
                    each.members.remove(member)
                    left = each
    return left or _remove_member(self, global_cluster_identifier, db_cluster_identifier)


rds.RDSBackend.remove_from_global_cluster = _remove


_describe = rds.RDSBackend.describe_db_clusters


def _described(self: rds.RDSBackend, db_cluster_identifier: str | None = None, *rest: Any, **named: Any) -> object:
    """Find a cluster by its ARN too, wherever it is."""
    if db_cluster_identifier and db_cluster_identifier.startswith("arn:"):
        region, name = db_cluster_identifier.split(":")[3], db_cluster_identifier.rpartition(":")[2]
        return _describe(rds.rds_backends[self.account_id][region], name, *rest, **named)
    return _describe(self, db_cluster_identifier, *rest, **named)


rds.RDSBackend.describe_db_clusters = _described


@operation("rds", "CreateGlobalCluster")
def create_global(call: Call) -> Answer:
    answer = call.moto()
    for backend in rds.rds_backends[ACCOUNT].values():
        made = backend.global_clusters.get(call.params["GlobalClusterIdentifier"])
        if made is not None:
            made.database_name = call.params.get("DatabaseName")
            made.tags = call.params.get("Tags") or []
    return answer


def _globals(self: RDSResponse) -> ActionResult:
    """Tell of the one that is asked for; moto tells of all, and whoever looks for one among several finds none."""
    wanted = self.params.get("GlobalClusterIdentifier")
    held = self.global_backend.describe_global_clusters()
    return ActionResult({"GlobalClusters": [each for each in held if wanted in (None, each.global_cluster_identifier)]})


RDSResponse.describe_global_clusters = _globals


@operation("rds", "DescribeGlobalClusters")
def describe_globals(call: Call) -> Answer:
    wanted = call.params.get("GlobalClusterIdentifier")
    known = {name for backend in rds.rds_backends[ACCOUNT].values() for name in backend.global_clusters}
    if wanted and wanted not in known:
        raise Refused("GlobalClusterNotFoundFault", f"Global cluster {wanted} not found", 404)
    return None


# --- ElastiCache
_make_group = ReplicationGroup.__init__


def _group(self: ReplicationGroup, *arguments: Any, **named: Any) -> None:
    _make_group(self, *arguments, **named)
    members = named.get("num_cache_clusters") or 1
    if not named.get("num_node_groups") and members > 1:
        self.member_clusters = [f"{self.replication_group_id}-{number:03d}" for number in range(1, members + 1)]


ReplicationGroup.__init__ = _group
_delete_group = ElastiCacheBackend.delete_replication_group


def _without_group(self: ElastiCacheBackend, replication_group_id: str, *rest: Any, **named: Any) -> object:
    gone: object = _delete_group(self, replication_group_id, *rest, **named)
    self.replication_groups.pop(replication_group_id, None)
    return gone


ElastiCacheBackend.delete_replication_group = _without_group


@operation("elasticache", "CreateReplicationGroup")
def create_group(call: Call) -> Answer:
    call.store("group")[call.params["ReplicationGroupId"]] = given(call.params)
    return None


@operation("elasticache", "DescribeCacheClusters")
def describe_nodes(call: Call) -> Answer:
    wanted = call.params.get("CacheClusterId")
    for group in elasticache_backends[ACCOUNT][call.region].replication_groups.values():
        if wanted in group.member_clusters:
            return {"CacheClusters": [_node(call, wanted, call.store("group").get(group.replication_group_id, {}))]}
    return None


def _node(call: Call, name: str, given_: Object) -> Object:
    version = str(given_.get("EngineVersion") or "7.1")
    engine = given_.get("Engine") or "redis"
    return {
        "CacheClusterId": name,
        "ReplicationGroupId": given_.get("ReplicationGroupId"),
        "CacheNodeType": given_.get("CacheNodeType"),
        "Engine": engine,
        "EngineVersion": version if version.count(".") > 1 else f"{version}.0",
        "CacheClusterStatus": "available",
        "NumCacheNodes": 1,
        "CacheSubnetGroupName": given_.get("CacheSubnetGroupName"),
        "CacheParameterGroup": {
            "CacheParameterGroupName": given_.get("CacheParameterGroupName") or f"default.{engine}{version[0]}"
        },
        "SecurityGroups": [
            {"SecurityGroupId": each, "Status": "active"} for each in given_.get("SecurityGroupIds") or []
        ],
        "PreferredMaintenanceWindow": given_.get("PreferredMaintenanceWindow") or "sun:05:00-sun:06:00",
        "SnapshotRetentionLimit": given_.get("SnapshotRetentionLimit") or 0,
        "AutoMinorVersionUpgrade": True,
        "TransitEncryptionEnabled": bool(given_.get("TransitEncryptionEnabled")),
        "AtRestEncryptionEnabled": bool(given_.get("AtRestEncryptionEnabled")),
        "ARN": call.arn(f"cluster:{name}"),
    }


@operation("elasticache", "ListTagsForResource")
def list_cache_tags(call: Call) -> Answer:
    held = TAGS.get(call.params["ResourceName"])
    return None if held is None else {"TagList": as_list(held)}


@operation("elasticache", "DeleteCacheSubnetGroup")
def delete_subnet_group(call: Call) -> Answer:
    elasticache_backends[ACCOUNT][call.region].cache_subnet_groups.pop(call.params["CacheSubnetGroupName"], None)
    return {}


# --- Amazon IVS
def _recording(call: Call) -> tuple[str, Object]:
    arn = call.arn(f"recording-configuration/{short()}")
    TAGS[arn] = as_map(call.params.get("tags"))
    made: Object = {"state": "ACTIVE", "recordingReconnectWindowSeconds": 0}
    made["thumbnailConfiguration"] = {"recordingMode": "INTERVAL", "targetIntervalSeconds": 60}
    return arn, {**made, **given(call.params), "arn": arn}


keep(
    "ivs",
    "recording",
    names=("CreateRecordingConfiguration", "GetRecordingConfiguration", None, "DeleteRecordingConfiguration"),
    key=lambda params: params["arn"],
    make=_recording,
    out="recordingConfiguration",
)


def _channel(call: Call) -> tuple[str, Object]:
    name = short()
    arn = call.arn(f"channel/{name}")
    TAGS[arn] = as_map(call.params.get("tags"))
    host = f"https://{name}.{call.region}.playback.live-video.net"
    made = {
        "authorized": False,
        "insecureIngest": False,
        "latencyMode": "LOW",
        "type": "STANDARD",
        "recordingConfigurationArn": "",
        "ingestEndpoint": f"{name}.global-contribute.live-video.net",
        "playbackUrl": f"{host}/api/video/v1/{call.region}.{ACCOUNT}.channel.{name}.m3u8",
        "preset": "",
        "playbackRestrictionPolicyArn": "",
    }
    return arn, {**made, **given(call.params), "arn": arn, "tags": TAGS[arn]}


keep(
    "ivs",
    "channel",
    names=("CreateChannel", "GetChannel", "UpdateChannel", "DeleteChannel"),
    key=lambda params: params["arn"],
    make=_channel,
    out="channel",
)


@operation("ivs", "CreateChannel")
def create_channel(call: Call) -> Answer:
    arn, held = _channel(call)
    call.store("channel")[arn] = held
    key = call.arn(f"stream-key/{short()}")
    stream = {"arn": key, "channelArn": arn, "value": f"sk_{call.region}_{short(24)}", "tags": held["tags"]}
    call.store("stream key")[key] = stream
    return {"channel": held, "streamKey": stream}


@operation("ivs", "ListStreamKeys")
def list_stream_keys(call: Call) -> Answer:
    held = call.store("stream key").values()
    return {"streamKeys": [each for each in held if each["channelArn"] == call.params["channelArn"]]}


@operation("ivs", "ListChannels")
def list_channels(call: Call) -> Answer:
    return {"channels": list(call.store("channel").values())}


tags("ivs", out="tags", mapped=True)
