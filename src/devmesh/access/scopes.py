"""Scopes `resource:action[:name]`, the guide's short words, and the ceilings of roles and key types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# `*` stands for a whole part or, in a tool's name, for the name's end.
SCOPE = re.compile(r"(?:\*|[a-z-]{1,32}):(?:\*|read|write|execute)(?::(?:[a-z0-9_.\-]{1,64}\*?|\*))?")

TOOL = "tools:execute:"
# A scope that the grant of a read-only tool reads as: `read` holds it for every tool that changes nothing.
_READ_TOOL = "tools:read:"
_WORDS = {
    "read": ("*:read",),
    "write": ("*:read", "*:write", "tools:execute"),
    "admin": ("*:*",),
}
_MEMO_SIZE = 4096
_OWN = ("profile:*", "keys:*", "credentials:*")
_READONLY = (*_OWN, "contexts:read", "tools:read", "tenants:read")
_MEMBER = (*_READONLY, "contexts:write", "tools:*", "users:read")
_ADMIN = (
    *_MEMBER,
    "users:*",
    "invitations:*",
    "tenants:*",
    "audit:*",
    "policies:*",
    "servers:*",
    "organization:read",
    "service-accounts:*",
    "metrics:*",
)
# What a scope can be about; a mistyped one would make a key that can do nothing, without a word.
RESOURCES = frozenset(("*", *(scope.partition(":")[0] for scope in _ADMIN)))
# Longer than the longest; comparing costs the product of both lengths.
_LONGEST = 40
# The words, and resources with their actions: what a mistyped scope was perhaps to be.
_WRITTEN = (
    *_WORDS,
    *(f"{one}:{action}" for one in sorted(RESOURCES) for action in ("read", "execute" if one == "tools" else "write")),
)
_ROLE_WORDS = {
    "readonly": ("read", "*:read"),
    "member": ("read", "*:read", "write", "*:write"),
    "admin": ("read", "*:read", "write", "*:write", "admin", "*:*"),
    "owner": (),
}
_CEILINGS: dict[str, tuple[str, ...]] = {
    "role:readonly": _READONLY,
    "role:member": _MEMBER,
    "role:admin": _ADMIN,
    "role:owner": ("*:*",),
    "key:admin": ("*:*",),
    "key:user": (*_OWN, "contexts:*", "tools:*"),
    "key:agent": ("profile:read", "credentials:read", "contexts:*", "tools:*"),
    "key:gateway": ("tools:*",),
}


def is_scope(text: str) -> bool:
    """Return whether `text` is one of the short words, or a scope of a resource that there is."""
    resource = text.partition(":")[0]
    return text in _WORDS or (SCOPE.fullmatch(text) is not None and resource in RESOURCES)


def nearest(text: str) -> str | None:
    """Return the short word, or resource and action, that a mistyped scope was perhaps to be; None if none is near."""
    written = ":".join(text.split(":", 2)[:2]).strip().lower()
    return next(iter(difflib.get_close_matches(written[:_LONGEST], _WRITTEN, n=1)), None)


def covers(granted: str, required: str) -> bool:
    """Return whether the scope `granted` includes the concrete scope `required`."""
    if granted in _WORDS:
        return any(covers(scope, required) for scope in _WORDS[granted])
    resource, action, *names = granted.split(":", 2)
    wanted_resource, wanted_action, *wanted_names = required.split(":", 2)
    if resource not in ("*", wanted_resource) or action not in ("*", wanted_action):
        return False
    if not names:
        return True
    name = names[0]
    if not wanted_names:
        return name == "*"
    wanted = wanted_names[0]
    if name.endswith("*"):
        return wanted.startswith(name[:-1])
    return wanted in (name, f"{name}.*") or wanted.startswith(f"{name}.")


def includes(granted: Iterable[str], wanted: str) -> bool:
    """Return whether whoever holds all of `granted` holds the whole of the scope or short word `wanted`."""
    mine = tuple(granted)
    return wanted in mine or all(any(covers(have, part) for have in mine) for part in _WORDS.get(wanted, (wanted,)))


def role_holds(role: str, wanted: str) -> bool:
    """Return whether a person of that role may hold the whole of the scope or short word `wanted`, to give it on.

    The short words, and the wildcards that they stand for, are always cut to the role they are used in: everybody
    holds `read`, whoever writes anything `write`, whoever administers `admin`.
    """
    return wanted in _ROLE_WORDS[role] or includes(_CEILINGS[f"role:{role}"], wanted)


def is_usable(key_type: str, scope: str) -> bool:
    """Return whether a key of that type can ever use something of the scope or short word, whoever its person is."""
    parts = _WORDS.get(scope, (scope,))
    return any(_meet(part, most) for part in parts for most in _CEILINGS[f"key:{key_type}"])


def _meet(scope: str, ceiling: str) -> bool:
    resource, action, *_ = scope.split(":", 2)
    most_resource, most_action = ceiling.split(":")
    return (resource == most_resource or "*" in (resource, most_resource)) and (
        action == most_action or "*" in (action, most_action)
    )


class Rights:
    """What a caller may do: its scopes, cut to what its role and its key's type allow."""

    __slots__ = ("_memo", "_tests", "scopes")

    def __init__(self, scopes: Iterable[str], role: str, key_type: str | None = None) -> None:
        self.scopes = tuple(sorted(scopes))
        ceilings = [_CEILINGS[f"role:{role}"]]
        if key_type is not None:
            ceilings.append(_CEILINGS[f"key:{key_type}"])
        self._tests = (self.scopes, *ceilings)
        self._memo: dict[tuple[str, ...], bool] = {}

    def allows(self, scope: str) -> bool:
        """Return whether the concrete `scope` is within scopes, role and key type together."""
        return self._any_of(scope)

    def allows_tool(self, name: str, *, read_only: bool) -> bool:
        """Return whether the tool may be called; one that changes nothing also with `tools:read`."""
        return self._any_of(_READ_TOOL + name, TOOL + name) if read_only else self._any_of(TOOL + name)

    def names(self, scope: str) -> bool:
        """Return whether `scope` is held under its very name, which no wildcard stands for, and within the ceilings."""
        return scope in self.scopes and self._any_of(scope)

    def _any_of(self, *scopes: str) -> bool:
        known = self._memo.get(scopes)
        if known is None:
            known = all(any(covers(have, need) for have in test for need in scopes) for test in self._tests)
            if len(self._memo) < _MEMO_SIZE:
                self._memo[scopes] = known
        return known

    def __repr__(self) -> str:
        return f"Rights({', '.join(self.scopes)})"
