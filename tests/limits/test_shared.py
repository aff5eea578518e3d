"""Limits over a Redis that is not there: each process keeps to its share."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.errors import RateLimited
from devmesh.ids import new_id
from devmesh.limits import remote, wire
from devmesh.limits.choice import choose
from devmesh.limits.remote import fault
from devmesh.limits.service import Limits
from devmesh.metrics import LIMITS_BY_SHARE
from devmesh.settings import RedisUrl, Settings
from ports import free_port

SECRET = "a-secret-of-redis"


def caller_with(allowance: Allowance) -> Caller:
    return Caller(
        organization_id=new_id(),
        organization_slug="acme",
        tenant_id=new_id(),
        user_id=new_id(),
        role=Role.MEMBER,
        rights=Rights(["read"], "member"),
        person=Person("a@example.com", "A", "t", "t"),
        allowance=allowance,
        key_id=new_id(),
    )


def nowhere() -> RedisUrl:
    return RedisUrl("127.0.0.1", free_port(), password=SECRET)


@pytest.fixture
async def limits(tmp_path):
    settings = Settings(data_dir=tmp_path, redis_url=nowhere(), workers=4)
    # Refilled so slowly that no machine takes as long.
    limits = choose(1, 120, settings)
    await limits.open()
    yield limits
    await limits.close()


async def spends(limits: Limits, caller: Caller) -> int:
    for count in range(1000):
        try:
            await limits.spend(caller)
        except RateLimited:
            return count
    raise AssertionError("no limit")


async def test_a_server_that_finds_no_redis_gives_each_worker_its_part_and_says_so(
    tmp_path, caplog: pytest.LogCaptureFixture
):
    limits = choose(60, 120, Settings(data_dir=tmp_path, redis_url=nowhere(), workers=4))
    with caplog.at_level(logging.INFO):
        await limits.open()
        caller = caller_with(Allowance(100, 3600, 1, 80))
        assert await spends(limits, caller) == 20
        await limits.close()
    assert LIMITS_BY_SHARE.value() == 1
    told = [record.getMessage() for record in caplog.records if record.name.startswith("devmesh.limits")]
    assert len(told) == 1
    assert "one part in 4 of each limit" in told[0]
    assert SECRET not in caplog.text


async def test_the_headers_tell_of_the_part(limits):
    caller = caller_with(Allowance(100, 3600))
    await limits.spend(caller)
    headers = dict(limits.headers(caller))
    assert headers[b"x-ratelimit-remaining"] == b"24"
    assert headers[b"ratelimit-policy"] == b'"key";q=25;w=3600'


async def test_nobody_is_shut_out_by_a_part_of_less_than_one(limits):
    assert await spends(limits, caller_with(Allowance(2, 3600))) == 1


async def test_addresses_have_a_part_too(limits):
    for _ in range(30):
        await limits.spend_address("2001:db8::1")
    with pytest.raises(RateLimited):
        await limits.spend_address("2001:db8::2")


async def test_without_a_redis_the_limits_are_the_processs_own(tmp_path):
    assert type(choose(60, 120, Settings(data_dir=tmp_path))) is Limits


async def test_what_is_wrong_with_a_redis_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote, "_PROBE_SECONDS", 30.0)
    monkeypatch.setattr(wire, "_CONNECT_SECONDS", 30.0)
    found = await fault(nowhere())
    assert found is not None
    assert found.startswith("ConnectionError")
    assert SECRET not in found


def said_by(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_client_is_loaded_only_where_a_redis_is_named():
    assert said_by("import sys, devmesh.app, devmesh.cli; print('redis' in sys.modules)") == "False\n"


def test_an_installation_without_the_client_is_told_what_to_install():
    program = """
import sys; sys.modules["redis"] = None
from pathlib import Path
from devmesh.limits.choice import choose
from devmesh.settings import RedisUrl, Settings, SettingsError
try:
    choose(60, 120, Settings(data_dir=Path("/"), redis_url=RedisUrl("localhost")))
except SettingsError as error:
    print(error)
"""
    assert "DEVMESH_REDIS_URL: " in said_by(program)
    assert "install 'devmesh[redis]'" in said_by(program)
