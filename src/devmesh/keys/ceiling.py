"""The privilege ceiling: nobody gives a key more than they have themselves, of anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from msgspec import UNSET

from devmesh.access import Caller, KeyType, Role
from devmesh.access.scopes import includes, role_holds
from devmesh.errors import Fault, Invalid, InvalidKey
from devmesh.keys import form
from devmesh.keys.handouts import names_handing_out
from devmesh.keys.model import BeyondYourOwn, Key, KeyChange, NewKey

Rate = tuple[int, int]
_OF_A_SESSION = "Ask for no more than your role allows, or ask an administrator of your organization."
_ASK_AN_OWNER = "Ask an owner of your organization, with a session or an admin key."


@dataclass(frozen=True, slots=True)
class Own:
    """What a caller has to give: all that the caller's key has, read while it cannot change; of a session no bounds."""

    caller: Caller
    key: Key | None

    def check_alive(self) -> None:
        """Raise InvalidKey if the caller's key, or the secret that was shown, is good no more."""
        if self.key is not None and not self.key.accepts(self.caller.bounds.rotation):
            raise InvalidKey

    def check_type(self, key_type: KeyType) -> None:
        """Raise BeyondYourOwn for a type that the caller cannot give."""
        administers = form.administers(self.caller)
        if key_type is KeyType.GATEWAY and (self.caller.role is not Role.OWNER or not administers):
            raise BeyondYourOwn("Only an owner makes gateway keys, and decides about them.", hint=_ASK_AN_OWNER)
        if key_type is KeyType.ADMIN and not administers:
            raise self._beyond("Only an admin key or an administrator's session makes admin keys, and changes them.")

    def give(self, new: NewKey, most: Rate) -> NewKey:
        """Return the new key with all that was left out filled in; raise BeyondYourOwn, or Invalid beyond `most`."""
        limit, window = self._rate(new, most)
        self._check_end(new.expires_at)
        networks, services = form.networks(new.allowed_ips), new.allowed_services
        self._check_networks(networks)
        self._check_services(services)
        return NewKey(
            name=new.name.strip(),
            key_type=new.key_type,
            scopes=self._scopes(new),
            expires_at=new.expires_at or (self.key.expires_at if self.key else None),
            rate_limit=limit,
            rate_window=window,
            allowed_ips=self._inherited(new, networks, "allowed_ips"),
            allowed_services=self._inherited(new, services, "allowed_services"),
            tool_names=new.tool_names,
            result_bytes=new.result_bytes,
        )

    def check_whole(self, key: Key) -> None:
        """Raise BeyondYourOwn unless the caller could make a key that has all that this one has."""
        self.check_type(key.key_type)
        self._check_scopes(key.scopes)
        own = self._exceeded((key.rate_limit, key.rate_window))
        if own is not None:
            raise _too_fast(own)
        self._check_end(key.expires_at, is_lifted=key.expires_at is None)
        self._check_networks(key.allowed_ips, is_lifted=_held(key, key.allowed_ips) is None)
        self._check_services(key.allowed_services, is_lifted=_held(key, key.allowed_services) is None)

    def changed(self, key: Key, change: KeyChange, most: Rate) -> Key:
        """Return the key as it is to be: in nothing beyond both what it has and what the caller has."""
        if change.scopes is not UNSET:
            self._check_scopes(change.scopes, key.scopes)
        limit, window = self._changed_rate(key, change, most)
        return replace(
            key,
            name=key.name if change.name is UNSET else change.name.strip(),
            scopes=key.scopes if change.scopes is UNSET else _once(change.scopes),
            expires_at=self._changed_end(key, change),
            rate_limit=limit,
            rate_window=window,
            allowed_ips=self._changed_networks(key, change),
            allowed_services=self._changed_services(key, change),
            tool_names=key.tool_names if change.tool_names is UNSET else change.tool_names,
            result_bytes=key.result_bytes if change.result_bytes is UNSET else change.result_bytes,
        )

    def _changed_end(self, key: Key, change: KeyChange) -> datetime | None:
        if change.expires_at is UNSET:
            return key.expires_at
        if key.expires_at is not None and (change.expires_at is None or change.expires_at > key.expires_at):
            self._check_end(change.expires_at, is_lifted=change.expires_at is None)
        return change.expires_at

    def _changed_networks(self, key: Key, change: KeyChange) -> list[str] | None:
        if change.allowed_ips is UNSET:
            return key.allowed_ips
        networks, held = form.networks(change.allowed_ips), _held(key, key.allowed_ips)
        if networks is None:
            self._check_networks(None, is_lifted=held is not None and not _is_gateway(key))
        elif held is not None:
            self._check_networks([network for network in networks if not _is_part([network], held)])
        return networks

    def _changed_services(self, key: Key, change: KeyChange) -> list[str] | None:
        if change.allowed_services is UNSET:
            return key.allowed_services
        held = _held(key, key.allowed_services)
        if change.allowed_services is None:
            self._check_services(None, is_lifted=held is not None and not _is_gateway(key))
            return None
        if held is not None:
            self._check_services([service for service in change.allowed_services if service not in held])
        return _once(change.allowed_services)

    def _scopes(self, new: NewKey) -> list[str]:
        """Return the new key's scopes, cut to the caller's if none are asked for."""
        if new.scopes is not None:
            self._check_scopes(new.scopes)
            return _once(new.scopes)
        have = self._own_scopes()
        asked = form.DEFAULT_SCOPES.get(new.key_type, ("read", "write"))
        return [scope for scope in asked if self._holds(have, scope)] or list(have)

    def _check_scopes(self, asked: Iterable[str], held: Sequence[str] = ()) -> None:
        have = self._own_scopes()
        beyond = [scope for scope in asked if not self._holds(have, scope) and not self._has(held, scope)]
        if beyond:
            raise self._beyond(f"Your key or role lacks {', '.join(beyond)}.", required_scopes=beyond)

    def _beyond(self, detail: str, **extra: object) -> BeyondYourOwn:
        return BeyondYourOwn(detail, hint=_OF_A_SESSION if self.key is None else None, extra=extra)

    def _holds(self, have: Sequence[str], scope: str) -> bool:
        # By the role too: a key that it cuts today would grow with the next promotion, unasked.
        return self._has(have, scope) and role_holds(self.caller.role, scope)

    def _has(self, scopes: Sequence[str], wanted: str) -> bool:
        """Return whether whoever holds `scopes` may give `wanted`; a person or an admin key also what hands out."""
        if self.key is None or self.caller.key_type is KeyType.ADMIN or not names_handing_out(wanted):
            return includes(scopes, wanted)
        return wanted in scopes

    def _own_scopes(self) -> Sequence[str]:
        return self.caller.rights.scopes if self.key is None else self.key.scopes

    def _rate(self, new: NewKey, most: Rate) -> Rate:
        """Return the new key's limit; a person's key gives at most its own rate, an administrator the type's.

        A limit is a bucket that is full at first: neither what it holds nor how fast it fills may be more.
        """
        window = most[1] if new.rate_window is None else form.seconds(new.rate_window)
        asked = new.rate_limit
        if asked is None:
            asked = min(most[0], max(1, most[0] * window // most[1]))
        own = self._exceeded((asked, window))
        if own is not None and new.rate_limit is not None:
            raise _too_fast(own)
        given = own or (asked, window)
        _check_most(given, most)
        return given

    def _changed_rate(self, key: Key, change: KeyChange, most: Rate) -> Rate:
        before = key.rate_limit, key.rate_window
        limit = before[0] if change.rate_limit is UNSET else change.rate_limit
        window = before[1] if change.rate_window is UNSET else form.seconds(change.rate_window)
        if (limit, window) != before and not form.is_within((limit, window), before):
            own = self._exceeded((limit, window))
            if own is not None:
                raise _too_fast(own)
            _check_most((limit, window), most)
        return limit, window

    def _exceeded(self, rate: Rate) -> Rate | None:
        """Return the rate of the person's key that calls, if this one is more; None if it may be given."""
        if self.key is None or self.caller.key_type is not KeyType.USER:
            return None
        own = self.key.rate_limit, self.key.rate_window
        return None if form.is_within(rate, own) else own

    def _check_end(self, end: datetime | None, *, is_lifted: bool = False) -> None:
        own = self.key.expires_at if self.key else None
        if own is not None and (is_lifted if end is None else end > own):
            raise BeyondYourOwn(f"Your own key ends at {own:%Y-%m-%dT%H:%M:%SZ}.")

    def _check_networks(self, networks: list[str] | None, *, is_lifted: bool = False) -> None:
        own = self.key.allowed_ips if self.key else None
        if own is not None and (is_lifted if networks is None else not _is_part(networks, own)):
            raise BeyondYourOwn(f"Your own key may be used from {', '.join(own)} alone.")

    def _check_services(self, services: list[str] | None, *, is_lifted: bool = False) -> None:
        own = self.key.allowed_services if self.key else None
        if own is not None and (is_lifted if services is None else set(services) - set(own)):
            raise BeyondYourOwn(f"Your own key reaches {', '.join(own)} alone.")

    def _inherited(self, new: NewKey, asked: list[str] | None, bound: str) -> list[str] | None:
        """Return the bound asked for or the caller's own; a gateway key for which none is asked has nothing at all."""
        if asked is not None:
            return _once(asked)
        inherited: list[str] | None = getattr(self.key, bound, None)
        return None if new.key_type is KeyType.GATEWAY else inherited


def _is_gateway(key: Key) -> bool:
    return key.key_type is KeyType.GATEWAY


def _held(key: Key, bound: list[str] | None) -> list[str] | None:
    """Return what the key is bound to, None for anything: of a gateway key that is not said, it is nothing."""
    return [] if bound is None and _is_gateway(key) else bound


def _check_most(rate: Rate, most: Rate) -> None:
    if not form.is_within(rate, most):
        text = f"at most {most[0]}, and {most[0]} per {most[1]} seconds, for this type of key"
        raise Invalid([Fault("rate_limit", text)])


def _too_fast(own: Rate) -> BeyondYourOwn:
    return BeyondYourOwn(f"Your own key has {own[0]} per {own[1]} seconds.")


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _is_part(networks: list[str] | None, whole: list[str]) -> bool:
    """Return whether every address of `networks` (None: any address) is in `whole`."""
    if networks is None:
        return False
    wide = list(map(ip_network, whole))
    four = list(collapse_addresses(network for network in wide if isinstance(network, IPv4Network)))
    six = list(collapse_addresses(network for network in wide if isinstance(network, IPv6Network)))
    for network in map(ip_network, networks):
        if isinstance(network, IPv4Network):
            if not any(network.subnet_of(other) for other in four):
                return False
        elif not any(network.subnet_of(other) for other in six):
            return False
    return True
