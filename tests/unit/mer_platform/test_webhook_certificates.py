"""Webhooks over TLS: which certificates of receivers are accepted, and what the log says about others."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mer_platform.webhooks.sending import post
from tests.receiver import LOOPBACK, receiving


@pytest.fixture
def certificate(tmp_path) -> Callable[[str], Path]:
    """Return a function that writes a self-signed certificate of an address, with its key."""

    def make(address: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Receiver of a test")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / f"{address}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(secret + made.public_bytes(Encoding.PEM))
        return path

    return make


def served(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_of_an_authority_that_the_administrator_adds_is_accepted(settings, certificate):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    path = certificate("127.0.0.1")
    settings.WEBHOOK_CA_FILE = str(path)
    with receiving(served(path)) as receiver:
        answer = post(receiver.url, b"{}", {})
        assert (answer.status, answer.error) == (204, "")
        assert len(receiver.received) == 1


def test_a_certificate_of_an_unknown_authority_is_refused(settings, certificate):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    settings.WEBHOOK_CA_FILE = ""
    with receiving(served(certificate("127.0.0.1"))) as receiver:
        answer = post(receiver.url, b"{}", {})
        assert answer.status is None
        assert answer.error == (
            "The certificate of the receiver cannot be verified: self-signed certificate. An administrator can add its "
            "authority (MER_WEBHOOK_CA_FILE)."
        )
        assert not receiver.received


def test_a_certificate_of_another_host_is_refused(settings, certificate):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    path = certificate("127.0.0.2")
    settings.WEBHOOK_CA_FILE = str(path)
    with receiving(served(path)) as receiver:
        answer = post(receiver.url, b"{}", {})
        assert "IP address mismatch" in answer.error
        assert not receiver.received


def test_a_file_of_authorities_that_cannot_be_read_is_named(settings, tmp_path):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    settings.WEBHOOK_CA_FILE = str(tmp_path / "nothing.pem")
    assert "nothing.pem" in post("https://127.0.0.1:44443/", b"{}", {}).error


def test_a_redirect_to_a_private_address_is_not_followed(settings, certificate):
    """The receiver that was checked points to one that may not be reached."""
    settings.WEBHOOK_ALLOW_PRIVATE = ["127.0.0.1/32"]
    path = certificate("127.0.0.1")
    settings.WEBHOOK_CA_FILE = str(path)
    with receiving() as inner, receiving(served(path)) as receiver:
        receiver.answers = [(308, {"Location": inner.url.replace("127.0.0.1", "127.0.0.2")}, b"")]
        answer = post(receiver.url, b"{}", {})
        assert answer.status == 308
        assert not inner.received
