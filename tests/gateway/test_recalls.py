"""A call that waits for its next try is not sent again for whoever, or with what, ended meanwhile."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from devmesh.credentials.vault import CREDENTIAL_CHANGED
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.gateway.recalls import Recalls
from devmesh.keys.verify import KEY_CHANGED
from devmesh.sessions.model import SESSION_CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable

    from devmesh.demo.github import GitHub
    from running import Organization

ORGANIZATION, TENANT, USER, KEY, OWNER, OTHER = (UUID(int=number) for number in range(1, 7))
ISSUE = {"owner": "o", "repo": "r", "issue_number": 1}


class Notices:
    """Tells what it is given to tell, as the database's notices would."""

    def __init__(self) -> None:
        self.told: dict[str, Callable[[str], None]] = {}
        self.is_fresh = True

    def subscribe(self, kind: str, heard: Callable[[str], None]) -> None:
        self.told[kind] = heard

    def missed(self, forget: Callable[[], None]) -> None:
        self.lose = forget

    def fresh(self) -> bool:
        return self.is_fresh


def caller(expires: float | None = None) -> SimpleNamespace:
    ids = {"organization_id": ORGANIZATION, "tenant_id": TENANT, "user_id": USER, "key_id": KEY}
    return SimpleNamespace(**ids, expires=expires, bounds=SimpleNamespace(owner_id=OWNER))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (KEY_CHANGED, f"{KEY}"),
        (USER_CHANGED, f"{USER}"),
        (USER_CHANGED, f"{OWNER}"),
        (SESSION_CHANGED, f"{USER}"),
        (TENANT_CHANGED, f"{TENANT}"),
        (ORGANIZATION_CHANGED, f"{ORGANIZATION}"),
        (CREDENTIAL_CHANGED, f"{ORGANIZATION}:{TENANT}:{USER}"),
        (CREDENTIAL_CHANGED, f"{ORGANIZATION}:{TENANT}:"),
    ],
)
def test_a_change_of_what_it_stands_on_ends_it(kind: str, text: str):
    notices = Notices()
    recalls = Recalls(notices)
    notices.told[kind](text)
    since = recalls.now()
    assert recalls.stand(caller(), since)
    notices.told[kind](text)
    notices.told[USER_CHANGED](f"{OTHER}")
    assert not recalls.stand(caller(), since)


def test_a_change_of_somebody_elses_does_not():
    notices = Notices()
    recalls = Recalls(notices)
    for kind in (KEY_CHANGED, USER_CHANGED, SESSION_CHANGED, TENANT_CHANGED, ORGANIZATION_CHANGED):
        notices.told[kind](f"{OTHER}")
    notices.told[CREDENTIAL_CHANGED](f"{ORGANIZATION}:{TENANT}:{OTHER}")
    assert recalls.stand(caller(), 0)


def test_what_cannot_be_known_ends_it():
    notices = Notices()
    recalls = Recalls(notices)
    notices.is_fresh = False
    assert not recalls.stand(caller(), recalls.now())
    notices.is_fresh = True
    assert recalls.stand(caller(), recalls.now())
    since = recalls.now()
    notices.lose()
    assert not recalls.stand(caller(), since)
    since = recalls.now()
    for number in range(1001):
        notices.told[USER_CHANGED](f"{number}")
    assert not recalls.stand(caller(), since)
    assert len(recalls._heard) == 1000


def test_a_key_that_expires_ends_it():
    recalls = Recalls(Notices())
    assert recalls.stand(caller(time.time() + 60), 0)
    assert not recalls.stand(caller(time.time() - 1), 0)


@pytest.mark.parametrize("what", ["key", "credential"])
async def test_nothing_is_sent_again_once_it_is_revoked(organization: Organization, github: GitHub, what: str):
    await organization.connect(github, "ghp_adas_token_000000")
    made = (await organization.ask("POST", "/api/v1/api-keys", {"name": "one", "key_type": "user"}))[1]
    asked = asyncio.Event()

    def trouble(_received: object) -> tuple[int, dict[str, str], dict[str, str]]:
        asked.set()
        # Longer than a busy machine takes to revoke it.
        return 503, {"message": "busy"}, {"retry-after": "5"}

    github.answer = trouble
    before = len(github.received)
    call = asyncio.create_task(organization.call("github.get_issue", ISSUE, key=made["api_key"]))
    await asked.wait()
    path = f"/api/v1/api-keys/{made['id']}" if what == "key" else "/api/v1/credentials/github"
    status, _ = await organization.ask("DELETE", path)
    assert status in (200, 204)
    result = await call
    assert (result["isError"], result["_meta"]["upstream_status"]) == (True, 503)
    assert len(github.received) == before + 1
