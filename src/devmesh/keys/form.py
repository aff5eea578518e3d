"""The form of what may be asked of a key: its name, scopes, rate, end, addresses and services."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import UnsetType

from devmesh.access import Caller, KeyType, Role
from devmesh.access.scopes import RESOURCES, includes, is_scope, nearest
from devmesh.errors import Fault, Invalid
from devmesh.keys.model import KeyChange, Network, NewKey

DEFAULT_SCOPES = {KeyType.ADMIN: ("read", "write", "admin")}
_WINDOW = re.compile(r"([1-9][0-9]{0,5})(?: seconds?)?")
_LONGEST_WINDOW = 86_400
_MOST_SCOPES = 100
_NO_SCOPE = (
    "is no scope{meant}: 'read', 'write', 'admin', or resource:action[:name] with read, write, execute or * as the "
    f"action and one of {', '.join(sorted(RESOURCES))} as the resource"
)
# A mistyped one is told what it was perhaps to be; looking for that costs something.
_MOST_NEAREST = 3
_LONGEST_NAME = 200
_MOST_BOUNDS = 100
# Neither zones nor masks nor bare numbers: one spelling of each that people and other programs read alike.
_NETWORK = re.compile(r"[0-9a-fA-F:.]{2,45}(?:/[0-9]{1,3})?")
# Up to here an IPv6 address says that an IPv4 address follows (RFC 4291, section 2.5.5.2); a shorter prefix has none.
_MAPPED = 96


def administers(caller: Caller) -> bool:
    """Return whether the caller is an administrator, with a session or an admin key."""
    return caller.role in (Role.OWNER, Role.ADMIN) and caller.key_type in (KeyType.ADMIN, None)


def needed(caller: Caller, new: NewKey) -> list[str]:
    """Return every scope that the caller needs to make this key: the right to make one, and what is to be given."""
    asked = dict.fromkeys(filter(is_scope, (new.scopes or ())[:_MOST_SCOPES]))
    return ["keys:write", *(scope for scope in asked if not includes(caller.rights.scopes, scope))]


def is_within(rate: tuple[int, int], most: tuple[int, int]) -> bool:
    """Whether (limit, seconds) holds no more at once than `most`, and fills no faster."""
    return rate[0] <= most[0] and rate[0] * most[1] <= most[0] * rate[1]


def check(new: NewKey | KeyChange, services: Collection[str]) -> None:
    """Raise Invalid naming every field that is sent and has no right form; `services` are those that there are."""
    faults = [
        *_name_faults(new.name),
        *_scope_faults(new.scopes),
        *_bound_faults(new.allowed_ips, new.allowed_services, services),
    ]
    if isinstance(new.expires_at, datetime) and not _is_to_come(new.expires_at):
        faults.append(Fault("expires_at", "must be a time to come, with its zone"))
    if isinstance(new.rate_limit, int) and not 0 < new.rate_limit < 2**31:
        faults.append(Fault("rate_limit", "must be a positive number"))
    if isinstance(new.rate_window, int | str) and not 0 < seconds(new.rate_window) <= _LONGEST_WINDOW:
        faults.append(Fault("rate_window", f"must be seconds, at most {_LONGEST_WINDOW}: 60 or '60 seconds'"))
    if faults:
        raise Invalid(faults)


def _name_faults(name: str | UnsetType) -> Iterator[Fault]:
    if isinstance(name, str) and (not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable()):
        yield Fault("name", f"must be 1 to {_LONGEST_NAME} printable characters")


def _scope_faults(scopes: list[str] | UnsetType | None) -> Iterator[Fault]:
    if not isinstance(scopes, list):
        return
    if not 0 < len(scopes) <= _MOST_SCOPES:
        yield Fault("scopes", f"must be 1 to {_MOST_SCOPES} scopes")
    wrong = [(place, scope) for place, scope in enumerate(scopes[:_MOST_SCOPES]) if not is_scope(scope)]
    for count, (place, scope) in enumerate(wrong):
        meant = nearest(scope) if count < _MOST_NEAREST else None
        yield Fault(f"scopes[{place}]", _NO_SCOPE.format(meant=f" (did you mean {meant}?)" if meant else ""))


def _bound_faults(
    ips: list[str] | UnsetType | None, named: list[str] | UnsetType | None, services: Collection[str]
) -> Iterator[Fault]:
    for field, values in (("allowed_ips", ips), ("allowed_services", named)):
        if isinstance(values, list) and not 0 < len(values) <= _MOST_BOUNDS:
            yield Fault(field, f"must be 1 to {_MOST_BOUNDS} entries; null or nothing says that there is no bound")
    for place, text in enumerate(ips[:_MOST_BOUNDS] if isinstance(ips, list) else ()):
        try:
            network(text)
        except ValueError as error:
            yield Fault(f"allowed_ips[{place}]", str(error))
    for place, name in enumerate(named[:_MOST_BOUNDS] if isinstance(named, list) else ()):
        if name not in services:
            yield Fault(f"allowed_services[{place}]", f"must be one of: {', '.join(sorted(services))}")


def network(text: str) -> Network:
    """Return the network or address, one of IPv4 mapped into IPv6 as IPv4; raise ValueError saying what is wrong."""
    if not _NETWORK.fullmatch(text):
        raise ValueError("must be an address or a network, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError(_said_of(text)) from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is None:
        return found
    return IPv4Network((mapped, found.prefixlen - _MAPPED))


def _said_of(text: str) -> str:
    try:
        return f"has bits beyond its prefix; {ip_network(text, strict=False)} is the network"
    except ValueError:
        return "must be an address or a network, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32"


def networks(texts: Iterable[str] | None) -> list[str] | None:
    """Return checked networks in their one spelling, each once; None for None."""
    return None if texts is None else list(dict.fromkeys(str(network(text)) for text in texts))


def _is_to_come(at: datetime) -> bool:
    try:
        return at.tzinfo is not None and at.astimezone(UTC) > datetime.now(UTC)
    except OverflowError:  # the last hours of the year 9999, west of Greenwich, are not in the calendar any more
        return False


def seconds(window: int | str) -> int:
    """Return the window in seconds; 0 if it has no right form."""
    if isinstance(window, int):
        return window
    match = _WINDOW.fullmatch(window.strip())
    return int(match[1]) if match else 0
