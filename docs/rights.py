# ruff: noqa: INP001 - beside the pages, no package
"""The page of the scopes: what each is for, and whose role and key may hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tables import plain, table

from devmesh import app
from devmesh.access import KeyType, Role, scopes
from devmesh.http.routing import ANY, BY_TOOL, SESSION

# What no route names, because the tool or the credential's owner decides.
_BESIDE = {
    "tools:read": "tools that change nothing: `tools:read:github`, `tools:read:github.get_*`",
    "tools:execute": "all tools: `tools:execute:github.create_issue`, `tools:execute:jira`",
    "service-accounts:read": "the organization's credentials (`?owner=organization`)",
    "service-accounts:write": 'the organization\'s credentials (`"owner": "organization"`)',
}


def page() -> Iterator[str]:
    """Yield the page."""
    yield "# Scopes"
    yield (
        "A scope is `resource:action`, or `resource:action:name` for tools. `*` stands for a whole part, and for the "
        "end of a name. What a request may do is what the key's scopes, the key's type and its owner's role allow "
        "**together**; a session has the scopes of its person's role. [Keys](../guide/keys.md) says how a key gets "
        "them, and [Authentication](../guide/authentication.md) who sends what."
    )
    yield "## Short words"
    yield "A word stands for a set, which grows with the program; the role and the type still cut it."
    words = scopes._WORDS  # noqa: SLF001 - the table itself
    yield table(("Word", "Stands for"), ((f"`{word}`", _listed(held)) for word, held in words.items()))
    yield (
        "`read` opens the tools that change nothing, as `tools:read` does. No word and no `*` opens an operation whose "
        "reply hands out a credential: it takes a scope with its whole name."
    )
    yield "## What each scope is for, and who may hold it"
    yield (
        "At most, by the ceilings below. An admin key is as wide as its owner's role. With `profile`, `keys` and "
        "`credentials`, members mean their own; administrators, through admin keys and sessions, all keys."
    )
    roles, kinds = list(reversed(Role)), [kind for kind in KeyType if kind is not KeyType.ADMIN]
    head = ("Scope", "For", *(f"role {role}" for role in roles), *(f"{kind} key" for kind in kinds))
    yield table(head, (_row(scope, what, roles, kinds) for scope, what in sorted(_needed().items())))
    yield "## The ceilings as they are written"
    ceilings = ((*name.partition(":"), held) for name, held in scopes._CEILINGS.items())  # noqa: SLF001 - as above
    yield table(("Whose", "At most"), ((f"{what} {whose}", _listed(held)) for what, _, whose, held in ceilings))


def _row(scope: str, what: str, roles: list[Role], kinds: list[KeyType]) -> tuple[str, ...]:
    by_role = (scopes.Rights((scope,), role).allows(scope) for role in roles)
    by_kind = (scopes.Rights((scope,), Role.OWNER, kind).allows(scope) for kind in kinds)
    return (f"`{scope}`", what, *("yes" if held else "" for held in (*by_role, *by_kind)))


def _needed() -> dict[str, str]:
    """Return every scope that some request needs, with what needs it."""
    found: dict[str, set[str]] = {}
    for handler in (*app._ROUTES, *app._ROOT):  # noqa: SLF001 - the lists themselves
        scope = handler.opt["scope"]
        if scope not in (None, ANY, SESSION, BY_TOOL):
            methods = handler.http_methods - {"HEAD"}
            found.setdefault(scope, set()).update(
                f"{method} {plain(path)}" for method in methods for path in handler.paths
            )
    return {scope: _listed(sorted(needs)) for scope, needs in found.items()} | _BESIDE


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
