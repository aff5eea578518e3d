"""The whole program, built once, in the order of the request path."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, cast

from devmesh.accounts import routes as accounts_routes
from devmesh.accounts.profile import Profiles
from devmesh.accounts.service import Accounts
from devmesh.administration import routes as administration_routes
from devmesh.administration.organization import OwnOrganization
from devmesh.administration.people import People
from devmesh.administration.standing import Standing
from devmesh.administration.tenants import TenantAdministration
from devmesh.administration.usage import Uses
from devmesh.audit import routes as audit_routes
from devmesh.audit.service import Audit
from devmesh.auth.gate import Gate
from devmesh.auth.service import Authenticator
from devmesh.connectors import CONNECTORS
from devmesh.contexts import routes as contexts_routes
from devmesh.contexts.expiry import Expiry
from devmesh.contexts.service import Contexts
from devmesh.credentials import routes as credentials_routes
from devmesh.credentials.notices import Notices
from devmesh.credentials.refresh import Refresh
from devmesh.credentials.service import Credentials
from devmesh.credentials.standing import Standings
from devmesh.credentials.vault import Vault
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.keeping import Keeping
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.directory.model import ORGANIZATION_CHANGED, USER_CHANGED
from devmesh.directory.plans import Plans
from devmesh.directory.round import Round
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.factors import routes as factors_routes
from devmesh.factors.enrolment import Enrolment
from devmesh.factors.service import Factors
from devmesh.gateway import routes as gateway_routes
from devmesh.gateway.call import Gateway
from devmesh.gateway.passed import passed_through
from devmesh.gateway.rests import Rests, RestsExpiry
from devmesh.http import health
from devmesh.http.application import litestar
from devmesh.http.edge import Edge
from devmesh.idempotency.service import Idempotency
from devmesh.invitations import routes as invitations_routes
from devmesh.invitations.service import Invitations
from devmesh.keys import routes as keys_routes
from devmesh.keys.behalf import Behalf
from devmesh.keys.leaks import Leaks
from devmesh.keys.places import Places
from devmesh.keys.reminders import Reminders
from devmesh.keys.service import Keys
from devmesh.keys.verify import Verifier
from devmesh.kms.choice import masters_of
from devmesh.limits.choice import choose
from devmesh.login import routes as login_routes
from devmesh.login.entry import Entry, Networks
from devmesh.login.own_password import OwnPassword
from devmesh.login.service import Login
from devmesh.login.throttle import Throttle
from devmesh.mail.outbox import Outbox
from devmesh.mcp.endpoint import Endpoint
from devmesh.metrics.listener import Listener
from devmesh.sessions import routes as sessions_routes
from devmesh.sessions.service import Sessions
from devmesh.sessions.signing import SigningKeys
from devmesh.sessions.verify import Verifier as SessionVerifier
from devmesh.settings import Settings
from devmesh.upstream.send import Sender

log = logging.getLogger(__name__)

Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

_ROUTES = [
    *accounts_routes.ROUTES,
    *login_routes.ROUTES,
    *sessions_routes.ROUTES,
    *invitations_routes.ROUTES,
    *administration_routes.ROUTES,
    *factors_routes.ROUTES,
    *keys_routes.ROUTES,
    *credentials_routes.ROUTES,
    *contexts_routes.ROUTES,
    *gateway_routes.ROUTES,
    *audit_routes.ROUTES,
    *health.ROUTES,
]
_ROOT = [*accounts_routes.PAGES, *invitations_routes.PAGES, *sessions_routes.ROOT, *health.ROOT]
_OWNERS_CHANGED = (USER_CHANGED, ORGANIZATION_CHANGED)
_MCP = ("/mcp", "/mcp/")
_MCP_BODY = 4 * 1024 * 1024


class App:
    """The program: `asgi` answers requests between `open` and `close`."""

    def __init__(
        self,
        settings: Settings,
        master_key: bytes | None,
        connect: Mapping[str, Any],
        direct: Mapping[str, Any],
        passwords: Passwords,
    ) -> None:
        plans = Plans.load(settings.plans_file, settings.default_plan)
        self.database = Database(connect)
        self.masters = masters_of(settings, master_key)
        self.ring = KeyRing(self.masters)
        self.changes = Changes(direct)
        self.audit = Audit(self.database, direct, partial(self.ring.digest, "arguments"))
        self.limits = limits = choose(plans.default.requests_per_minute, plans.default.burst, settings)
        self.data_keys = DataKeys(self.ring)
        self.keeping = Keeping(self.database, self.masters, self.data_keys, self.changes, _OWNERS_CHANGED)
        self.verifier = Verifier(self.database, self.ring, self.changes, plans)
        directory, issuer = Directory(self.ring), settings.public_url
        signing_keys = SigningKeys(self.database, self.ring, self.changes)
        self.sessions = Sessions(self.database, self.ring, self.changes, self.audit, directory, signing_keys, issuer)
        self.session_verifier = SessionVerifier(self.database, signing_keys, self.changes, plans, issuer)
        behalf = Behalf(self.database, self.changes)
        authenticator = Authenticator(self.verifier, behalf, self.session_verifier, limits, self.audit)
        self.vault = Vault(self.database, self.data_keys, self.changes)
        self.sender = Sender(settings.upstream_allow)
        rests = Rests(self.database, self.data_keys)
        self.gateway = Gateway(CONNECTORS, limits, self.vault, self.sender, self.audit, rests, self.changes)
        tenants, users = Tenants(), Users(self.ring)
        places = Places(directory, tenants, users, self.audit, plans, autocreate=settings.tenant_autocreate)
        self.keys = Keys(self.database, self.ring, self.changes, self.audit, plans, self.verifier, directory, places)
        self.credentials = Credentials(
            self.database, self.data_keys, self.vault, self.changes, self.audit, CONNECTORS, self.sender, tenants, users
        )
        self.contexts = Contexts(self.database, directory, plans, self.audit)
        self.outbox = Outbox(self.database, self.ring, settings)
        self._rounds = self._going_round(directory, issuer)
        self.accounts = Accounts(
            self.database, self.ring, directory, self.keys, self.audit, plans, passwords, self.outbox, settings
        )
        services = {
            **self._people(settings, passwords, directory),
            "invitations": self._inviting(settings, passwords, directory, plans),
            "accounts": self.accounts,
            "sessions": self.sessions,
            "signing_keys": signing_keys,
            **self._administering(directory, tenants, users, plans),
            "keys": self.keys,
            "credentials": self.credentials,
            "contexts": self.contexts,
            "gateway": self.gateway,
            "audit": self.audit,
            "readiness": health.Readiness(self.database),
        }
        self.once = Idempotency(self.database, self.ring, self.data_keys, directory, tenants, users)
        api = cast("Asgi", litestar(_ROUTES, services, root=_ROOT, once=self.once))
        rest = Gate(api, authenticator, limits, self.audit)
        endpoint = Endpoint(authenticator, limits, self.gateway, passed_through)
        self.asgi: Asgi = Edge(_front(endpoint, rest), settings, limits={"/mcp": _MCP_BODY})
        self._metrics = Listener(*settings.metrics_addr, settings.workers) if settings.metrics_addr else None

    def _going_round(self, directory: Directory, url: str) -> tuple[Round, ...]:
        """Return what is done for every tenant once an hour."""
        db = self.database
        self.reminders = Reminders(db, directory, self.outbox, url)
        titles = {name: connector.title for name, connector in CONNECTORS.items()}
        notices, standings = Notices(self.outbox, titles, url), Standings(self.changes)
        self.refresh = Refresh(db, directory, self.vault, standings, notices, self.audit, CONNECTORS, self.sender)
        return Expiry(db, directory), RestsExpiry(db, directory), self.reminders, self.refresh

    def _people(self, settings: Settings, passwords: Passwords, directory: Directory) -> dict[str, Any]:
        """Return the services by which people log in and look after their own account."""
        db, ring, audit, users = self.database, self.ring, self.audit, Users(self.ring)
        self.factors = Factors(ring, self.data_keys, settings.public_url)
        url = settings.public_url
        enrolment = Enrolment(
            db, ring, self.data_keys, directory, users, audit, self.outbox, self.sessions, self.factors, url
        )
        self.leaks = Leaks(db, ring, self.changes, audit, directory, users, self.outbox, url)
        networks, throttle = Networks(ring), Throttle(db, ring)
        self.entry = Entry(users, self.sessions, networks, audit, directory, self.outbox, settings.public_url)
        self.own_password = OwnPassword(
            db,
            ring,
            directory,
            users,
            self.sessions,
            networks,
            throttle,
            passwords,
            self.changes,
            self.outbox,
            audit,
            settings.public_url,
        )
        login = Login(db, ring, directory, users, self.factors, self.entry, networks, throttle, passwords, audit)
        profiles = Profiles(db, users, self.changes, audit)
        return {
            "login": login,
            "own_password": self.own_password,
            "profiles": profiles,
            "enrolment": enrolment,
            "leaks": self.leaks,
        }

    def _inviting(self, settings: Settings, passwords: Passwords, directory: Directory, plans: Plans) -> Invitations:
        """Return the service by which people join."""
        self.invitations = Invitations(
            self.database,
            self.ring,
            directory,
            Users(self.ring),
            self.entry,
            self.audit,
            plans,
            passwords,
            self.outbox,
            settings,
        )
        return self.invitations

    def _administering(self, directory: Directory, tenants: Tenants, users: Users, plans: Plans) -> dict[str, Any]:
        """Return the services by which administrators and owners look after the organization."""
        db, audit, changes, standing = self.database, self.audit, self.changes, Standing(directory)
        pending = self.invitations.pending
        return {
            "people": People(db, standing, users, self.sessions, self.data_keys, changes, audit),
            "tenants": TenantAdministration(db, standing, tenants, users, plans, changes, audit),
            "organization": OwnOrganization(db, directory, standing, self.sessions, changes, audit),
            "uses": Uses(db, directory, tenants, users, self.keys, self.credentials, self.contexts, pending, plans),
        }

    async def open(self) -> None:
        """Connect and begin the background work; raise DatabaseAway, WrongMasterKey or KmsError."""
        await self.database.open()
        await self.ring.open(self.database)
        await self.audit.open()
        await self.changes.open()
        await self.limits.open()
        if self._metrics is not None:
            await self._metrics.open()
        await self.outbox.open()
        await self.once.open()
        self.verifier.uses.open()
        self.vault.uses.open()
        for work in self._rounds:
            work.open()
        self.keeping.open()

    async def close(self) -> None:
        """Write what is still in memory, counts and audit, and let everything go; call when no request is under way."""
        if self._metrics is not None:
            await self._metrics.close()
        await self.accounts.settle()
        await self.own_password.settle()
        for work in self._rounds:
            await work.close()
        await self.once.close()
        await self.outbox.close()
        await self.verifier.uses.close()
        await self.vault.uses.close()
        await self.audit.close()
        await self.limits.close()
        await self.changes.close()
        await self.keeping.close()
        await self.masters.close()
        await self.sender.close()
        await self.database.close()


async def build(
    settings: Settings,
    master_key: bytes | None,
    connect: Mapping[str, Any],
    direct: Mapping[str, Any] | None = None,
    *,
    passwords: Passwords | None = None,
) -> App:
    """Return the program, connected and ready; `connect` and `direct` are the app role's, in asyncpg's words.

    Raises DatabaseAway, WrongMasterKey, KmsError or SettingsError.
    """
    app = App(settings, master_key, connect, direct or connect, passwords or Passwords())
    await app.open()
    return app


def _front(endpoint: Asgi, rest: Asgi) -> Asgi:
    def front(scope: MutableMapping[str, Any], receive: Any, send: Any) -> Awaitable[None]:
        return (endpoint if scope["path"] in _MCP else rest)(scope, receive, send)

    return front
