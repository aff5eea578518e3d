import json

import pytest

from devmesh.access import KeyType
from devmesh.directory.plans import Plan, Plans
from devmesh.settings import SettingsError

# As guide 1 prints it.
PRINTED = {
    "rate_limits": {
        "default": {"requests_per_minute": 60, "burst": 120},
        "authenticated": {"requests_per_minute": 1000, "burst": 3000},
        "premium": {"requests_per_minute": 10000, "burst": 30000},
    }
}


@pytest.fixture
def load(tmp_path):
    """Load plans from a file of that content."""

    def loaded(content, default_plan="free"):
        file = tmp_path / "plans.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return Plans.load(file, default_plan)

    return loaded


def problems(load, content, default_plan="free"):
    with pytest.raises(SettingsError) as refusal:
        load(content, default_plan)
    return refusal.value.problems


@pytest.mark.parametrize("content", [None, PRINTED])
def test_the_guides_limits_are_built_in(load, content):
    plans = Plans.load() if content is None else load(content)
    assert plans.of("free") == Plan("free", 5, 10, 1000, 3000, 1000, 262_144, 1000, 500, 500)
    assert plans.of("team") == Plan("team", None, None, 1000, 3000, None, None, 10_000, 1000, 5000)
    assert plans.of("premium") == Plan("premium", None, None, 10000, 30000, None, None, 100_000, 10_000, 50_000)
    assert (plans.default.requests_per_minute, plans.default.burst) == (60, 120)
    rates = {key_type: plans.key_default(key_type) for key_type in KeyType}
    assert rates == {"admin": (1000, 60), "user": (100, 60), "agent": (1000, 60), "gateway": (5000, 60)}


def test_a_file_replaces_entry_by_entry(load):
    plans = load(
        {
            "rate_limits": {"huge": {"requests_per_minute": 90000, "burst": 90000}},
            "plans": {"free": {"limits": "huge", "max_users": 50}, "own": {"limits": "premium", "max_agents": None}},
            "keys": {"user": {"rate_limit": 5, "rate_window": 1}},
        },
        default_plan="own",
    )
    assert plans.of("free") == Plan("free", 50, None, 90000, 90000)
    assert plans.of("own") == Plan("own", None, None, 10000, 30000)
    assert plans.key_default("user") == (5, 1)
    assert plans.key_default("agent") == (1000, 60)
    assert plans.limits("free") == (90000, 90000)


def test_an_organization_whose_plan_is_gone_from_the_file_has_the_default_plan(load):
    assert load({}).of("gone") == load({}).of("free")


def test_every_fault_of_the_file_is_named_at_once(load):
    found = problems(
        load,
        {
            "rate_limits": {"default": {"requests_per_minute": 0, "burst": "many"}},
            "plans": {"own": {"max_users": 1}},
            "keys": {"root": {"rate_limit": 1, "rate_window": 1}, "user": {"rate_limit": 1}},
            "more": 1,
        },
    )
    assert all(problem.startswith("DEVMESH_PLANS_FILE: ") for problem in found)
    named = [problem.split(": ")[1] for problem in found]
    assert sorted(named) == [
        "keys.root",
        "keys.user.rate_window",
        "more",
        "plans.own.limits",
        "rate_limits.default.burst",
        "rate_limits.default.requests_per_minute",
    ]


def test_limits_and_default_plans_that_there_are_not_are_named(load):
    found = problems(load, {"plans": {"own": {"limits": "nothing"}}}, default_plan="gold")
    assert "plans.own.limits" in found[0]
    assert found[1].startswith("DEVMESH_DEFAULT_PLAN: there is no plan 'gold'; choose one of free, team, premium, own")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"plans": {}, "plans": {}}', '{"plans": 1}', "[" * 100_000])
def test_what_is_no_such_json_is_refused(load, content):
    assert problems(load, content)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.json cannot be read"):
        Plans.load(tmp_path / "nowhere.json")
