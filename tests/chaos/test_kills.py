"""`kill -9` under load, again and again: what was acknowledged is there, and nothing was done unseen.

By default 20 kills; `CHAOS_KILLS=500` makes it a soak. `CHAOS_SEED` repeats the choice of moments.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chaos.installation import Installation, born, send, until
from chaos.load import Load, Outside
from chaos.witness import Witness, act_for
from devmesh.audit.rows import row_hash
from running import Organization

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(10_000))))
KINDS = ("the worker", "the database", "a backend", "worker and database", "everything")
# By itself, and not at all is the other answer: how soon says more of the machine.
GONE_SECONDS = 20
RECOVERY_SECONDS = 60


async def test_whatever_is_killed_nothing_acknowledged_is_lost_and_nothing_is_sent_unrecorded(
    installation: Installation, outside: Outside
):
    say(f"CHAOS_SEED={SEED}")
    await installation.start()
    async with Witness(installation) as github:
        await github.open()
        load = Load(outside, github)
        await load.prepare()
        chosen = random.Random(SEED)  # noqa: S311 - moments, no secrets
        async with load:
            for number in range(KILLS):
                await asyncio.sleep(chosen.uniform(0.1, 0.5))
                await kill(number, installation, load, chosen)
        await github.close()
        ledger = load.ledger
        assert ledger.surprises == []
        assert len(ledger.issues) > 5 * KILLS
        await everything_acknowledged_is_there(load, github)
        await every_request_had_its_intent(installation, load, github)
        await no_outcome_is_missing(installation, load)
        await no_use_is_counted_twice(load, outside)
    assert await installation.stop() == 0
    assert [line for line in installation.log.read_text().splitlines() if "Traceback" in line] == []


def say(text: str) -> None:
    """What pytest shows of a failed run, so that it can be repeated."""
    sys.stdout.write(f"{text}\n")


async def kill(number: int, installation: Installation, load: Load, chosen: random.Random) -> None:
    what = KINDS[number % len(KINDS)]
    if what == "everything":
        await kill_everything(installation)
    else:
        await kill_some(installation, what, chosen)
    killed, before = time.monotonic(), len(load.ledger.issues)
    await installation.ready(load.outside.http, RECOVERY_SECONDS)
    # A reply or two may still have been under way.
    await until(lambda: len(load.ledger.issues) > before + 10, RECOVERY_SECONDS, lambda: (what, load.ledger.surprises))
    say(f"kill {number}: {what}, calls are answered again after {time.monotonic() - killed:.2f} s")


async def kill_some(installation: Installation, what: str, chosen: random.Random) -> None:
    await until(lambda: installation.backends() and installation.workers(), RECOVERY_SECONDS)
    victims = [chosen.choice(installation.backends())] if what == "a backend" else []
    victims += [installation.postmaster()] if "database" in what else []
    victims += [chosen.choice(installation.workers())] if "worker" in what else []
    for victim in victims:
        send(victim, signal.SIGKILL)


async def kill_everything(installation: Installation) -> None:
    """Kill `devmesh serve` itself: nothing of it may be left, and the next start must work at once."""
    known = {process: born(process) for process in installation.descendants()}
    assert len(known) > 5
    installation.process.kill()
    killed = time.monotonic()
    installation.process.wait()
    while left := installation.remains(known):
        assert time.monotonic() - killed < GONE_SECONDS, left
        await asyncio.sleep(0.02)
    await installation.start()


async def everything_acknowledged_is_there(load: Load, github: Witness) -> None:
    upstream = Counter(issue["title"] for issue in github.issues)
    assert set(load.ledger.issues) <= set(upstream)
    assert not load.ledger.unsent & set(upstream), "a reply said that nothing was sent, and something was"
    assert max(upstream.values()) == 1
    for key_id, (organization_id, secret) in load.ledger.keys.items():
        organization = load.organizations[organization_id]
        status, _ = await load.ask(organization, "GET", "/api/v1/auth/profile", key=secret)
        if key_id in load.ledger.revoked:
            assert status == 401, f"{key_id} was revoked"
        elif key_id not in load.ledger.ending:
            assert status == 200, f"{key_id} was made"
    assert len(load.ledger.revoked) >= KILLS / 4
    for organization_id in load.ledger.stored:
        await load._see(load.organizations[organization_id])
    assert load.ledger.surprises == []


async def every_request_had_its_intent(installation: Installation, load: Load, github: Witness) -> None:
    """Match what arrived upstream with intents one to one, by a keyed digest of arguments that are never used twice."""
    intents: Counter[tuple[str, str]] = Counter()
    began: dict[tuple[str, str], float] = {}
    for organization_id in load.organizations:
        for row in await rows_of(installation, organization_id):
            assert row_hash(row) == row["row_hash"]
            facts = json.loads(row["record"])
            if row["phase"] == 0 and facts["action"] == "tool.call":
                intents[organization_id, facts["arguments_digest"]] += 1
                began[organization_id, facts["arguments_digest"]] = row["at"].timestamp()
    received = Counter((str(each.organization_id), each.digest) for each in github.sightings)
    assert not received - intents, "a request without an intent"
    assert all(began[str(each.organization_id), each.digest] <= each.at for each in github.sightings)
    # The strongest of all: the intent could be read by others at the moment that its request arrived.
    looked = [each for each in github.sightings if each.intents is not None]
    assert [each.arguments for each in looked if each.intents != 1] == []
    # Four kills in five take the database away, from the one request that each of six agents may have under way; more
    # than twenty arrive between two kills.
    assert len(looked) > 0.75 * len(github.sightings)
    assert len(github.sightings) == len(github.received)


async def no_outcome_is_missing(installation: Installation, load: Load) -> None:
    rows = {
        (organization_id, str(row["entry_id"]), row["phase"]): row
        for organization_id in load.organizations
        for row in await rows_of(installation, organization_id)
    }
    read = {
        entry["id"]: entry
        for organization in load.organizations.values()
        async for entry in entries_of(organization)
        if entry["action"] == "tool.call"
    }
    for told in load.ledger.issues.values():
        receipt = told["receipt"]
        intent = rows[told["organization"], receipt["id"], 0]
        outcome = rows[told["organization"], receipt["id"], 1]
        facts = json.loads(outcome["record"])
        assert facts["outcome"] == "ok"
        assert facts["intent"] == intent["row_hash"].hex()
        assert outcome["row_hash"].hex() == receipt["row_hash"]
        assert (read[receipt["id"]]["outcome"], read[receipt["id"]]["receipt"]) == ("ok", receipt)
    for organization_id, receipt in load.ledger.read:
        assert (organization_id, receipt["id"], 0) in rows
        assert read[receipt["id"]]["outcome"] in ("ok", "pending", "unknown")
    assert len(load.ledger.read) > KILLS


async def no_use_is_counted_twice(load: Load, outside: Outside) -> None:
    """Counts may fall short, by what a killed worker had in memory; a credential's also when it is replaced."""
    used = 0
    for organization in load.organizations.values():
        _, listed = await load.ask(organization, "GET", "/api/v1/api-keys?limit=200")
        counts = {entry["key_prefix"]: entry["usage_count"] for entry in listed["api_keys"]}
        assert [key for key, count in counts.items() if count > outside.requests_of(key)] == []
        _, listed = await load.ask(organization, "GET", "/api/v1/credentials")
        calls = max((outside.requests_of(key) for key in counts if key.startswith("usr_")), default=0)
        assert all(entry["usage_count"] <= calls for entry in listed["credentials"])
        used += sum(counts.values())
    # Of those that came while nothing served there are as many as the machine takes time, and none is a use.
    assert used > 0.25 * outside.served


async def rows_of(installation: Installation, organization_id: str) -> list[Any]:
    connection = await installation.as_owner()
    try:
        async with connection.transaction():
            await act_for(connection, UUID(organization_id))
            return await connection.fetch(
                "select * from audit_events where organization_id = $1", UUID(organization_id)
            )
    finally:
        await connection.close()


async def entries_of(organization: Organization) -> AsyncIterator[dict[str, Any]]:
    """Read the whole audit as an administrator does, page by page."""
    cursor = ""
    while cursor is not None:
        status, page = await organization.ask("GET", f"/api/v1/audit?limit=200{cursor and '&cursor='}{cursor}")
        assert status == 200, page
        for entry in page["entries"]:
            assert datetime.fromisoformat(entry["at"]) <= datetime.now(UTC)
            yield entry
        cursor = page["next_cursor"]
