"""Plans and rate limits: JSON data, built in or from DEVMESH_PLANS_FILE, checked whole when the program starts."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta, Struct

from devmesh.errors import Invalid
from devmesh.http import body
from devmesh.settings import SettingsError

DEFAULT = "default"
# What PostgreSQL's integer holds: a key's limits are kept in columns.
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Bucket(Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket of `burst` requests, refilled at `requests_per_minute` / 60 a second."""

    requests_per_minute: Count
    burst: Count


class KeyDefault(Struct, frozen=True, forbid_unknown_fields=True):
    """What a key of a type gets, and the most that may be asked for: `rate_limit` requests in `rate_window` seconds."""

    rate_limit: Count
    rate_window: Count


class _PlanEntry(Struct, frozen=True, forbid_unknown_fields=True):
    limits: str
    max_users: Count | None = None
    max_agents: Count | None = None
    max_contexts: Count | None = None
    max_context_bytes: Count | None = None
    max_keys: Count | None = None
    max_keys_per_user: Count | None = None
    max_tenants: Count | None = None


class _Keys(Struct, frozen=True, forbid_unknown_fields=True):
    admin: KeyDefault | None = None
    user: KeyDefault | None = None
    agent: KeyDefault | None = None
    gateway: KeyDefault | None = None

    def given(self) -> dict[str, KeyDefault]:
        """Return the entries that the file holds."""
        entries: dict[str, KeyDefault | None] = {
            "admin": self.admin,
            "user": self.user,
            "agent": self.agent,
            "gateway": self.gateway,
        }
        return {name: entry for name, entry in entries.items() if entry is not None}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    rate_limits: dict[str, Bucket] = {}
    plans: dict[str, _PlanEntry] = {}
    keys: _Keys = _Keys()

    def over(self, other: _File) -> _File:
        """Return the other's entries, replaced by ours where we have them."""
        keys = _Keys(**(other.keys.given() | self.keys.given()))
        return _File(other.rate_limits | self.rate_limits, other.plans | self.plans, keys)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an organization may use; None is unlimited. The limits are a bucket over all keys of a tenant.

    `max_contexts` and `max_keys` count those of all its tenants, `max_keys_per_user` one person's among these;
    `max_context_bytes` is how large the content of one may be.
    """

    name: str
    max_users: int | None
    max_agents: int | None
    requests_per_minute: int
    burst: int
    max_contexts: int | None = None
    max_context_bytes: int | None = None
    max_keys: int | None = None
    max_keys_per_user: int | None = None
    max_tenants: int | None = None


class Plans:
    """The plans of this installation; `default` limits requests without a valid credential, per address."""

    def __init__(self, plans: dict[str, Plan], fallback: str, default: Bucket, keys: dict[str, KeyDefault]) -> None:
        self._plans = plans
        self._fallback = plans[fallback]
        self._keys = keys
        self.default = default

    @classmethod
    def load(cls, path: Path | None = None, default_plan: str = "free") -> Self:
        """Return the built-in plans, overridden entry by entry by the file's; raise SettingsError naming each fault."""
        data = _read(resources.files("devmesh.directory").joinpath("plans.json").read_bytes())
        if path is not None:
            data = _read(_content(path)).over(data)
        problems = [
            f"DEVMESH_PLANS_FILE: plans.{name}.limits: there is no '{entry.limits}' in rate_limits."
            for name, entry in data.plans.items()
            if entry.limits not in data.rate_limits
        ]
        if default_plan not in data.plans:
            problems.append(
                f"DEVMESH_DEFAULT_PLAN: there is no plan '{default_plan}'; choose one of {', '.join(data.plans)}."
            )
        if problems:
            raise SettingsError(problems)
        plans = {name: _plan(name, entry, data.rate_limits[entry.limits]) for name, entry in data.plans.items()}
        return cls(plans, default_plan, data.rate_limits[DEFAULT], data.keys.given())

    def of(self, name: str) -> Plan:
        """Return the plan of that name, or the default plan if the plans file no longer holds it."""
        return self._plans.get(name, self._fallback)

    def limits(self, name: str) -> tuple[int, int]:
        """Return (requests_per_minute, burst) of that plan."""
        plan = self.of(name)
        return plan.requests_per_minute, plan.burst

    def names(self) -> list[str]:
        """Return the names of all plans."""
        return list(self._plans)

    def key_default(self, key_type: str) -> tuple[int, int]:
        """Return (rate_limit, rate_window in seconds) of that type: its default and the most that may be asked for."""
        entry = self._keys[key_type]
        return entry.rate_limit, entry.rate_window


def _plan(name: str, entry: _PlanEntry, bucket: Bucket) -> Plan:
    return Plan(
        name,
        entry.max_users,
        entry.max_agents,
        bucket.requests_per_minute,
        bucket.burst,
        entry.max_contexts,
        entry.max_context_bytes,
        entry.max_keys,
        entry.max_keys_per_user,
        entry.max_tenants,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError([f"DEVMESH_PLANS_FILE: {path} cannot be read: {error.strerror}."]) from None


def _read(content: bytes) -> _File:
    try:
        return body.shape(body.parse(content), _File)
    except body.MalformedJson as error:
        raise SettingsError([f"DEVMESH_PLANS_FILE: {error.detail}"]) from None
    except Invalid as error:
        problems = [f"DEVMESH_PLANS_FILE: {fault.field or 'the file'}: {fault.message}" for fault in error.faults]
        raise SettingsError(problems) from None
