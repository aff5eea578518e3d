"""The two ceremonies of WebAuthn (Level 3, sections 7.1 and 7.2): a passkey is made, and a passkey answers.

User verification is required: a passkey proves possession and, by PIN or body, the person, so that a stolen key
with a stolen password opens nothing (OWASP ASVS 5.0, 6.3.3). Attestation is not asked for: any maker's is good.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from devmesh.factors.model import Made, Passkey, PasskeysUnavailable

LIFETIME_SECONDS = 300
_NAME = "Developer Mesh"
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# Not asked for; some authenticators sign their own statement all the same. No certificates: nobody here trusts any.
_FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}
_LARGEST_ANSWER = 16_384
_LONGEST_ID = 1023  # WebAuthn 3, section 7.1, step 25
_RSA_BITS = range(2048, 4097)
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}
# What the library's parsers raise for bytes that are no answer at all, beside its own.
_MALFORMED = (
    WebAuthnException, InvalidSignature, UnsupportedAlgorithm, ArithmeticError, AttributeError, LookupError,
    RecursionError, TypeError, ValueError,
)  # fmt: skip


class Refused(Exception):
    """The answer proves nothing; the text says why, for the person who registers."""


class RelyingParty:
    """This server as browsers know it: its public URL's host and origin."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._id = parts.hostname or ""
        self._origin = public_url
        self._served = _is_domain(self._id) and (parts.scheme == "https" or _is_local(self._id))

    @property
    def available(self) -> bool:
        """Whether browsers make passkeys for the public URL at all."""
        return self._served

    def creation(self, user_id: UUID, email: str, name: str, challenge: bytes, known: Sequence[Passkey]) -> Any:
        """Return PublicKeyCredentialCreationOptionsJSON for a passkey beside the `known`; raise PasskeysUnavailable."""
        if not self._served:
            raise PasskeysUnavailable(f"Passkeys cannot be made for {self._origin}.")
        options = webauthn.generate_registration_options(
            rp_id=self._id,
            rp_name=_NAME,
            user_id=user_id.bytes,
            user_name=email,
            user_display_name=name,
            challenge=challenge,
            timeout=LIFETIME_SECONDS * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_described(known),
            supported_pub_key_algs=_ALGORITHMS,
        )
        return options_to_json_dict(options)

    def request(self, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Any]:
        """Return PublicKeyCredentialRequestOptionsJSON for one of the `known` passkeys."""
        options = webauthn.generate_authentication_options(
            rp_id=self._id,
            challenge=challenge,
            timeout=LIFETIME_SECONDS * 1000,
            allow_credentials=_described(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    def made(self, answer: Mapping[str, Any], challenge: bytes | None) -> Made:
        """Return the passkey that the browser made for the challenge; raise Refused, also if none waits."""
        if challenge is None:
            raise Refused("no challenge waits for it: it was used already, or is older than five minutes")
        try:
            self._check(answer, "webauthn.create", challenge)
            if parse_attestation_object(_bytes(answer["response"]["attestationObject"])).fmt not in _FORMATS:
                raise Refused("the attestation was not asked for; ask the browser for none")
            found = webauthn.verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=self._id,
                expected_origin=self._origin,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
            _check_key(found.credential_public_key)
            transports = answer["response"].get("transports") or []
            known = sorted({name for name in transports if isinstance(name, str) and name in _TRANSPORTS})
        except _MALFORMED as error:
            raise Refused(_reason(error)) from None
        if len(found.credential_id) > _LONGEST_ID:
            raise Refused("the credential id is too long")
        return Made(
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            transports=known,
            backup_eligible=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            backed_up=found.credential_backed_up,
            sign_count=found.sign_count,
        )

    def used(self, answer: Mapping[str, Any], challenge: bytes, user_id: UUID, passkey: Passkey) -> tuple[int, bool]:
        """Return (sign count, whether it is backed up) of the passkey that answered the challenge; raise Refused."""
        try:
            self._check(answer, "webauthn.get", challenge)
            found = webauthn.verify_authentication_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=self._id,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
            handle = answer["response"].get("userHandle")
            if handle and _bytes(handle) != user_id.bytes:
                raise Refused("it is another person's passkey")
        except _MALFORMED as error:
            raise Refused(_reason(error)) from None
        if (found.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != passkey.backup_eligible:
            raise Refused("what is fixed when a passkey is made has changed")
        return found.new_sign_count, found.credential_backed_up

    def _check(self, answer: Mapping[str, Any], kind: str, challenge: bytes) -> None:
        """Check what the browser says of its page, in words for whoever sits before it; the library checks again."""
        if sum(len(value) for value in _texts(answer)) > _LARGEST_ANSWER:
            raise Refused("it is too large")
        page = json.loads(_bytes(answer["response"]["clientDataJSON"]))
        if page["type"] != kind:
            raise Refused("it answers another question than the one that was asked")
        if not hmac.compare_digest(_bytes(page["challenge"]), challenge):
            raise Refused("it answers another challenge than the last one that was given")
        if page["origin"] != self._origin:
            raise Refused(f"it was made on another page than those of {self._origin}")
        if page.get("crossOrigin"):
            raise Refused("it was made in a frame of another page")


def credential_id(answer: Mapping[str, Any]) -> bytes | None:
    """Return which passkey is said to have answered; None if none is said."""
    try:
        return _bytes(answer["id"])
    except _MALFORMED:
        return None


def _is_domain(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return "." in host or _is_local(host)
    return False


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _described(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id, transports=[AuthenticatorTransport(name) for name in passkey.transports]
        )
        for passkey in passkeys
    ]


def _check_key(public_key: bytes) -> None:
    """Raise Refused for a key that no signature could be checked by, or that is too weak or costly."""
    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        raise Refused("an RSA key must have 2048 to 4096 bits")


def _bytes(text: str) -> bytes:
    """Return what base64url without padding stands for, strictly."""
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    if b"+" in padded or b"/" in padded or "=" in text:
        raise NotBase64
    return b64decode(padded, altchars=b"-_", validate=True)


def _texts(value: Any) -> list[str]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for part in inner for text in _texts(part)]


def _reason(error: BaseException) -> str:
    return str(error)[:200] if isinstance(error, WebAuthnException) else "it is malformed"
