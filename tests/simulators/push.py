"""A browser with its push service: subscribes, checks who sends (VAPID) and reads what only it can read (RFC 8291)."""

from __future__ import annotations

import os
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.adapters.webpush import b64, point, unb64
from tests.simulators.http import Receiver, Reply, Request


class Browser:
    """One browser; ``server_key`` is the applicationServerKey it subscribed with."""

    def __init__(self, server_key: str) -> None:
        self.server_key = server_key
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.messages: list[dict[str, Any]] = []
        self.service = Receiver(self._take)

    def subscription(self) -> dict[str, str]:
        return {"url": self.service.url("/push/1"), "p256dh": b64(point(self.key.public_key())), "auth": b64(self.auth)}

    def _take(self, request: Request) -> Reply:
        scheme, _, rest = request.headers["authorization"].partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(","))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(given["k"]))
        if scheme != "vapid" or given["k"] != self.server_key:
            return Reply(status=403)
        # Whose clock is right is not the point here.
        jwt.decode(given["t"], key, algorithms=["ES256"], audience=self.service.url("").rstrip("/"), options={"verify_exp": False})
        assert request.headers["content-encoding"] == "aes128gcm"
        assert int(request.headers["ttl"]) > 0
        self.messages.append(orjson.loads(self.read(request.body)))
        return Reply(status=201, headers={"location": self.service.url(f"/m/{len(self.messages)}")})

    def read(self, body: bytes) -> bytes:
        """Decrypt a message."""
        salt, size = body[:16], body[20]
        sender, sealed = body[21 : 21 + size], body[21 + size :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        ikm = _hkdf(shared, self.auth, b"WebPush: info\0" + point(self.key.public_key()) + sender, 32)
        key, nonce = _hkdf(ikm, salt, b"Content-Encoding: aes128gcm\0", 16), _hkdf(ikm, salt, b"Content-Encoding: nonce\0", 12)
        clear = AESGCM(key).decrypt(nonce, sealed, None)
        assert clear.endswith(b"\x02")
        return clear[:-1]


def _hkdf(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(key)
