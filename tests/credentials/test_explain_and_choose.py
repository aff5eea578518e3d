"""What is explained is what is done: for whatever is stored, whoever calls, whatever the call brings along."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devmesh.access import Caller, Role
from devmesh.access.model import Allowance, Bounds, Person
from devmesh.access.scopes import Rights
from devmesh.connectors import CONNECTORS
from devmesh.credentials.explain import Explanation
from devmesh.credentials.model import (
    Chosen,
    CredentialExpired,
    CredentialNotFound,
    NoCredential,
    PassthroughOff,
    Sealed,
)
from devmesh.credentials.reach import Stored
from devmesh.credentials.terms import Rule, Terms, written
from devmesh.crypto.sealing import new_key
from devmesh.ids import new_id

if TYPE_CHECKING:
    from running import Mesh

GITHUB = CONNECTORS["github"]
ORGANIZATION, TENANT, USER = (new_id() for _ in range(3))
TOOLS = ("get_issue", "list_issues", "create_issue", "call_api")
PASSED = {"token": "ghp_passed_along_000000"}

texts = st.sampled_from(("acme", "ACME", "hooli", "shared-docs", ""))
arguments = st.fixed_dictionaries(
    {}, optional={"owner": texts, "repo": texts, "path": st.just("/repos/acme/shared-docs"), "issue_number": st.just(7)}
)
patterns = st.sampled_from(("acme", "Hooli", "*", "shared-*", "7", "/repos/acme/*"))
names = st.sampled_from(("owner", "repo", "path", "issue_number"))
rules = st.lists(st.builds(Rule, st.dictionaries(names, patterns, min_size=1, max_size=2)), max_size=2)
ends = st.sampled_from((None, None, timedelta(days=1), timedelta(days=-1)))


@st.composite
def terms(draw: st.DrawFn, *, account: bool) -> Terms:
    left, kept = draw(ends), {}
    if account:
        kept["allowed_tools"] = draw(st.sampled_from((None, ["github.get_*"], ["github.*_issue", "github.call_api"])))
        kept["allowed_roles"] = draw(st.sampled_from((None, ["member"], ["owner", "admin"])))
    else:
        kept["gateway_use"] = draw(st.booleans())
    expires_at = None if left is None else datetime.now(UTC) + left
    label = draw(st.sampled_from(("", "a", "b", "z")))
    return Terms(label=label, rules=written(draw(rules)), expires_at=expires_at, **kept)


def several(*, account: bool) -> st.SearchStrategy[list[Terms]]:
    return st.lists(terms(account=account), max_size=4, unique_by=lambda one: one.label)


def caller_of(role: Role, *, gateway: bool) -> Caller:
    return Caller(
        organization_id=ORGANIZATION,
        organization_slug="acme",
        tenant_id=TENANT,
        user_id=USER,
        role=role,
        rights=Rights(["admin", "write"], "owner"),
        person=Person("", "", "", ""),
        allowance=Allowance(0, 1),
        bounds=Bounds(owner_id=new_id()) if gateway else Bounds(),
    )


def sealed(mesh: Mesh, user_id: UUID | None, of: list[Terms]) -> list[Sealed]:
    """Return such credentials as the vault would read them, each of a token that names its id."""
    key_id, key = new_id(), new_key()
    wrapped = mesh.app.masters.wrap(1, key, "data", ORGANIZATION, user_id, key_id)
    made = []
    for each in of:
        row = Sealed(new_id(), ORGANIZATION, TENANT, user_id, "github", b"", None, key_id, wrapped, each)
        made.append(
            Sealed(
                *(row.id, ORGANIZATION, TENANT, user_id, "github"),
                mesh.app.vault.seal(key, row, {"token": str(row.id)}),
                *(None, key_id, wrapped, each),
            )
        )
    return made


async def told(mesh: Mesh, caller: Caller, tool: str, given: Mapping[str, Any]) -> Explanation | None:
    try:
        return await mesh.app.credentials.explain(caller, "github", tool, given)
    except CredentialNotFound:
        return None


async def done(
    mesh: Mesh, caller: Caller, tool: str, given: Mapping[str, Any], passed: Mapping[str, str] | None
) -> Chosen | type[Exception]:
    try:
        return await mesh.app.vault.choose(caller, GITHUB.tools[tool], given, passed)
    except (NoCredential, CredentialExpired, PassthroughOff) as error:
        return type(error)


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    own=several(account=False),
    accounts=several(account=True),
    policy=st.booleans(),
    role=st.sampled_from(Role),
    gateway=st.booleans(),
    tool=st.sampled_from(TOOLS),
    given_=arguments,
)
async def test_the_call_is_made_with_what_explain_names_and_with_nothing_else(
    mesh: Mesh,
    own: list[Terms],
    accounts: list[Terms],
    *,
    policy: bool,
    role: Role,
    gateway: bool,
    tool: str,
    given_: dict[str, Any],
):
    caller = caller_of(role, gateway=gateway)
    rows = [*sealed(mesh, USER, own), *sealed(mesh, None, accounts)]
    ended = {row.id for row in rows if row.terms.expires_at and row.terms.expires_at < datetime.now(UTC)}
    stored = Stored(rows, passthrough=policy)
    with ExitStack() as stack:
        stack.enter_context(patch.object(mesh.app.vault, "_known", lambda _caller: stored))
        stack.enter_context(patch.object(mesh.app.vault.uses, "count", lambda *_: None))
        said = await told(mesh, caller, tool, given_)
        alone = await done(mesh, caller, tool, given_, None)
        along = await done(mesh, caller, tool, given_, PASSED)

    named = said.id if said is not None else None
    if named is None:
        assert alone is NoCredential
    elif named in ended:
        assert alone is CredentialExpired
        assert said.reason.endswith("It has expired: the call is refused.")
    else:
        assert (alone.source, alone.id, alone.fields) == (said.source, named, {"token": str(named)})
    if said is not None and said.source == "user":
        assert along == alone
        assert not said.passthrough
    else:
        expected = Chosen("passthrough", None, None, PASSED) if policy else PassthroughOff
        assert along == expected
        assert said is None or said.passthrough == policy
    assert [one.id for one in (said.considered if said else ()) if one.serves] == (
        [named] if said is not None and said.source == "user" else []
    )
