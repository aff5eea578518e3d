"""Guessing is slowed down, and cannot be made a weapon against the person whose account it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from devmesh.db.pool import Database
from devmesh.login import throttle
from devmesh.login.store_failures import Counter
from devmesh.login.throttle import Rule, Throttle, TooManyFailures
from login.conftest import WRONG, at_once, new_address, stand_still

if TYPE_CHECKING:
    from login.conftest import Door, Reply
    from running import Mesh

RULE = Rule(free=5, most=60, fades=100)


def refused(reply: Reply) -> bool:
    return (reply.status, reply.body["code"]) == (429, "too_many_failures")


async def fail_until_refused(door: Door, email: str, address: str, *, most: int = 20) -> int:
    """Fail with the account from the address; return how many times that was let through."""
    for count in range(most):
        if refused(await door.login(email, WRONG, address=address)):
            return count
    return most


async def hours_pass(door: Door, hours: float) -> None:
    """Let everything that is counted be so much older."""
    async with door.app.database.routing() as tx:
        moved = timedelta(hours=hours)
        await tx.run(
            "update login_failures set latest = latest - $1::interval, blocked_until = blocked_until - $1::interval",
            moved,
        )
        await tx.run("update sprayed_accounts set latest = latest - $1::interval", moved)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (4.9, 1), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (10_000, 60)]
)
def test_each_failure_beyond_the_free_ones_doubles_the_wait_up_to_the_bound(failures: float, seconds: int):
    assert RULE.wait(failures) == timedelta(seconds=seconds)


def test_failures_fade_and_never_below_none():
    latest = datetime(2030, 1, 1, tzinfo=UTC)
    counter = Counter(b"", 6.0, latest, latest)
    assert RULE.standing(counter, latest) == 6
    assert RULE.standing(counter, latest + timedelta(seconds=250)) == 3.5
    assert RULE.standing(counter, latest + timedelta(days=1)) == 0
    assert RULE.standing(counter, latest - timedelta(seconds=9)) == 6  # a clock that went back


def test_one_address_never_fills_what_slows_an_account_for_strangers():
    for of_account, of_pair in ((throttle.ACCOUNT, throttle.PAIR), (throttle.FACTOR_ACCOUNT, throttle.FACTOR_PAIR)):
        assert of_pair.most >= of_account.fades
        steps = range(of_pair.free, of_pair.free + 20)
        until_bound = next(step for step in steps if of_pair.wait(step) == timedelta(seconds=of_pair.most))
        assert until_bound < of_account.free


async def test_known_and_unknown_accounts_are_refused_after_as_many_failures_in_the_same_words(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada = await door.person()
    seen = []
    for email in (ada.email, f"x{ada.email}"):
        address = new_address()
        assert await fail_until_refused(door, email, address) == 5
        seen.append(await door.login(email, WRONG, address=address))
    assert [reply.headers["Retry-After"] for reply in seen] == ["1", "1"]
    assert seen[0].without_ids() == seen[1].without_ids()


async def test_after_the_wait_the_next_failure_doubles_it_and_the_right_password_still_opens(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada = await door.person()
    await fail_until_refused(door, ada.email, door.address)
    await hours_pass(door, 1.1 / 3600)
    assert (await door.login(ada.email, WRONG)).status == 401
    assert (await door.login(ada.email)).headers["Retry-After"] == "2"
    await hours_pass(door, 2.1 / 3600)
    assert (await door.login(ada.email)).status == 200


@pytest.mark.parametrize("known", [True, False])
async def test_of_many_guesses_at_once_no_more_are_hashed_than_of_few(
    door: Door, counting, monkeypatch: pytest.MonkeyPatch, *, known: bool
):
    stand_still(monkeypatch)
    ada = await door.person()
    email = ada.email if known else f"x{ada.email}"
    with counting() as counted:
        replies = await at_once(*(door.login(email, WRONG) for _ in range(40)))
    assert sorted({reply.status for reply in replies}) == [401, 429]
    assert counted.hashes == sum(reply.status == 401 for reply in replies) == 5


async def test_processes_count_together(door: Door, postgres, ring, monkeypatch: pytest.MonkeyPatch):
    stand_still(monkeypatch)
    other = Database(postgres.app_dsn, size=2)
    await other.open()
    here, there = Throttle(door.app.database, ring), Throttle(other, ring)
    account, address = new_address().encode(), new_address()
    for one in (here, there, here, there, here):
        await one.take("login", account, address, known=False)
    for one in (here, there):
        with pytest.raises(TooManyFailures):
            await one.take("login", account, address, known=False)
    await other.close()


async def test_who_has_an_account_of_their_own_does_not_clear_what_their_address_failed_with(
    door: Door, ring, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    guard, address = Throttle(door.app.database, ring), new_address()

    async def attempt() -> throttle.Attempt:
        return await guard.take("password", new_address().encode(), address, known=False)

    own = [await attempt() for _ in range(2)]
    for _ in range(throttle.ADDRESS.free - 2):
        await attempt()
    for one in own:
        await guard.forgive(one, proven=True)
        with pytest.raises(TooManyFailures):
            await attempt()
    await hours_pass(door, 1 / 1800)
    # Nobody failed since then: a right password leaves no block of its own behind.
    for _ in range(throttle.ADDRESS.free + 3):
        await guard.forgive(await attempt(), proven=True)


async def test_an_outsider_slows_nobody_but_the_own_address(door: Door):
    ada = await door.person()
    outsider, home, hotel = new_address(), new_address(), new_address()
    assert (await door.login(ada.email, address=home)).status == 200
    for _ in range(12):
        await fail_until_refused(door, ada.email, outsider)
        await hours_pass(door, 1 / 30)  # the outsider tries as often as is let through
    assert await fail_until_refused(door, ada.email, outsider) == 1
    assert (await door.login(ada.email, address=home)).status == 200
    assert (await door.login(ada.email, address=hotel)).status == 200


async def test_outsiders_of_many_addresses_delay_strangers_by_a_minute_at_most_and_home_not_at_all(door: Door):
    ada = await door.person()
    home, hotel = new_address(), new_address()
    assert (await door.login(ada.email, address=home)).status == 200
    for _ in range(12):
        await at_once(*(door.login(ada.email, WRONG, address=new_address()) for _ in range(10)))
        await hours_pass(door, 1 / 60)
    await door.login(ada.email, WRONG, address=new_address())
    delayed = await door.login(ada.email, address=hotel)
    assert refused(delayed)
    assert 1 <= int(delayed.headers["Retry-After"]) <= 60
    assert (await door.login(ada.email, address=home)).status == 200
    # Whoever reads the mail gets in from the hotel at once: that is how a new network becomes known.
    token = await ada.token_mailed()
    body = {"token": token, "new_password": "AnotherPass123!"}
    assert (await door.post("/auth/password/reset/confirm", body, address=hotel)).status == 200
    assert (await door.login(ada.email, "AnotherPass123!", address=hotel)).status == 200


async def test_a_network_of_version_6_is_one_address(door: Door, monkeypatch: pytest.MonkeyPatch):
    stand_still(monkeypatch)
    ada = await door.person()
    home = new_address()
    network = home.rsplit(":", 4)[0]
    for host in range(5):
        assert (await door.login(ada.email, WRONG, address=f"{network}::{host:x}")).status == 401
    assert refused(await door.login(ada.email, WRONG, address=f"{network}:ffff::1"))
    assert (await door.login(ada.email, WRONG, address=new_address())).status == 401


async def test_spraying_from_one_address_is_stopped_before_50_accounts(door: Door, monkeypatch: pytest.MonkeyPatch):
    stand_still(monkeypatch)
    people = [await door.person() for _ in range(3)]
    sprayer = new_address()
    emails = [*(person.email for person in people), *(f"nobody{n}@{people[0].slug}.example" for n in range(60))]
    tried = 0
    for email in emails:
        reply = await door.login(email, WRONG, address=sprayer)
        if refused(reply):
            break
        tried += 1
        await hours_pass(door, 1 / 300)  # slowly: what is counted by the address alone fades meanwhile
    assert 30 <= tried < 50
    new = await door.person()
    stopped = [await door.login(email, address=sprayer) for email in (new.email, f"x{new.email}")]
    assert all(map(refused, stopped))
    first, second = (int(reply.headers["Retry-After"]) for reply in stopped)
    assert first == second <= 3600
    assert (await door.login(new.email)).status == 200
    await hours_pass(door, 1)
    assert (await door.login(new.email, address=sprayer)).status == 200


async def test_an_office_whose_people_get_in_at_last_is_no_sprayer(door: Door):
    office = new_address()
    for _ in range(throttle.MOST_SPRAYED + 5):
        person = await door.person()
        assert (await door.login(person.email, WRONG, address=office)).status == 401
        assert (await door.login(person.email, address=office)).status == 200
        await hours_pass(door, 1 / 300)


async def test_who_registers_with_a_strangers_address_wipes_nothing_out_by_logging_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada = await door.person()
    mallory = await door.person(ada.email, verified=False)
    let_through = 0
    for _ in range(12):
        let_through += (await door.login(ada.email, WRONG, organization=ada.slug)).status == 401
        await door.login(ada.email, organization=mallory.slug)
    assert let_through == 5


async def test_a_success_counts_as_no_failure(door: Door, monkeypatch: pytest.MonkeyPatch):
    stand_still(monkeypatch)
    ada = await door.person()
    for _ in range(12):
        assert (await door.login(ada.email)).status == 200
    assert await fail_until_refused(door, ada.email, door.address) == 5


async def test_one_address_is_slowed_whatever_the_accounts(door: Door, monkeypatch: pytest.MonkeyPatch):
    stand_still(monkeypatch)
    emails = [f"nobody@{address.replace(':', '')}.example" for address in (new_address() for _ in range(20))]
    address = new_address()
    statuses = [(await door.login(email, WRONG, address=address)).status for email in [*emails, *emails, *emails]]
    assert statuses.index(429) == throttle.ADDRESS.free


async def test_a_forwarded_address_counts_behind_a_proxy_that_is_trusted_and_nowhere_else(
    door: Door, mesh: Mesh, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada = await door.person()
    assert await fail_until_refused(door, ada.email, new_address()) == 5
    assert (await door.login(ada.email, WRONG, address=f"{new_address()}, {new_address()}")).status == 401
    slug = (await mesh.organization()).slug
    body = {"email": f"admin@{slug}.example", "password": WRONG}
    statuses = []
    for _ in range(7):
        headers = {"X-Forwarded-For": new_address()}
        async with mesh.http.post("/api/v1/auth/login", json=body, headers=headers) as reply:
            statuses.append(reply.status)
    assert statuses == [401] * 5 + [429] * 2
