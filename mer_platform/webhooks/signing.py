"""Secrets and signatures as Standard Webhooks defines them (https://www.standardwebhooks.com, version 1).

A receiver checks them with one of its libraries, or with any HMAC. The database holds no secret: each is derived from the
key of the installation and a nonce of the webhook, so a copy of the database cannot sign.
"""

import base64
import hashlib
import hmac
import secrets

from django.utils.crypto import salted_hmac

PREFIX = "whsec_"


def new_nonce() -> str:
    return secrets.token_hex(16)


def secret_of(nonce: str) -> bytes:
    """Return the 32 bytes of the secret that belongs to a nonce."""
    return salted_hmac("mer_platform.webhooks.secret", nonce, algorithm="sha256").digest()


def shown(secret: bytes) -> str:
    """Return a secret as its receiver needs it: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secret).decode()


def digest_of(secret: bytes) -> str:
    """Return by what a secret is recognised that is derived again, under another key of the installation perhaps."""
    return hashlib.sha256(b"mer webhook " + secret).hexdigest()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,`` and the base64 of HMAC-SHA256 over id, timestamp (Unix seconds) and body, joined by full stops."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def headers(secrets_: list[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message. With several secrets, a receiver accepts the signature of any."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, message_id, timestamp, body) for one in secrets_),
    }
