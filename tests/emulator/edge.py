"""CloudFront's policies and distributions, and Global Accelerator: documents kept whole."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.echo import Object, as_list, as_map, given, keep, now, short, tags
from emulator.front import ACCOUNT, TAGS, Answer, Call, Refused, operation

# --- Global Accelerator
GA = "globalaccelerator"


def _accelerator(call: Call) -> tuple[str, Object]:
    arn = f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/{uuid.uuid4()}"
    TAGS[arn] = as_map(call.params.get("Tags"))
    addresses = {"IpFamily": "IPv4", "IpAddressFamily": "IPv4", "IpAddresses": ["192.0.2.1", "198.51.100.1"]}
    made = {"Status": "DEPLOYED", "CreatedTime": now(), "LastModifiedTime": now(), "IpSets": [addresses]}
    made |= {"Enabled": True, "IpAddressType": "IPV4", "DnsName": f"a{short(16)}.awsglobalaccelerator.com"}
    return arn, {**made, **given(call.params), "AcceleratorArn": arn}


def _listener(call: Call) -> tuple[str, Object]:
    arn = f"{call.params['AcceleratorArn']}/listener/{short(8)}"
    return arn, {"ClientAffinity": "NONE", **given(call.params), "ListenerArn": arn}


def _endpoint_group(call: Call) -> tuple[str, Object]:
    arn = f"{call.params['ListenerArn']}/endpoint-group/{short()}"
    made: Object = {"HealthCheckIntervalSeconds": 30, "ThresholdCount": 3, "TrafficDialPercentage": 100.0}
    made |= {"HealthCheckPort": 443, "HealthCheckProtocol": "TCP", **given(call.params), "EndpointGroupArn": arn}
    _endpoints(made, made)
    return arn, made


def _endpoints(held: Object, params: Mapping[str, Any]) -> None:
    held.update(given(params))
    held["EndpointDescriptions"] = [
        {**each, "HealthState": "HEALTHY"} for each in held.pop("EndpointConfigurations", None) or []
    ]


for _noun, _make, _update in (
    ("Accelerator", _accelerator, None),
    ("Listener", _listener, None),
    ("EndpointGroup", _endpoint_group, _endpoints),
):
    keep(
        GA,
        _noun,
        names=(f"Create{_noun}", f"Describe{_noun}", f"Update{_noun}", f"Delete{_noun}"),
        key=lambda params, noun=_noun: params[f"{noun}Arn"],  # type: ignore[misc]
        make=_make,
        out=_noun,
        missing=f"{_noun}NotFoundException",
        everywhere=True,
        **({"update": _update} if _update else {}),  # type: ignore[arg-type]
    )
tags(GA)


@operation(GA, "ListAccelerators")
def list_accelerators(call: Call) -> Answer:
    return {"Accelerators": list(call.store("Accelerator", everywhere=True).values())}


@operation(GA, "ListCrossAccountResources")
def list_cross_account(call: Call) -> Answer:
    return {"CrossAccountResources": []}


@operation(GA, "DescribeAcceleratorAttributes", "UpdateAcceleratorAttributes")
def accelerator_attributes(call: Call) -> Answer:
    held = call.store("attributes", everywhere=True).setdefault(
        call.params["AcceleratorArn"], {"FlowLogsEnabled": False}
    )
    held.update({key: value for key, value in given(call.params).items() if key.startswith("FlowLogs")})
    return {"AcceleratorAttributes": held}


# --- CloudFront
def _etag(held: object) -> str:
    return "E" + hashlib.sha256(repr(held).encode()).hexdigest()[:12].upper()


def _policy(noun: str) -> None:
    config = f"{noun}Config"

    def find(call: Call) -> Object:
        held = call.store(noun, everywhere=True).get(call.params["Id"])
        if held is None:
            raise Refused(f"NoSuch{noun}", call.params["Id"], 404)
        return held

    @operation("cloudfront", f"Create{noun}")
    def create(call: Call) -> Answer:
        held = {"Id": str(uuid.uuid4()), config: call.params[config], "LastModifiedTime": now()}
        call.store(noun, everywhere=True)[held["Id"]] = held
        return {noun: held, "ETag": _etag(held), "Location": f"/{held['Id']}"}

    @operation("cloudfront", f"Get{noun}")
    def get(call: Call) -> Answer:
        return {noun: find(call), "ETag": _etag(find(call))}

    @operation("cloudfront", f"Update{noun}")
    def update(call: Call) -> Answer:
        find(call)[config] = call.params[config]
        return {noun: find(call), "ETag": _etag(find(call))}

    @operation("cloudfront", f"Delete{noun}")
    def delete(call: Call) -> Answer:
        del call.store(noun, everywhere=True)[find(call)["Id"]]
        return {}


for _each in ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy"):
    _policy(_each)


def _distribution(call: Call) -> Object:
    held = call.store("distribution", everywhere=True).get(call.params["Id"])
    if held is None:
        raise Refused("NoSuchDistribution", "The specified distribution does not exist.", 404)
    return held


def _whole(config: Object) -> Object:
    return {**config, "OriginGroups": config.get("OriginGroups") or {"Quantity": 0}}


def _told(held: Object) -> Answer:
    return {"Distribution": held, "ETag": _etag(held["DistributionConfig"])}


@operation("cloudfront", "CreateDistributionWithTags", "CreateDistribution")
def create_distribution(call: Call) -> Answer:
    given_ = call.params.get("DistributionConfigWithTags") or call.params
    identity = f"E{short(13).upper()}"
    arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{identity}"
    TAGS[arn] = as_map((given_.get("Tags") or {}).get("Items"))
    nobody = {"Enabled": False, "Quantity": 0}
    held = {
        "Id": identity,
        "ARN": arn,
        "Status": "Deployed",
        "LastModifiedTime": now(),
        "InProgressInvalidationBatches": 0,
        "DomainName": f"d{short()}.cloudfront.net",
        "DistributionConfig": _whole(given_["DistributionConfig"]),
        "ActiveTrustedSigners": nobody,
        "ActiveTrustedKeyGroups": nobody,
    }
    call.store("distribution", everywhere=True)[identity] = held
    return {"Distribution": held, "ETag": _etag(held["DistributionConfig"]), "Location": f"/{identity}"}


@operation("cloudfront", "GetDistribution")
def get_distribution(call: Call) -> Answer:
    return _told(_distribution(call))


@operation("cloudfront", "GetDistributionConfig")
def get_distribution_config(call: Call) -> Answer:
    config = _distribution(call)["DistributionConfig"]
    return {"DistributionConfig": config, "ETag": _etag(config)}


@operation("cloudfront", "UpdateDistribution")
def update_distribution(call: Call) -> Answer:
    held = _distribution(call)
    held["DistributionConfig"] = _whole(call.params["DistributionConfig"])
    return _told(held)


@operation("cloudfront", "DeleteDistribution")
def delete_distribution(call: Call) -> Answer:
    del call.store("distribution", everywhere=True)[_distribution(call)["Id"]]
    return {}


@operation("cloudfront", "ListDistributions")
def list_distributions(call: Call) -> Answer:
    keys = ("Id", "ARN", "Status", "LastModifiedTime", "DomainName")
    held = call.store("distribution", everywhere=True).values()
    items = [{**each["DistributionConfig"], **{key: each[key] for key in keys}} for each in held]
    return {
        "DistributionList": {
            "Marker": "",
            "MaxItems": 100,
            "IsTruncated": False,
            "Quantity": len(items),
            "Items": items,
        }
    }


@operation("cloudfront", "ListTagsForResource")
def list_distribution_tags(call: Call) -> Answer:
    return {"Tags": {"Items": as_list(TAGS.get(call.params["Resource"], {}))}}
