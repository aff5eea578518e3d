"""Who is calling: an API key, in the tenant that it belongs to, or a person's session, in a tenant of that person's."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import NoReturn

from devmesh.access import Caller, KeyType
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.tokens import PREFIXES
from devmesh.errors import AddressNotAllowed, BadRequest, Forbidden, InvalidKey, TenantNotAllowed, Unauthenticated
from devmesh.keys.behalf import Behalf
from devmesh.keys.model import Grant as KeyGrant
from devmesh.keys.model import Network
from devmesh.keys.verify import Verifier
from devmesh.limits.service import Limits
from devmesh.sessions.model import Grant
from devmesh.sessions.verify import Verifier as SessionVerifier

# One value a name: the edge refuses a request with two of a header that says who calls, or for whom.
Headers = Mapping[bytes, bytes]
REFUSED = "request.refused"
_NOT_THERE = "X-Tenant-ID names no tenant that you may act in."
_BEARER = b"bearer"
_ON_BEHALF_OF = b"x-on-behalf-of"
# Every access token has two of them, no API key any: what begins as a key and has one is a key that is spoiled.
_DOT, _DOTS = ".", b"."
_PREFIXES = tuple(PREFIXES.values())
_PREFIX_BYTES = tuple(prefix.encode() for prefix in _PREFIXES)


class Authenticator:
    """Turns a request's headers into its caller."""

    def __init__(
        self, verifier: Verifier, behalf: Behalf, sessions: SessionVerifier, limits: Limits, audit: Audit
    ) -> None:
        self._verifier = verifier
        self._behalf = behalf
        self._sessions = sessions
        self._limits = limits
        self._audit = audit

    async def authenticate(
        self, headers: Headers, address: str, request_id: str, replied: list[tuple[bytes, bytes]]
    ) -> Caller:
        """Return the caller; a request without a valid credential spends from its address's limit.

        A refusal adds the rate-limit headers to `replied`: of whoever is known theirs, of all others the address's.
        Raises Unauthenticated, InvalidKey or InvalidToken (each the same for every way of being invalid),
        TokenExpired, BadRequest for two different credentials, TenantNotAllowed, AddressNotAllowed, and RateLimited for
        an address that tries too often.
        """
        try:
            secret, tenant = _sent(headers)
            if _DOT in secret and not secret.startswith(_PREFIXES):
                held = await self._sessions.verify(secret)
                grant: KeyGrant | Grant = held.grant
                allowed = grant if tenant is None else await self._sessions.within(held, tenant)
            else:
                grant = allowed = await self._verifier.verify(secret, address)
                if tenant is not None and tenant not in (str(grant.tenant_id), grant.person.tenant_slug):
                    allowed = None
                elif grant.is_guarded:
                    return await self._guarded(grant, headers, address, request_id, replied)
        except (Unauthenticated, BadRequest) as error:
            self._audit.refused(Visitor(address, request_id), REFUSED, error.code)
            await self.stranger(address, replied)
            raise
        if allowed is None:
            await self._refuse(grant.caller(address, request_id), replied, TenantNotAllowed(_NOT_THERE))
        return allowed.caller(address, request_id)

    async def stranger(self, address: str, replied: list[tuple[bytes, bytes]]) -> None:
        """Spend one of the address's and add what is left there to `replied`; raise RateLimited if there is none."""
        try:
            await self._limits.spend_address(address)
        finally:
            replied.extend(self._limits.address_headers(address))

    async def _guarded(
        self, grant: KeyGrant, headers: Headers, address: str, request_id: str, replied: list[tuple[bytes, bytes]]
    ) -> Caller:
        """Return the caller that the key makes from this address and for the person that the headers name."""
        if grant.networks is not None and not _is_from(address, grant.networks):
            refusal = AddressNotAllowed(f"This key may not be used from {address or 'your address'}.")
            await self._refuse(grant.caller(address, request_id), replied, refusal)
        if grant.key_type is KeyType.GATEWAY:
            named = headers.get(_ON_BEHALF_OF, b"").strip().decode("latin-1")
            grant = await self._behalf.acting(grant, named)
        return grant.caller(address, request_id)

    async def _refuse(self, caller: Caller, replied: list[tuple[bytes, bytes]], refusal: Forbidden) -> NoReturn:
        """Refuse a tenant or an address that is not the caller's: that costs and tells as any other request."""
        self._audit.refused(caller, REFUSED, refusal.code)
        try:
            await self._limits.spend(caller)
        finally:
            replied.extend(self._limits.headers(caller))
        raise refusal


def carries_credential(headers: Headers) -> bool:
    """Return whether the request says who it is, rightly or wrongly."""
    return b"authorization" in headers or b"x-api-key" in headers


def _is_from(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether the address, an IPv4 one folded already, is in one of the networks."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _sent(headers: Headers) -> tuple[str, str | None]:
    """Return the one credential sent, and the tenant asked for; raise Unauthenticated without one."""
    bearer, key, tenant = headers.get(b"authorization"), headers.get(b"x-api-key"), headers.get(b"x-tenant-id")
    if bearer is not None:
        secret = _bearer(bearer)
        if key is not None and _key(key.strip()) != secret:
            raise BadRequest("Two different credentials in one request.", hint="Send one.")
    elif key is not None:
        secret = _key(key.strip())
    else:
        raise Unauthenticated
    return _held(secret), None if tenant is None else tenant.strip().decode("latin-1").lower()


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.strip().partition(b" ")
    if scheme.lower() != _BEARER:
        raise InvalidKey(
            "The Authorization header must be 'Bearer' and a key.", hint="Write 'Authorization: Bearer YOUR_API_KEY'."
        )
    return token.strip()


def _key(value: bytes) -> bytes:
    if _DOTS in value and not value.startswith(_PREFIX_BYTES):
        raise InvalidKey("X-API-Key takes an API key.", hint="Send an access token as 'Authorization: Bearer TOKEN'.")
    return value


def _held(secret: bytes) -> str:
    """Return the secret; raise Unauthenticated for none, or for the name of a variable that nobody filled in."""
    if not secret or secret.startswith(b"$"):
        raise Unauthenticated(
            "A header for the key came without one.", hint="Is the variable that holds the key set where this was sent?"
        )
    return secret.decode("latin-1")
