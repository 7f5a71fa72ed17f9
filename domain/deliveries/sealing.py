"""Sealing: addresses and secrets are stored so that neither a dump nor a backup without the key gives them away.

AES-256-GCM with a key made (HKDF) from the installation's secret; the row's id is bound in, so that a sealed value cannot be
moved to another row. Digests are keyed: phone numbers are few enough to be guessed from a plain hash.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import Invalid

_NONCE: Final = 12


def key_of(secret: bytes, purpose: bytes = b"seal") -> bytes:
    """Make the 32 byte key of a purpose from the installation's secret."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gridwarden deliveries: " + purpose).derive(secret)


def seal(secret: bytes, name: str, values: Mapping[str, str]) -> bytes:
    """Seal values for the row of this name."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key_of(secret)).encrypt(nonce, json.dumps(values).encode(), name.encode())


def unseal(secret: bytes, name: str, sealed: bytes) -> dict[str, str]:
    """Open what was sealed for the row of this name; raises Invalid when the installation's secret has changed since."""
    try:
        clear = AESGCM(key_of(secret)).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
    except (InvalidTag, ValueError):
        raise Invalid(
            "the address was sealed with another installation's secret; enter it again", "该地址由另一密钥封存，请重新填写", field="address"
        ) from None
    values: dict[str, str] = json.loads(clear)
    return values


def digest(secret: bytes, *parts: str) -> bytes:
    """Give the keyed digest by which the same address is recognised."""
    return hmac.digest(key_of(secret, b"digest"), "\x1f".join(parts).encode(), sha256)
