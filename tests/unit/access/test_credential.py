"""An hour's credential says who and in which groups, and nobody gets one without being entitled."""

import base64
import datetime as dt
import json
from pathlib import Path

from access_world import PEOPLE, TODAY
from cryptography import x509
from cryptography.x509.oid import NameOID
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.access.credential import VALID, entitled, exec_credential, reached
from onair.adapters.local import pki
from onair.core.access.kubeconfig import kubeconfig
from onair.core.access.people import People
from onair.core.pki import CLUSTER_CA

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
SPEC = People.model_validate(PEOPLE).spec


def test_a_certificate_names_person_and_groups_for_an_hour(tmp_path: Path) -> None:
    pki.ensure_authority(tmp_path, CLUSTER_CA)
    found = exec_credential(tmp_path, "sam", ["operator", "auditor"], NOW)["status"]
    made = x509.load_pem_x509_certificate(found["clientCertificateData"].encode())
    authority = x509.load_pem_x509_certificate((tmp_path / f"{CLUSTER_CA}.crt").read_bytes())
    made.verify_directly_issued_by(authority)
    assert [each.value for each in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["sam"]
    organizations = [each.value for each in made.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert organizations == ["operator", "auditor"]
    assert made.not_valid_after_utc == NOW + VALID
    assert found["expirationTimestamp"] == "2026-11-29T13:00:00Z"
    assert "PRIVATE KEY" in found["clientKeyData"]


def test_nobody_unknown_and_nobody_who_left(tmp_path: Path) -> None:
    (unknown,) = findings_of(lambda: entitled(SPEC, "eve", TODAY))
    assert "'eve'" in unknown.what
    (left,) = findings_of(lambda: entitled(SPEC, "sam", dt.date(2028, 1, 1)))
    assert "last day" in left.what


def test_a_region_that_was_never_started_is_told(tmp_path: Path) -> None:
    (finding,) = findings_of(lambda: exec_credential(tmp_path, "sam", ["operator"], NOW))
    assert "ca.crt" in finding.what
    assert "make up" in finding.mend


def test_a_kubeconfig_leads_through_the_bastion_and_holds_no_secret(root: Path, tmp_path: Path) -> None:
    pki.ensure_authority(tmp_path, CLUSTER_CA)
    server, authority = reached(facts_file.read(root).cluster("local-kr"), tmp_path)
    command = ["onair", "access", "credential", "local-kr", "sam"]
    text = kubeconfig("local-kr", server, authority, command, "socks5://127.0.0.1:9")
    found = json.loads(text)
    cluster = found["clusters"][0]["cluster"]
    assert (cluster["server"], cluster["proxy-url"]) == ("https://10.61.0.10:6443", "socks5://127.0.0.1:9")
    assert base64.b64decode(cluster["certificate-authority-data"]) == authority
    assert b"PRIVATE" not in authority
    assert found["users"] == [{"name": "person", "user": {"exec": found["users"][0]["user"]["exec"]}}], (
        "a command, no key"
    )
    plugin = found["users"][0]["user"]["exec"]
    assert [plugin["command"], *plugin["args"]] == command


def test_a_cluster_of_the_clouds_has_aws_write_its_kubeconfig(root: Path, tmp_path: Path) -> None:
    (finding,) = findings_of(lambda: reached(facts_file.read(root).cluster("prod-kr"), tmp_path))
    assert "aws eks update-kubeconfig --region ap-northeast-2" in finding.mend


def test_a_kubeconfig_of_a_region_that_was_never_started_is_told(root: Path, tmp_path: Path) -> None:
    (finding,) = findings_of(lambda: reached(facts_file.read(root).cluster("local-kr"), tmp_path))
    assert finding.mend == "make up"
