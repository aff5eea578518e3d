from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from devmesh.accounts.model import NewOrganization
from devmesh.accounts.profile import Profiles
from devmesh.accounts.service import Accounts
from devmesh.audit.service import Audit
from devmesh.db.changes import Changes
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.ids import new_id
from devmesh.keys.places import Places
from devmesh.keys.service import Keys
from devmesh.keys.verify import Verifier
from devmesh.mail.outbox import Outbox
from devmesh.settings import Settings


@pytest.fixture(scope="session")
async def audit(postgres, db, ring) -> AsyncIterator[Audit]:
    audit = Audit(db, postgres.app_dsn, lambda value: ring.digest("arguments", value))
    await audit.open()
    yield audit
    await audit.close()


@dataclass
class Written:
    """An outbox that writes files."""

    outbox: Outbox
    folder: Path

    async def files(self) -> list[Path]:
        """Return every mail that was put so far, the oldest first."""
        await self.outbox.settled()
        return sorted(self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
async def outbox(db, ring, tmp_path: Path) -> AsyncIterator[Written]:
    outbox = Outbox(db, ring, Settings(data_dir=tmp_path / "data"))
    await outbox.open()
    yield Written(outbox, tmp_path / "data" / "outbox")
    await outbox.close()


@pytest.fixture
def accounts_with(postgres, db, ring, audit, passwords, outbox) -> Callable[..., Accounts]:
    """Make the accounts of an installation with the given settings."""

    def make(**settings: object) -> Accounts:
        plans = Plans.load()
        changes = Changes(postgres.app_dsn)
        directory = Directory(ring)
        places = Places(directory, Tenants(), Users(ring), audit, plans, autocreate=True)
        keys = Keys(db, ring, changes, audit, plans, Verifier(db, ring, changes, plans), directory, places)
        known = Settings(data_dir=outbox.folder.parent, **settings)
        return Accounts(db, ring, directory, keys, audit, plans, passwords, outbox.outbox, known)

    return make


@pytest.fixture
def accounts(accounts_with) -> Accounts:
    return accounts_with()


@pytest.fixture
def profiles(postgres, db, ring, audit) -> Profiles:
    return Profiles(db, Users(ring), Changes(postgres.app_dsn), audit)


@pytest.fixture
def directory(ring) -> Directory:
    return Directory(ring)


@pytest.fixture
def new() -> Callable[..., NewOrganization]:
    """Fill in a registration's form, as the guide does, for an organization and an address of its own."""

    def fill(**fields: str) -> NewOrganization:
        mark = f"m{new_id().hex[-12:]}"
        usual = {
            "organization_name": "My Company",
            "organization_slug": f"my-company-{mark}",
            "admin_email": f"admin@{mark}.mycompany.com",
            "admin_name": "Admin User",
            "admin_password": "SecurePass123!",
        }
        return NewOrganization(**{**usual, **fields})

    return fill
