"""Which stored credential a call would be made with, and why, in words; it opens none of them to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller
from devmesh.credentials.choice import Candidate, Candidates
from devmesh.credentials.model import Owner, Sealed
from devmesh.credentials.terms import Rule
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector

_ACCOUNT = "your organization's service account serves it"
_NONE = "No stored credential serves the call"


class Considered(Struct, frozen=True):
    """One of the caller's own credentials, and what speaks for or against it; `serves` is whether it is chosen."""

    id: UUID
    label: str | None
    serves: bool
    reason: str


class Explanation(Struct, frozen=True, kw_only=True):
    """The credential that is chosen (`source` is null for none), why, and the caller's own in the order of trying.

    `passthrough` tells whether credentials sent along with the call would be used in its place.
    """

    source: Owner | None
    id: UUID | None
    label: str | None
    reason: str
    passthrough: bool
    considered: list[Considered]


def tool_of(connector: Connector, name: str) -> str:
    """Return the full name of the connector's tool of that name (`get_issue`, `github.get_issue`); raise Invalid."""
    short = name.removeprefix(f"{connector.name}.").removeprefix(f"{connector.name}_")
    tool = connector.tools.get(short)
    if tool is None:
        raise Invalid([Fault("tool", f"{connector.title} has no tool of that name; GET /api/v1/tools lists them")])
    return tool.name


def explained(
    own: Candidates | None,
    accounts: Candidates | None,
    caller: Caller,
    tool: str | None,
    arguments: Mapping[str, Any],
    *,
    passes: bool,
) -> Explanation:
    """Return the explanation for a call of `tool` (None: of any that is allowed) with these arguments.

    `passes` is whether the organization lets calls bring a credential along. Of its credentials the one that is chosen
    is named, and nothing of the others or of any rule.
    """
    rows = own.rows if own else ()
    found = next((one for one in rows if one.serves(caller, tool, arguments)), None)
    considered = [_considered(one, found, arguments, alone=len(rows) == 1) for one in rows]
    if found is not None:
        reason = next(one.reason for one in considered if one.serves)
        return _explanation(found.sealed, f"Your own. {reason}", considered, passes=False)
    account = next((one for one in accounts.rows if one.serves(caller, tool, arguments)), None) if accounts else None
    if account is not None:
        unless = ", unless a credential is passed along with the call" if passes else ""
        reason = f"{'None of yours serves the call' if rows else 'You have stored none'}: {_ACCOUNT}{unless}."
        return _explanation(account.sealed, reason, considered, passes=passes)
    reason = f"{_NONE}: {'pass one along with it, or ' if passes else ''}store one that does."
    return Explanation(source=None, id=None, label=None, reason=reason, passthrough=passes, considered=considered)


def _explanation(chosen: Sealed, reason: str, considered: list[Considered], *, passes: bool) -> Explanation:
    own = chosen.user_id is not None
    at = chosen.terms.expires_at
    if at is not None and at <= datetime.now(UTC):
        reason = f"{reason} It has expired: the call is refused."
    return Explanation(
        source="user" if own else "organization",
        id=chosen.id,
        label=(chosen.terms.label or None) if own else None,
        reason=reason,
        passthrough=passes,
        considered=considered,
    )


def _considered(one: Candidate, found: Candidate | None, arguments: Mapping[str, Any], *, alone: bool) -> Considered:
    rule = one.matching(arguments)
    if one.has_rules:
        reason = f"Its rule {_text(rule)} matches." if rule else "None of its rules matches these arguments."
    else:
        reason = "It is the only one." if alone else "It has no rules: it serves what no other's rules match."
    if one is not found and (rule or not one.has_rules):
        reason = f"{reason} Another one goes before it."
    return Considered(one.sealed.id, one.sealed.terms.label or None, one is found, reason)


def _text(rule: Rule) -> str:
    return ", ".join(f"{name}={pattern}" for name, pattern in rule.arguments.items())
