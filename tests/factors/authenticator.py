"""An authenticator in software: makes passkeys and answers challenges as a browser with a security key does.

What it says of itself can be bent for one answer, as an attacker or a broken device would.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Bent:
    """What differs from an honest answer; None where nothing does."""

    origin: str | None = None
    rp_id: str | None = None
    challenge: bytes | None = None
    kind: str | None = None
    flags: int | None = None
    sign_count: int | None = None
    user_handle: bytes | None = None
    credential_id: bytes | None = None
    cross_origin: bool = False
    spoil_signature: bool = False
    attestation: tuple[str, Any] = ("none", {})


HONEST = Bent()


def new_key(algorithm: int, bits: int = 2048) -> Any:
    if algorithm == -8:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == -7:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, bits)


@dataclass
class Authenticator:
    """One device with one passkey; `origin` is that of the page that the person looks at."""

    origin: str
    algorithm: int = -7
    backup: int = 0
    sign_count: int = 0
    counts: bool = True
    bits: int = 2048
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm, self.bits)
        self.user_handle = b""
        self.rp_id = ""

    def make(self, options: dict[str, Any], bent: Bent = HONEST) -> dict[str, Any]:
        """Answer creation options, as `credential.toJSON()` does."""
        self.rp_id, self.user_handle = options["rp"]["id"], decoded(options["user"]["id"])
        name = bent.credential_id or self.credential_id
        attested = bytes(16) + len(name).to_bytes(2, "big") + name + cbor2.dumps(self.cose())
        data = self._data(replace(bent, flags=self._flags(bent) | ATTESTED)) + attested
        page = self._page("webauthn.create", options["challenge"], bent)
        fmt, statement = bent.attestation
        response = {
            "clientDataJSON": encoded(page),
            "attestationObject": encoded(cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})),
            "transports": ["usb", "nfc", "telepathy"],
        }
        return self._answer(name, response)

    def use(self, options: dict[str, Any], bent: Bent = HONEST) -> dict[str, Any]:
        """Answer request options, as `credential.toJSON()` does."""
        self.sign_count += self.counts
        self.rp_id = options["rpId"]
        data = self._data(bent)
        page = self._page("webauthn.get", options["challenge"], bent)
        signature = self._sign(data + hashlib.sha256(page).digest())
        if bent.spoil_signature:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        response = {
            "clientDataJSON": encoded(page),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": encoded(self.user_handle if bent.user_handle is None else bent.user_handle),
        }
        return self._answer(bent.credential_id or self.credential_id, response)

    def cose(self) -> dict[int, Any]:
        public = self.key.public_key()
        if self.algorithm == -8:
            return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
        numbers = public.public_numbers()
        if self.algorithm == -7:
            return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return {1: 3, 3: self.algorithm, -1: numbers.n.to_bytes(self.bits // 8, "big"), -2: b"\x01\x00\x01"}

    def _sign(self, content: bytes) -> bytes:
        if self.algorithm == -8:
            return self.key.sign(content)
        if self.algorithm == -7:
            return self.key.sign(content, ec.ECDSA(SHA256()))
        return self.key.sign(content, padding.PKCS1v15(), SHA256())

    def _flags(self, bent: Bent) -> int:
        return PRESENT | VERIFIED | self.backup if bent.flags is None else bent.flags

    def _data(self, bent: Bent) -> bytes:
        count = self.sign_count if bent.sign_count is None else bent.sign_count
        rp_id = bent.rp_id or self.rp_id
        return hashlib.sha256(rp_id.encode()).digest() + bytes([self._flags(bent)]) + count.to_bytes(4, "big")

    def _page(self, kind: str, challenge: str, bent: Bent) -> bytes:
        said = {
            "type": bent.kind or kind,
            "challenge": encoded(bent.challenge) if bent.challenge else challenge,
            "origin": bent.origin or self.origin,
            "crossOrigin": bent.cross_origin,
        }
        return json.dumps(said).encode()

    def _answer(self, credential_id: bytes, response: dict[str, Any]) -> dict[str, Any]:
        name = encoded(credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": response,
        }
