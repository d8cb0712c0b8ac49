"""Certificates of an authority that is made up and forgotten: for servers on the loopback address and one client."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

VALID = dt.timedelta(days=2)
_NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. `server_file` holds key and certificate together, as a keystore of Kafka does."""

    ca_file: Path
    server_certificate_file: Path
    server_key_file: Path
    server_file: Path
    client_certificate_file: Path
    client_key_file: Path


def make_certificates(folder: Path) -> Certificates:
    """A new authority and the certificates it signed, in a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key = generate_private_key(SECP256R1())
    ca = _authority(ca_key)
    made = Certificates(
        ca_file=folder / "ca.pem",
        server_certificate_file=folder / "server-certificate.pem",
        server_key_file=folder / "server-key.pem",
        server_file=folder / "server.pem",
        client_certificate_file=folder / "client-certificate.pem",
        client_key_file=folder / "client-key.pem",
    )
    made.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    server_key, server = _signed("vigil-test-server", ExtendedKeyUsageOID.SERVER_AUTH, ca, ca_key)
    client_key, client = _signed("vigil-test-client", ExtendedKeyUsageOID.CLIENT_AUTH, ca, ca_key)
    made.server_certificate_file.write_bytes(server)
    made.client_certificate_file.write_bytes(client)
    for file, content in (
        (made.server_key_file, server_key),
        (made.server_file, server_key + server),
        (made.client_key_file, client_key),
    ):
        file.touch(mode=0o600)
        file.write_bytes(content)
    return made


def _authority(key: EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("vigil-test-authority")
    usage = _usage(signs_certificates=True)
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _signed(
    name: str, purpose: ObjectIdentifier, ca: x509.Certificate, ca_key: EllipticCurvePrivateKey
) -> tuple[bytes, bytes]:
    """Key and certificate in PEM."""
    key = generate_private_key(SECP256R1())
    certificate = (
        _builder(_name(name), ca.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
