"""Calls under way: a tenant has so many at once, and gets its places back."""

from __future__ import annotations

import pytest

from devmesh.errors import RateLimited
from devmesh.ids import new_id
from devmesh.limits.underway import UnderWay


def test_one_tenant_fills_its_own_places_alone():
    underway, mine, theirs = UnderWay(2), new_id(), new_id()
    underway.take(mine)
    underway.take(mine)
    with pytest.raises(RateLimited) as refused:
        underway.take(mine)
    assert refused.value.retry_after
    underway.take(theirs)
    underway.give(mine)
    underway.take(mine)


def test_a_tenant_without_calls_takes_no_memory():
    underway, mine = UnderWay(2), new_id()
    underway.take(mine)
    underway.give(mine)
    assert underway._counts == {}
