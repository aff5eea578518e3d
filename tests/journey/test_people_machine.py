"""Accounts in any order of events, against a model: nothing that was taken back is ever good for anything again.

In CI the same examples every time. PEOPLE_EXAMPLES=500 tries so many others; a failure prints the steps to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from journey.people_administered import Administered
from journey.people_world import World

EXAMPLES = os.environ.get("PEOPLE_EXAMPLES")
STEPS = 30


@pytest.fixture
def world(postgres: Embedded, master_key: bytes, ring: KeyRing, passwords: Passwords) -> Iterator[World]:
    del ring  # made first, so that both read the same rows
    world = World(postgres, master_key, passwords)
    world.open()
    yield world
    world.close()


def test_whatever_people_do_each_credential_is_usable_exactly_when_it_should_be(world: World):
    kept = settings(
        max_examples=int(EXAMPLES or 10),
        stateful_step_count=STEPS,
        derandomize=EXAMPLES is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # Shrinking takes minutes; the steps of a failure are few enough to be read.
        phases=(Phase.explicit, Phase.generate) if EXAMPLES is None else tuple(Phase),
    )
    run_state_machine_as_test(lambda: Administered(world), settings=kept)
