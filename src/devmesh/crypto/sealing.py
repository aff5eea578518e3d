"""AES-256-GCM with associated data: what is sealed opens only where it belongs (NIST SP 800-38D)."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(Exception):
    """The sealed bytes were altered, stand in the wrong place, or belong to another key."""


def new_key() -> bytes:
    """Return 32 fresh random bytes."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes | AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Return nonce, ciphertext and tag of `plain`, bound to `associated`."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(key) if isinstance(key, bytes) else key
    return nonce + cipher.encrypt(nonce, plain, associated)


def unseal(key: bytes | AESGCM, sealed: bytes, associated: bytes) -> bytes:
    """Return what was sealed under this key for this very place; raise SealBroken otherwise."""
    try:
        cipher = AESGCM(key) if isinstance(key, bytes) else key
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error


def place(*parts: object) -> bytes:
    """Return the associated data that names a place: every part with its length, so that no two places read alike."""
    texts = [str(part).encode() for part in parts]
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)
