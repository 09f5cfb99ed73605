"""Keys and certificates of the local platform, made once and kept below the state folder."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onair.core.audit_policy import encryption
from onair.core.pki import CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA, Certificate

VALID = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)


def ensure_region(folder: Path, certificates: list[Certificate]) -> None:
    """Make the three authorities and all ``certificates`` of a region that are missing or about to expire."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for authority in (CLUSTER_CA, FRONT_PROXY_CA, ETCD_CA):
        ensure_authority(folder, authority)
    for certificate in certificates:
        ensure(folder, certificate)
    signing = folder / "service-account.key"
    if not signing.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(signing, pem(key))
        _write(folder / "service-account.pub", _public(key), mode=0o644)
    at_rest = folder / "encryption.json"
    if not at_rest.exists():
        drawn = base64.b64encode(os.urandom(32)).decode()
        _write(at_rest, json.dumps(encryption(drawn)).encode())


def ensure_authority(folder: Path, name: str) -> None:
    """Make the authority ``name`` (``name.crt``, ``name.key``) unless it stands."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _valid(folder / f"{name}.crt") and (folder / f"{name}.key").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"onair {folder.parent.name} {name}")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    _write(folder / f"{name}.key", pem(key))
    _write(
        folder / f"{name}.crt",
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        0o644,
    )


def ensure(folder: Path, certificate: Certificate) -> None:
    """Make one certificate unless a valid one with the same names, signed by the present authority, stands."""
    target, authority = folder / f"{certificate.file}.crt", folder / f"{certificate.authority}.crt"
    if _valid(target) and _fits(target, certificate) and target.stat().st_mtime >= authority.stat().st_mtime:
        return
    issuer, signer = authority_of(folder, certificate.authority)
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, certificate.common_name)]
    if certificate.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, certificate.organization))
    builder = _builder(x509.Name(attributes), issuer.subject, key)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if certificate.names else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if certificate.names:
        names = x509.SubjectAlternativeName([_general_name(name) for name in certificate.names])
        builder = builder.add_extension(names, critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(identifier, critical=False)
    _write(folder / f"{certificate.file}.key", pem(key))
    _write(target, builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), 0o644)


def authority_of(folder: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the certificate and the key of the authority ``name``.

    Raises
    ------
    OSError
        It was never made, or is not yours to read.
    """
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        message = f"{folder}/{name}.key is not an elliptic-curve key"
        raise TypeError(message)
    return certificate, key


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _valid(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:  # cut short by an interrupted run
        return False
    return certificate.not_valid_after_utc - RENEW_BEFORE > dt.datetime.now(dt.UTC)


def _fits(path: Path, wanted: Certificate) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return not wanted.names
    return set(found) == {_general_name(name) for name in wanted.names}


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Return a private key as PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
    temporary.replace(path)
