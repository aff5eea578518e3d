"""Access tokens: signed JWTs (RFC 7519, RFC 9068) in the one spelling that we write, and no other.

Nobody but us signs them, so what is accepted is what we would have written, byte for byte: no other order, spacing,
padding, repeated or further member, and no number that another reader might take for another.
"""

from __future__ import annotations

import base64
import re
import time
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from joserfc import jwa, jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from msgspec import Struct

from devmesh.directory.model import Organization, User
from devmesh.ids import new_id
from devmesh.sessions.model import ACCESS_LIFETIME, SCOPES, InvalidToken, Session
from devmesh.sessions.signing import SKEW_SECONDS, SigningKey

T = TypeVar("T", bound=Struct)

AUDIENCE = "devmesh"
LONGEST = 4096
_ALGORITHM = "EdDSA"
_TYPE = "at+jwt"
_FORM = re.compile(r"[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{1,3600}\.[A-Za-z0-9_-]{86}")
_encode = msgspec.json.Encoder().encode


class _Registry(jws.JWSRegistry):
    """EdDSA alone. joserfc warns of the name since RFC 9864 calls it Ed25519, which few libraries know yet."""

    def get_alg(self, name: str) -> jwa.JWSAlgModel:
        if name != _ALGORITHM:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=[_ALGORITHM])


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole header: nothing in it may lead to a key of the sender's."""

    alg: str
    typ: str
    kid: str


class Claims(Struct, frozen=True, forbid_unknown_fields=True):
    """What an access token says; times in Unix seconds. Rights are read from the database: these only inform."""

    iss: str
    aud: str
    sub: UUID
    tenant_id: UUID
    organization_id: UUID
    role: str
    scopes: tuple[str, ...]
    jti: UUID
    sid: UUID
    iat: int
    exp: int


_header = msgspec.json.Decoder(Header)
_claims = msgspec.json.Decoder(Claims)


def claims_of(issuer: str, session: Session, user: User, organization: Organization, now: float) -> Claims:
    """Return what a new access token of the session says; it ends with the session at the latest."""
    issued = int(now)
    return Claims(
        iss=issuer,
        aud=AUDIENCE,
        sub=user.id,
        tenant_id=user.tenant_id,
        organization_id=organization.id,
        role=user.role.value,
        scopes=SCOPES,
        jti=new_id(),
        sid=session.id,
        iat=issued,
        exp=min(issued + int(ACCESS_LIFETIME.total_seconds()), _whole(session.expires_at)),
    )


def signed(claims: Claims, by: SigningKey) -> str:
    """Return the token."""
    header = {"alg": _ALGORITHM, "typ": _TYPE, "kid": by.kid}
    return jws.serialize_compact(header, _encode(claims), by.key, registry=_REGISTRY)


def named_key(token: str) -> str:
    """Return the name of the key that is said to have signed the token; raise InvalidToken if the form is not ours."""
    if len(token) > LONGEST or not _FORM.fullmatch(token):
        raise InvalidToken
    header = _read(token.partition(".")[0], _header)
    if header.alg != _ALGORITHM or header.typ != _TYPE:
        raise InvalidToken
    return header.kid


def genuine(token: str, by: SigningKey, issuer: str) -> Claims:
    """Return what a token that passed `named_key` says, expired or not, if `by` signed it; raise InvalidToken."""
    _, payload, signature = token.split(".")
    _raw(signature)
    try:
        jws.deserialize_compact(token, by.key, registry=_REGISTRY)
    except JoseError:
        raise InvalidToken from None
    claims = _read(payload, _claims)
    lifetime = claims.exp - claims.iat
    if claims.iss != issuer or claims.aud != AUDIENCE or not 0 < lifetime <= ACCESS_LIFETIME.total_seconds():
        raise InvalidToken
    # Neither from the future, nor by a key that had been replaced when it is said to have signed.
    if claims.iat > min(time.time(), by.until or float("inf")) + SKEW_SECONDS:
        raise InvalidToken
    return claims


def _read(segment: str, decoder: msgspec.json.Decoder[T]) -> T:
    raw = _raw(segment)
    try:
        found = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidToken from None
    if _encode(found) != raw:
        raise InvalidToken
    return found


def _raw(segment: str) -> bytes:
    """Return the bytes; base64url has several spellings for some of them, and one is taken (RFC 4648, 3.5)."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise InvalidToken from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise InvalidToken
    return raw


def _whole(at: datetime) -> int:
    return int(at.timestamp())
