"""An hour's credentials for a local region, as ``aws eks get-token`` gives them in the clouds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onair.adapters.local import pki
from onair.core.access.people import PeopleSpec, Person
from onair.core.control_plane import api_server
from onair.core.facts import Cluster, Environment
from onair.core.finding import Finding, OnairError
from onair.core.pki import CLUSTER_CA

VALID = dt.timedelta(hours=1)
_SKEW = dt.timedelta(minutes=1)


def entitled(people: PeopleSpec, name: str, today: dt.date) -> Person:
    """Return the person of that name.

    Raises
    ------
    OnairError
        There is none, or their last day is over.
    """
    person = next((each for each in people.people if each.name == name), None)
    if person is None:
        what, mend = f"there is no person {name!r}", "add them to the people's file"
    elif person.until < today:
        what, mend = f"{name}'s last day, {person.until}, is over", "set a new day in the people's file"
    else:
        return person
    raise OnairError(Finding(rule="access/credential", what=what, mend=mend))


def reached(cluster: Cluster, folder: Path) -> tuple[str, bytes]:
    """Return the address of a region's API server and its authority's certificate.

    Parameters
    ----------
    folder
        The region's keys.

    Raises
    ------
    OnairError
        It is a cluster of the clouds, whose kubeconfig AWS's own tool writes; or the region was never started here.
    """
    if cluster.spec.environment is not Environment.LOCAL:
        what = f"{cluster.name} is in the cloud, and its kubeconfig is AWS's to write"
        region = f"--region {cluster.spec.cloud_region}"
        mend = f"aws eks update-kubeconfig {region} --role-arn …; docs/architecture/access.md has it whole"
        raise OnairError(Finding(rule="access/kubeconfig", what=what, mend=mend))
    try:
        return api_server(cluster), (folder / f"{CLUSTER_CA}.crt").read_bytes()
    except OSError as error:
        what = f"{error.filename}: {error.strerror}"
        raise OnairError(Finding(rule="access/kubeconfig", what=what, mend="make up")) from error


def exec_credential(folder: Path, name: str, groups: list[str], now: dt.datetime) -> dict[str, Any]:
    """Return what kubectl asks an exec plugin for: a new key and its certificate, good for an hour.

    Parameters
    ----------
    folder
        The region's keys: who cannot read its authority's cannot give anybody a credential.

    Raises
    ------
    OnairError
        The region was never started here, or its keys are not yours to read.
    """
    try:
        authority, signer = pki.authority_of(folder, CLUSTER_CA)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}"
        raise OnairError(Finding(rule="access/credential", what=what, mend="make up, and run this as root")) from error
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*subject, x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + VALID)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "expirationTimestamp": f"{now + VALID:%Y-%m-%dT%H:%M:%SZ}",
            "clientCertificateData": certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "clientKeyData": pki.pem(key).decode(),
        },
    }
