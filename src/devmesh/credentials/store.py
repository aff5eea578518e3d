"""Rows of credentials and their uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from devmesh.credentials.model import Credential, Sealed, Standing
from devmesh.credentials.terms import Terms
from devmesh.db.pool import Record, Tx
from devmesh.db.tally import Uses

_TERMS = "c.label, c.rules, c.allowed_tools, c.allowed_roles, c.expires_at, c.gateway_use"
_STANDING = "s.status, s.reason, s.account, s.granted_scopes, s.token_expires_at, s.checked_at"
_SHOWN = (
    "c.id, c.user_id, c.service, c.metadata, c.scopes, c.created_at, c.updated_at, "
    f"u.last_used_at, coalesce(u.usage_count, 0) as usage_count, {_TERMS}, {_STANDING}"
)
_SEALED = (
    f"select c.id, c.user_id, c.service, c.sealed, c.metadata ->> 'base_url' as base_url, {_TERMS}, "
    "d.id as data_key_id, d.wrapped, s.granted_scopes as granted from credentials c "
    "join data_keys d on d.organization_id = c.organization_id and d.user_id is not distinct from c.user_id "
    "left join credential_standing s on s.credential_id = c.id"
)


async def replace(
    tx: Tx,
    organization_id: UUID,
    tenant_id: UUID,
    user_id: UUID | None,
    new: Mapping[str, Any],
) -> None:
    """Keep the credential in place of the owner's former one of that label, whose uses go with it."""
    terms: Terms = new["terms"]
    await remove(tx, organization_id, tenant_id, user_id, new["service"], terms.label)
    await tx.run(
        "insert into credentials (id, organization_id, tenant_id, user_id, service, sealed, metadata, scopes, label, "
        "rules, allowed_tools, allowed_roles, expires_at, gateway_use) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        new["id"],
        organization_id,
        tenant_id,
        user_id,
        new["service"],
        new["sealed"],
        msgspec.json.encode(new["metadata"]).decode(),
        new["scopes"],
        terms.label,
        terms.rules,
        terms.allowed_tools,
        terms.allowed_roles,
        terms.expires_at,
        terms.gateway_use,
    )


async def of_owner(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID | None) -> list[Credential]:
    """Return what the user (None: the organization) has stored, by service and label."""
    rows = await tx.all(
        f"select {_SHOWN} from credentials c left join credential_usage u on u.credential_id = c.id "
        "left join credential_standing s on s.credential_id = c.id "
        "where c.organization_id = $1 and c.tenant_id = $2 and c.user_id is not distinct from $3 "
        'order by c.service, c.label collate "C"',
        organization_id,
        tenant_id,
        user_id,
    )
    return [_shown(row) for row in rows]


async def sealed(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> list[Sealed]:
    """Return what may serve the user's calls: the user's own and the organization's credentials, sealed."""
    rows = await tx.all(
        f"{_SEALED} where c.organization_id = $1 and c.tenant_id = $2 and (c.user_id = $3 or c.user_id is null)",
        organization_id,
        tenant_id,
        user_id,
    )
    return [Sealed(organization_id=organization_id, tenant_id=tenant_id, **_with_terms(row)) for row in rows]


async def sealed_one(tx: Tx, organization_id: UUID, tenant_id: UUID, credential_id: UUID) -> Sealed | None:
    """Return the credential, sealed, whoever's it is."""
    row = await tx.one(
        f"{_SEALED} where c.organization_id = $1 and c.tenant_id = $2 and c.id = $3",
        organization_id,
        tenant_id,
        credential_id,
    )
    return Sealed(organization_id=organization_id, tenant_id=tenant_id, **_with_terms(row)) if row else None


async def remove(
    tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID | None, service: str, label: str
) -> UUID | None:
    """Destroy the owner's credential of that label for that service and return its id; None if there was none."""
    found: UUID | None = await tx.value(
        "delete from credentials where organization_id = $1 and tenant_id = $2 "
        "and user_id is not distinct from $3 and service = $4 and label = $5 returning id",
        organization_id,
        tenant_id,
        user_id,
        service,
        label,
    )
    return found


async def labels(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID | None, service: str) -> list[str]:
    """Return the labels of the owner's credentials for that service, in order; empty: the one without."""
    rows = await tx.all(
        "select label from credentials where organization_id = $1 and tenant_id = $2 "
        'and user_id is not distinct from $3 and service = $4 order by label collate "C"',
        organization_id,
        tenant_id,
        user_id,
        service,
    )
    return [row["label"] for row in rows]


async def add_uses(tx: Tx, organization_id: UUID, tenant_id: UUID, uses: Uses) -> None:
    """Add to the use counts; a credential that is gone is passed over."""
    await tx.run(
        "insert into credential_usage (credential_id, organization_id, tenant_id, usage_count, last_used_at) "
        "select c.id, c.organization_id, c.tenant_id, n.uses, n.at "
        "from unnest($3::uuid[], $4::bigint[], $5::timestamptz[]) as n (id, uses, at) "
        # Locked, so that it cannot be deleted between being found and being referred to; one that is just being
        # deleted is passed over: to wait for it while holding others would be a deadlock.
        "join credentials c on c.id = n.id and c.organization_id = $1 and c.tenant_id = $2 "
        "for key share of c skip locked "
        "on conflict (credential_id) do update set usage_count = credential_usage.usage_count + excluded.usage_count, "
        "last_used_at = greatest(credential_usage.last_used_at, excluded.last_used_at)",
        organization_id,
        tenant_id,
        [use[0] for use in uses],
        [use[1] for use in uses],
        [use[2] for use in uses],
    )


async def count(tx: Tx, organization_id: UUID, tenant_id: UUID) -> int:
    """Return how many credentials are stored in the tenant."""
    found: int = await tx.value(
        "select count(*) from credentials where organization_id = $1 and tenant_id = $2", organization_id, tenant_id
    )
    return found


def _shown(row: Record) -> Credential:
    values = _with_terms(row)
    said = Standing(**{name: values.pop(name) for name in Standing.__struct_fields__})
    standing = None if said.checked_at is None else said
    return Credential(**{**values, "metadata": msgspec.json.decode(row["metadata"])}, standing=standing)


def _with_terms(row: Record) -> dict[str, Any]:
    """Return the row with its terms as one member."""
    values = dict(row)
    values["terms"] = Terms(**{name: values.pop(name) for name in Terms.__struct_fields__})
    return values


async def takes_passthrough(tx: Tx, organization_id: UUID) -> bool:
    """Return whether the organization lets calls bring a credential along."""
    found: bool = await tx.value(
        "select coalesce((policies ->> 'passthrough')::boolean, true) from organizations where id = $1", organization_id
    )
    return found
