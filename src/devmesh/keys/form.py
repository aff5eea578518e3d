"""What may be asked of a new key: its form, its type, its scopes and its rate, within what the caller has."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from devmesh.access import Caller, KeyType, Role
from devmesh.access.scopes import includes, is_scope
from devmesh.errors import Fault, Invalid
from devmesh.keys.model import BeyondYourOwn, NewKey

DEFAULT_SCOPES = {KeyType.ADMIN: ("read", "write", "admin")}
_WINDOW = re.compile(r"([1-9][0-9]{0,5})(?: seconds?)?")
_LONGEST_WINDOW = 86_400
_MOST_SCOPES = 100
_LONGEST_NAME = 200


def administers(caller: Caller) -> bool:
    """Return whether the caller is an administrator, with a session or an admin key."""
    return caller.role in (Role.OWNER, Role.ADMIN) and caller.key_type in (KeyType.ADMIN, None)


def is_within(rate: tuple[int, int], most: tuple[int, int]) -> bool:
    """Whether (limit, seconds) holds no more at once than `most`, and fills no faster."""
    return rate[0] <= most[0] and rate[0] * most[1] <= most[0] * rate[1]


def check(new: NewKey) -> None:
    """Raise Invalid naming every field that has no right form."""
    faults = []
    if not new.name.strip() or len(new.name) > _LONGEST_NAME or not new.name.isprintable():
        faults.append(Fault("name", f"must be 1 to {_LONGEST_NAME} printable characters"))
    named = new.scopes if new.scopes is not None else ["read"]
    if not 0 < len(named) <= _MOST_SCOPES:
        faults.append(Fault("scopes", f"must be 1 to {_MOST_SCOPES} scopes"))
    faults += [
        Fault(f"scopes[{place}]", "is no scope: 'read', 'write', 'admin', or resource:action[:name]")
        for place, scope in enumerate(named[:_MOST_SCOPES])
        if not is_scope(scope)
    ]
    if new.expires_at is not None and not _is_to_come(new.expires_at):
        faults.append(Fault("expires_at", "must be a time to come, with its zone"))
    if new.rate_limit is not None and not 0 < new.rate_limit < 2**31:
        faults.append(Fault("rate_limit", "must be a positive number"))
    if new.rate_window is not None and not 0 < seconds(new.rate_window) <= _LONGEST_WINDOW:
        faults.append(Fault("rate_window", f"must be seconds, at most {_LONGEST_WINDOW}: 60 or '60 seconds'"))
    if faults:
        raise Invalid(faults)


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


def check_type(caller: Caller, key_type: KeyType) -> None:
    """Raise BeyondYourOwn for a type that the caller cannot give."""
    if key_type is KeyType.GATEWAY and (caller.role is not Role.OWNER or not administers(caller)):
        raise BeyondYourOwn("Only an owner mints gateway keys.")
    if key_type is KeyType.ADMIN and not administers(caller):
        raise BeyondYourOwn("Only an admin key or an administrator's session mints admin keys.")


def scopes(caller: Caller, new: NewKey) -> list[str]:
    """Return the new key's scopes, cut to the caller's if none are asked for; raise BeyondYourOwn."""
    if new.scopes is None:
        asked = DEFAULT_SCOPES.get(new.key_type, ("read", "write"))
        kept = [scope for scope in asked if includes(caller.rights.scopes, scope)]
        return kept or list(caller.rights.scopes)
    beyond = [scope for scope in new.scopes if not includes(caller.rights.scopes, scope)]
    if beyond:
        raise BeyondYourOwn(f"Your own key lacks {', '.join(beyond)}.", extra={"required_scopes": beyond})
    return sorted(set(new.scopes), key=new.scopes.index)
