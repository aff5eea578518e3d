"""The rules about the organization itself: its name, its policies, and its end."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from devmesh.access import Caller, Role
from devmesh.administration.model import NewPolicies, OrganizationChange
from devmesh.administration.standing import Standing
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory import names
from devmesh.directory.model import ORGANIZATION_CHANGED, Organization, Policies
from devmesh.directory.service import Directory
from devmesh.errors import Fault, Invalid, InvalidKey
from devmesh.sessions.service import Sessions

_WRITE = "organization:write"


class OwnOrganization:
    """Shows, changes and removes the caller's organization."""

    def __init__(
        self,
        db: Database,
        directory: Directory,
        standing: Standing,
        sessions: Sessions,
        changes: Changes,
        audit: Audit,
    ) -> None:
        self._db = db
        self._directory = directory
        self._standing = standing
        self._sessions = sessions
        self._changes = changes
        self._audit = audit

    async def show(self, caller: Caller) -> Organization:
        """Return the organization."""
        caller.require("organization:read")
        return await self._read(caller)

    async def change(self, caller: Caller, change: OrganizationChange) -> Organization:
        """Keep what is sent, and return the organization as it is from now on; raise Invalid."""
        caller.require(_WRITE)
        if change.name is UNSET:
            return await self._read(caller)
        try:
            name = names.name(change.name)
        except ValueError as error:
            raise Invalid([Fault("name", str(error))]) from None
        async with self._db.acting(caller.organization_id) as tx:
            await self._standing.take(tx, caller, _WRITE, Role.OWNER)
            renamed = await self._directory.rename(tx, caller.organization_id, name)
            await self._tell(tx, caller, "organization.change", name=name)
        return _there(renamed)

    async def policies(self, caller: Caller) -> Policies:
        """Return what the organization asks of its people."""
        caller.require("policies:read")
        return (await self._read(caller)).policies

    async def set_policies(self, caller: Caller, new: NewPolicies) -> Policies:
        """Ask this of the organization's people from now on, live sessions included."""
        caller.require("policies:write")
        async with self._db.acting(caller.organization_id) as tx:
            organization, _ = await self._standing.take(tx, caller, "policies:write")
            now = organization.policies
            policies = Policies(
                require_mfa=new.require_mfa,
                password_policy=new.password_policy,
                max_key_age_days=now.max_key_age_days if new.max_key_age_days is UNSET else new.max_key_age_days,
                passthrough=now.passthrough if new.passthrough is UNSET else new.passthrough,
            )
            await self._directory.set_policies(tx, caller.organization_id, policies)
            await self._tell(tx, caller, "policies.change", **msgspec.structs.asdict(policies))
        return policies

    async def remove(self, caller: Caller, confirm: str) -> None:
        """Remove the organization with its tenants, people, keys and credentials; its audit stays, its slug is free.

        Only an owner can who has logged in within 15 minutes, and only by naming the slug. Raises SessionRequired,
        ReauthenticationRequired, or Invalid for another slug.
        """
        caller.require_session()
        caller.require(_WRITE)
        if confirm != caller.organization_slug:
            raise Invalid([Fault("confirm", "must be the slug of your organization")])
        organization_id = caller.organization_id
        async with self._db.acting(organization_id) as tx:
            await self._standing.take(tx, caller, _WRITE, Role.OWNER)
            await self._sessions.require_recent(tx, caller, "Removing the organization")
            await self._directory.remove(tx, organization_id)
            await self._tell(tx, caller, "organization.remove", slug=confirm)
            # Nobody is left who could read the organization's own record, so the operator has one too.
            operator = Visitor(address=caller.address, request_id=caller.request_id)
            await self._audit.record_in(tx, operator, "organization.remove", str(organization_id), slug=confirm)

    async def _read(self, caller: Caller) -> Organization:
        async with self._db.acting(caller.organization_id) as tx:
            return _there(await self._directory.organization(tx, caller.organization_id))

    async def _tell(self, tx: Tx, caller: Caller, action: str, **facts: Any) -> None:
        await self._audit.record_in(tx, caller, action, str(caller.organization_id), **facts)
        await self._changes.announce(tx, ORGANIZATION_CHANGED, str(caller.organization_id))


def _there(organization: Organization | None) -> Organization:
    if organization is None:
        raise InvalidKey  # removed while this request was under way
    return organization
