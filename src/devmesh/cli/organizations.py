"""`devmesh organizations`."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.cli.connected import CommandFailed, connected, failed
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.directory import names
from devmesh.directory.model import ORGANIZATION_CHANGED, Organization
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.serve.connections import Connections
from devmesh.settings import Settings, SettingsError

_PAGE = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is done, with which organization."""
    parser.add_argument(
        "action",
        choices=["list", "set-plan"],
        help="list: show each with its plan and users; set-plan: put one on a plan, from its next request on",
    )
    parser.add_argument("slug", nargs="?", help="set-plan: which organization")
    parser.add_argument("plan", nargs="?", help="set-plan: a plan of the plans file")


def run(options: argparse.Namespace) -> int:
    """Do it, and say what is so now; 1 if it cannot be done, with the reason."""
    try:
        _check(options)
        settings = Settings.load(os.environ)
        plans = Plans.load(settings.plans_file, settings.default_plan)
        with connected(settings) as (to, masters):
            ring = KeyRing(masters)
            if options.action == "list":
                asyncio.run(_list(to, ring, plans))
            else:
                asyncio.run(_set_plan(to, ring, plans, options.slug, options.plan))
    except (CommandFailed, SettingsError) as error:
        what = "The organizations cannot be listed" if options.action == "list" else "The plan was not changed"
        return failed(what, CommandFailed(str(error)))
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.action == "set-plan" and options.plan is None:
        raise CommandFailed("write 'devmesh organizations set-plan SLUG PLAN'.")
    if options.action == "list" and options.slug is not None:
        raise CommandFailed("write 'devmesh organizations list', with nothing behind it.")


async def _list(to: Connections, ring: KeyRing, plans: Plans) -> None:
    directory, users, after = Directory(ring), Users(ring), None
    async with _opened(to, ring) as database:
        while True:
            async with database.routing() as tx:
                found = await directory.organizations(tx, after, _PAGE)
            for organization_id in found:
                async with database.acting(organization_id) as tx:
                    organization = await directory.organization(tx, organization_id)
                    count = await users.count(tx, organization_id)
                if organization is not None:
                    print(_line(organization, plans, count))
            if len(found) < _PAGE:
                return
            after = found[-1]


async def _set_plan(to: Connections, ring: KeyRing, plans: Plans, slug: str, plan: str) -> None:
    if plan not in plans.names():
        raise CommandFailed(f"there is no plan '{plan}'; choose one of {', '.join(plans.names())}.")
    directory = Directory(ring)
    async with _opened(to, ring) as database:
        async with database.routing() as tx:
            organization_id = await directory.organization_of(tx, _spelled(slug))
        if organization_id is None:
            raise CommandFailed(f"there is no organization '{slug}'; 'devmesh organizations list' shows all.")
        audit = Audit(database, to.direct, partial(ring.digest, "arguments"))
        async with database.acting(organization_id) as tx:
            before = await directory.lock(tx, organization_id)
            organization = await directory.set_plan(tx, organization_id, plan)
            if before is None or organization is None:
                raise CommandFailed(f"there is no organization '{slug}' any more.")
            await Changes(to.direct).announce(tx, ORGANIZATION_CHANGED, str(organization_id))
            actor = Visitor(organization_id=organization_id)
            await audit.record_in(tx, actor, "organization.set-plan", organization.slug, before=before.plan, plan=plan)
            count = await Users(ring).count(tx, organization_id)
    print(_line(organization, plans, count))
    allowed = plans.of(plan).max_users
    if allowed is not None and count > allowed:
        print(f"It has more users than the plan allows: all of them stay, and none is added above {allowed}.")


@asynccontextmanager
async def _opened(to: Connections, ring: KeyRing) -> AsyncIterator[Database]:
    database = Database(to.app, size=1)
    await database.open()
    try:
        await ring.open(database)
        yield database
    finally:
        await database.close()


def _line(organization: Organization, plans: Plans, users: int) -> str:
    plan = plans.of(organization.plan)
    # A plan that the plans file no longer holds: the default one stands in for it.
    told = plan.name if organization.plan == plan.name else f"{plan.name} (for {organization.plan}, which is not there)"
    return f"{organization.slug}  {organization.id}  plan {told}  users {users} of {plan.max_users or 'any number'}"


def _spelled(slug: str) -> str:
    try:
        return names.slug(slug)
    except ValueError as error:
        raise CommandFailed(f"the slug {error}.") from None
