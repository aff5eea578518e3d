"""What a user's calls may be made with: the user's own credentials and the organization's, by service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from devmesh.access import Caller, Role
from devmesh.credentials.choice import Candidates
from devmesh.credentials.globs import Glob
from devmesh.credentials.model import Sealed
from devmesh.credentials.scopes import Scopes, enables
from devmesh.upstream.model import Tool


class Reach(msgspec.Struct, frozen=True):
    """A service that calls can be made to with a stored credential, and the tools that it serves; None: all.

    `granted` are the scopes of each token that may be used; None where those of one are not known.
    """

    service: str
    tools: tuple[str, ...] | None = None
    granted: frozenset[Scopes] | None = None

    def serves(self, tools: Iterable[Tool]) -> list[Tool]:
        """Return those of the service's tools that it serves, without those that no token is good for."""
        if self.granted is not None:
            tools = [tool for tool in tools if any(enables(scopes, tool) for scopes in self.granted)]
        if self.tools is None:
            return list(tools)
        globs = [Glob(pattern) for pattern in self.tools]
        return [tool for tool in tools if any(glob.matches(tool.name) for glob in globs)]


class Stored:
    """What is stored for one user's calls in one tenant, as the cache holds it."""

    __slots__ = ("_reaches", "accounts", "own", "passthrough")

    def __init__(self, rows: Iterable[Sealed], *, passthrough: bool) -> None:
        self.passthrough = passthrough
        own: dict[str, list[Sealed]] = {}
        accounts: dict[str, list[Sealed]] = {}
        for row in rows:
            (accounts if row.user_id is None else own).setdefault(row.service, []).append(row)
        self.own: Mapping[str, Candidates] = {name: Candidates(of) for name, of in own.items()}
        self.accounts: Mapping[str, Candidates] = {name: Candidates(of) for name, of in accounts.items()}
        self._reaches: dict[tuple[Role, bool], frozenset[Reach]] = {}

    def connected(self, caller: Caller) -> tuple[frozenset[str], frozenset[str]]:
        """Return the services of the caller's own credentials, and of the organization's that are open to the caller.

        A gateway key has those that the person lent it.
        """
        lent = caller.bounds.owner_id is not None
        own = frozenset(name for name, of in self.own.items() if not lent or any(one.lent for one in of.rows))
        open_to = (name for name, of in self.accounts.items() if any(one.opens_to(caller) for one in of.rows))
        return own, frozenset(open_to)

    def reach(self, caller: Caller) -> frozenset[Reach]:
        """Return what the caller's calls can be made to; worked out once for each kind of caller."""
        kind = (caller.role, caller.bounds.owner_id is not None)
        found = self._reaches.get(kind)
        if found is None:
            own, accounts = self.connected(caller)
            mine = (Reach(name, None, self._granted(name, caller)) for name in own)
            others = (
                Reach(name, self.accounts[name].tools_for(caller), self._granted(name, caller))
                for name in accounts - own
            )
            found = self._reaches[kind] = frozenset([*mine, *others])
        return found

    def _granted(self, service: str, caller: Caller) -> frozenset[Scopes] | None:
        """Return the known scopes of each credential that may serve a call to the service."""
        lent = caller.bounds.owner_id is not None
        own = self.own.get(service)
        rows = [one for one in own.rows if not lent or one.lent] if own is not None else []
        if service in self.accounts and not any(one.unconditional for one in rows):
            rows += [one for one in self.accounts[service].rows if one.opens_to(caller)]
        known = [one.sealed.granted for one in rows]
        return None if None in known else frozenset(tuple(scopes) for scopes in known if scopes is not None)
