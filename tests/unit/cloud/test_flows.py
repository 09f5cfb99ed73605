"""The flow matrix against what decides in a network: groups made by boto3, outside Terraform, and by hand."""

from typing import Any

import pytest

from onair.adapters.cloud.place import Place
from onair.adapters.cloud.read_back import EACH
from onair.core.cloud import flows
from onair.core.cloud.acls import passing
from onair.core.cloud.flows import Allowed, Network

REGION = "us-west-2"
LINE = Allowed("was", "db", 5432)


def group(tier: str, into: list[tuple[str, int]] = [], out: list[tuple[str, int]] = []) -> dict[str, Any]:  # noqa: B006
    def rules(ways: list[tuple[str, int]]) -> list[dict[str, Any]]:
        return [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": f"sg-{peer}"}]}
            for peer, port in ways
        ]

    return {"GroupId": f"sg-{tier}", "Tier": tier, "IpPermissions": rules(into), "IpPermissionsEgress": rules(out)}


GOOD = [group("db", [("was", 5432)]), group("was", out=[("db", 5432)]), group("web")]


def told(matrix: set[Allowed], network: Network) -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("cloud/"), each.what) for each in flows.compare("here", matrix, network)]


def test_what_is_open_as_the_matrix_says_is_well() -> None:
    assert told({LINE}, Network(GOOD)) == []


def test_a_way_that_the_matrix_does_not_know_is_found() -> None:
    spoilt = [group("db", [("was", 5432), ("web", 5432)]), *GOOD[1:]]
    what = "here: web may talk to db on port 5432: a security group lets it in"
    assert told({LINE}, Network(spoilt)) == [("flow-open", what)]


def test_a_way_out_that_the_matrix_does_not_know_is_found() -> None:
    everywhere = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    spoilt = [*GOOD[:2], {**group("web"), "IpPermissionsEgress": [everywhere]}]
    what = "here: web may talk to internet on port any: a security group lets it out"
    assert told({LINE}, Network(spoilt)) == [("flow-open", what)]


def test_a_range_of_ports_is_not_taken_for_its_first() -> None:
    wide = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 9999, "UserIdGroupPairs": [{"GroupId": "sg-was"}]}
    spoilt = [{**group("db"), "IpPermissions": [wide]}, *GOOD[1:]]
    assert ("flow-open", "here: was may talk to db on port any: a security group lets it in") in told(
        {LINE}, Network(spoilt)
    )


@pytest.mark.parametrize(
    ("groups", "fault"),
    [
        ([group("db"), *GOOD[1:]], "no security group lets it in"),
        ([GOOD[0], group("was"), group("web")], "no security group lets it out"),
    ],
)
def test_a_line_that_a_group_shuts_is_found(groups: list[dict[str, Any]], fault: str) -> None:
    what = f"here: was may talk to db on port 5432 by the matrix, but {fault}"
    assert told({LINE}, Network(groups)) == [("flow-shut", what)]


def test_an_address_in_a_rule_is_a_way_of_its_own() -> None:
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    ((_, what),) = told(set(), Network([{"GroupId": "sg-db", "Tier": "db", "IpPermissions": [rule]}]))
    assert what == "here: 192.0.2.0/24 may talk to db on port any: a security group lets it in"


def test_the_internet_is_no_way_without_a_route() -> None:
    out = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    groups = [{**group("was"), "IpPermissionsEgress": [out]}]
    through = {"id": "a", "Tier": "private", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}]}
    nowhere = {"id": "b", "Tier": "private", "Routes": []}
    line = {Allowed("was", "internet", 443)}
    assert told(line, Network(groups, [through])) == []
    what = "here: was may talk to internet on port 443 by the matrix, but b has no route to it"
    assert told(line, Network(groups, [through, nowhere])) == [("flow-shut", what)]


def acl(tier: str, cidr: str, *rules: tuple[bool, str, int, int]) -> dict[str, Any]:
    entries = [
        {
            "RuleNumber": 100 + number,
            "Egress": egress,
            "RuleAction": "allow",
            "Protocol": "6",
            "CidrBlock": peer,
            "PortRange": {"From": first, "To": last},
        }
        for number, (egress, peer, first, last) in enumerate(rules)
    ]
    entries.append(
        {"RuleNumber": 32767, "Egress": False, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"}
    )
    return {"Entries": entries, "Subnets": [{"Tier": tier, "CidrBlock": cidr}]}


ALL = (0, 65535)
DB = acl("db", "10.0.4.0/24", (False, "10.0.3.0/24", 5432, 5432), (True, "10.0.3.0/24", 1024, 65535))
WAS = acl("was", "10.0.3.0/24", (True, "10.0.0.0/16", *ALL), (False, "10.0.0.0/16", *ALL))
WEB = acl("web", "10.0.2.0/24", (True, "10.0.0.0/16", *ALL), (False, "10.0.0.0/16", *ALL))


def test_acls_let_pass_what_they_name_and_nothing_else() -> None:
    assert passing([DB, WAS, WEB], "was", "db", 5432)
    assert not passing([DB, WAS, WEB], "was", "db", 6379)
    assert not passing([DB, WAS, WEB], "web", "db", 5432)
    assert told({LINE}, Network(GOOD, acls=[DB, WAS, WEB])) == []


def test_an_acl_that_lets_no_answer_back_stops_the_way() -> None:
    deaf = acl("db", "10.0.4.0/24", (False, "10.0.3.0/24", 5432, 5432))
    what = "here: was may talk to db on port 5432 by the matrix, but a network ACL stops it"
    assert told({LINE}, Network(GOOD, acls=[deaf, WAS, WEB])) == [("flow-shut", what)]


def test_acls_that_let_the_web_tier_reach_the_databases_are_found() -> None:
    wide = acl("db", "10.0.4.0/24", (False, "10.0.0.0/16", *ALL), (True, "10.0.0.0/16", *ALL))
    what = "here: web may talk to db on port 5432: the network ACLs let it pass"
    assert told({LINE}, Network(GOOD, acls=[wide, WAS, WEB])) == [("flow-open", what)]


def test_what_somebody_opened_by_hand_is_read_back_and_found(place: Place) -> None:
    ec2 = place.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.4.0/24")["Subnet"]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "tier", "Value": "db"}])
    ids = {}
    for tier in ("web", "db"):
        named = [{"ResourceType": "security-group", "Tags": [{"Key": "tier", "Value": tier}]}]
        made = ec2.create_security_group(GroupName=tier, Description=tier, VpcId=vpc, TagSpecifications=named)
        ids[tier] = made["GroupId"]
    pair = [{"GroupId": ids["web"]}]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": pair}
    ec2.authorize_security_group_ingress(GroupId=ids["db"], IpPermissions=[rule])
    network = Network(*(list(EACH[kind](place, REGION)) for kind in ("groups", "tables", "acls")))
    assert [each["Tier"] for acl in network.acls for each in acl["Subnets"]] == ["db"]
    assert ("flow-open", "here: web may talk to db on port 5432: a security group lets it in") in told(set(), network)
