"""Web push: a message only the browser can read (RFC 8291, aes128gcm), from a server it knows by its key (VAPID, RFC 8292).

The key pair is made from the installation's secret, so that every process has it and nothing more has to be kept.
"""

from __future__ import annotations

import base64
import os
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.deliveries.letters import Letter
from domain.deliveries.sealing import key_of
from domain.deliveries.sending import Outcome
from runtime.adapters.http import GONE, Outgoing, by_status, post

CURVE: Final = ec.SECP256R1()
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RECORD: Final = 4096
MAX_CLEAR: Final = 3993
TTL_S: Final = 86_400
TOKEN_FOR: Final = timedelta(hours=12)


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send a letter to a browser."""
    url = letter.address["url"]
    clear = orjson.dumps({"id": str(letter.id), "title": letter.title, "body": letter.text[:1000], "url": letter.link})
    try:
        body = encrypt(clear, unb64(letter.address["p256dh"]), unb64(letter.address["auth"]))
    except ValueError:
        return Outcome("refused", "the browser's key is none", gone=True)
    headers = {
        "content-type": "application/octet-stream", "content-encoding": "aes128gcm", "ttl": str(TTL_S), "urgency": "high",
        "authorization": vapid(out.secret, url, contact=out.public_url, at=letter.sent_at),
    }  # fmt: skip
    answer = await post(out, url, body, headers)
    if isinstance(answer, Outcome):
        return answer
    found = by_status(answer)
    receipt = urlsplit(answer.headers.get("location", "")).path[-64:] if found.kind == "accepted" else ""
    return Outcome(found.kind, f"{found.detail} {receipt}".strip(), found.retry_after_s, gone=answer.status in GONE)


def encrypt(
    clear: bytes, browser_key: bytes, auth: bytes, *, salt: bytes | None = None, sender: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """Encrypt for one browser: header (salt, record size, our one-time public key) and one sealed record.

    Raises ValueError for a key that is no point of P-256. ``salt`` and ``sender`` are for checking against the RFC's example.
    """
    salt = salt or os.urandom(16)
    sender = sender or ec.generate_private_key(CURVE)
    ours = point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, browser_key))
    ikm = _derive(shared, auth, b"WebPush: info\x00" + browser_key + ours, 32)
    key, nonce = (_derive(ikm, salt, b"Content-Encoding: " + what, size) for what, size in ((b"aes128gcm\x00", 16), (b"nonce\x00", 12)))
    sealed = AESGCM(key).encrypt(nonce, clear[:MAX_CLEAR] + b"\x02", None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours + sealed


def vapid(secret: bytes, url: str, *, contact: str, at: datetime) -> str:
    """Give the header by which a push service knows who sends."""
    parts = urlsplit(url)
    contact = contact if contact.startswith("https://") else "mailto:operator@gridwarden.invalid"
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int((at + TOKEN_FOR).timestamp()), "sub": contact}
    token = jwt.encode(claims, key_pair(secret), algorithm="ES256")
    return f"vapid t={token}, k={public_key(secret)}"


def key_pair(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Make this installation's key pair."""
    return ec.derive_private_key(int.from_bytes(key_of(secret, b"vapid"), "big") % (ORDER - 1) + 1, CURVE)


def public_key(secret: bytes) -> str:
    """Give the key a browser subscribes with (applicationServerKey), base64url."""
    return b64(point(key_pair(secret).public_key()))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Write a public key as an uncompressed point: 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def b64(value: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Read base64url with or without padding; raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _derive(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(key)
