"""Which of an owner's credentials for one service a call is made with: the first that serves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devmesh.access import Caller
from devmesh.credentials.globs import Glob
from devmesh.credentials.model import Sealed
from devmesh.credentials.terms import Rule


class Candidate:
    """A stored credential with its terms made ready, to tell whether it serves a call."""

    __slots__ = ("_roles", "_rules", "_tools", "lent", "sealed", "unconditional")

    def __init__(self, sealed: Sealed) -> None:
        terms = sealed.terms
        self.sealed = sealed
        # Service accounts serve gateway keys as they are.
        self.lent = terms.gateway_use or sealed.user_id is None
        self._tools = None if terms.allowed_tools is None else tuple(map(Glob, terms.allowed_tools))
        self._roles = None if terms.allowed_roles is None else frozenset(terms.allowed_roles)
        self._rules = _ready(terms.parsed())
        self.unconditional = not self._rules and self._tools is None and self._roles is None

    @property
    def has_rules(self) -> bool:
        """Whether it serves matching calls alone."""
        return bool(self._rules)

    def serves(self, caller: Caller, tool: str | None, arguments: Mapping[str, Any]) -> bool:
        """Return whether it serves the call; without a `tool`, any of those that it is kept to."""
        if not self.lent and caller.bounds.owner_id is not None:
            return False
        if self.unconditional:
            return True
        if tool is not None and self._tools is not None and not any(glob.matches(tool) for glob in self._tools):
            return False
        return self.opens_to(caller) and (not self._rules or any(_matches(rule, arguments) for rule in self._rules))

    def matching(self, arguments: Mapping[str, Any]) -> Rule | None:
        """Return the first of its rules that the arguments match."""
        pairs = zip(self.sealed.terms.parsed(), self._rules, strict=True)
        return next((rule for rule, ready in pairs if _matches(ready, arguments)), None)

    def opens_to(self, caller: Caller) -> bool:
        """Return whether it serves people of the caller's role."""
        return self._roles is None or caller.role in self._roles


class Candidates:
    """An owner's credentials for one service in the order in which they are tried.

    Those with rules come first, then those kept to tools or roles, then the rest; each kind by label.
    """

    __slots__ = ("proven", "rows")

    def __init__(self, rows: Iterable[Sealed]) -> None:
        made = [Candidate(row) for row in rows]
        self.rows = tuple(sorted(made, key=lambda one: (not one.has_rules, one.unconditional, one.sealed.terms.label)))
        # Whether all of them were opened once: a term that was altered could keep one from being chosen, unseen.
        self.proven = False

    def choose(self, caller: Caller, tool: str, arguments: Mapping[str, Any]) -> Sealed | None:
        """Return the first that serves the call."""
        for one in self.rows:
            if one.serves(caller, tool, arguments):
                return one.sealed
        return None

    def tools_for(self, caller: Caller) -> tuple[str, ...] | None:
        """Return the patterns of the tools that those open to the caller's role serve; None: all tools."""
        kept = [one.sealed.terms.allowed_tools for one in self.rows if one.opens_to(caller)]
        return None if None in kept else tuple(sorted({pattern for tools in kept for pattern in tools or ()}))

    def labeled(self, label: str) -> Sealed | None:
        """Return the one with that label; empty: the one without."""
        return next((one.sealed for one in self.rows if one.sealed.terms.label == label), None)


_Ready = tuple[tuple[str, Glob], ...]


def _ready(rules: Iterable[Rule]) -> tuple[_Ready, ...]:
    return tuple(tuple((name, Glob(pattern)) for name, pattern in rule.arguments.items()) for rule in rules)


def _matches(rule: _Ready, arguments: Mapping[str, Any]) -> bool:
    return all(glob.matches(arguments.get(name)) for name, glob in rule)
