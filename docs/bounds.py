# ruff: noqa: INP001 - beside the pages, no package
"""The page of the limits: plans, keys, sizes and times, as the program holds them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tables import table

from devmesh import app
from devmesh.access import KeyType
from devmesh.accounts import mails
from devmesh.contexts import model as contexts
from devmesh.credentials import model as credentials
from devmesh.credentials import service
from devmesh.directory.plans import Plan, Plans
from devmesh.gateway import rests
from devmesh.http import body, paging
from devmesh.http.bodies import MOST_HELD
from devmesh.http.intake import MEBIBYTE
from devmesh.http.server.bounds import Bounds
from devmesh.idempotency import bounds as idempotency
from devmesh.idempotency import service as repeating
from devmesh.idempotency.turn import LARGEST_REPLY
from devmesh.invitations import mails as invitations
from devmesh.limits import underway
from devmesh.mcp import endpoint
from devmesh.sessions import model as sessions
from devmesh.upstream import clients, delivery, room, send

_KIBIBYTE = 1024
_MINUTE = 60
_UNITS = ((86_400, "day"), (3_600, "hour"), (_MINUTE, "minute"), (1, "second"))


def page() -> Iterator[str]:
    """Yield the page."""
    plans = Plans.load()
    yield "# Limits"
    yield (
        "What holds without a plans file of the operator's. [Limits](../guide/limits.md) says how they count and what "
        "a client does when it meets one, [Operating](../operating.md#plans-and-limits) how they are changed."
    )
    yield "## Keys and sessions"
    yield (
        "Each type's default, which is also the most that may be asked for. A person's sessions share one bucket: an "
        "admin key's for owners and administrators, a user key's for everybody else."
    )
    kinds = ((kind, *plans.key_default(kind)) for kind in KeyType)
    yield table(
        ("Key", "Requests at once", "Refilled in full within"),
        ((str(kind), str(amount), _time(window)) for kind, amount, window in kinds),
    )
    yield "## Plans"
    yield "Over all keys and sessions of a tenant; the counts hold for the whole organization."
    yield table(
        (
            "Plan",
            "Requests a minute",
            "At once",
            "Users",
            "Tenants",
            "Keys",
            "Keys of one person",
            "Agent keys",
            "Contexts",
            "Content of one",
        ),
        (_plan(plans.of(name)) for name in plans.names()),
    )
    first = plans.default
    yield (
        f"Without a valid credential: {first.requests_per_minute} requests a minute, {first.burst} at once, for each "
        "address (an IPv4 address, an IPv6 /64)."
    )
    yield "## Requests"
    yield table(("What", "At most"), _requests())
    yield "## Calls and results"
    yield table(("What", "At most"), _calls())
    yield "## What is kept"
    yield table(("What", "At most"), _kept())
    yield "## How long things last"
    yield table(("What", "Ends after"), ((what, _time(span.total_seconds())) for what, span in _LIFETIMES))


_LIFETIMES: tuple[tuple[str, timedelta], ...] = (
    ("an access token", sessions.ACCESS_LIFETIME),
    ("a session, after its last refresh", sessions.IDLE_LIFETIME),
    ("a session, after its login", sessions.WHOLE_LIFETIME),
    ("the link that verifies an address", mails.VERIFY_WITHIN),
    ("the link that replaces a password", mails.RESET_WITHIN),
    ("an invitation", invitations.LIFETIME),
    ("what is remembered of an `Idempotency-Key`", repeating.LIFETIME),
    ("the rest of a long result", rests.LIFETIME),
)


def _requests() -> Iterator[tuple[str, str]]:
    bounds = Bounds()
    yield "body under `/api/v1`", _size(MEBIBYTE)
    yield "body of `POST /mcp`", _size(app._MCP_BODY)  # noqa: SLF001 - the bound itself
    yield "messages in a JSON-RPC batch", str(endpoint._MAX_BATCH)  # noqa: SLF001 - as above
    yield "depth of a JSON body, and values in it", f"{body.MAX_DEPTH}, and {body.MAX_VALUES:,}"
    yield "a request's head", f"{_size(bounds.head_bytes)} and {bounds.headers} headers, within {_time(bounds.head)}"
    yield "time for a body", _time(bounds.body)
    yield "what is held of a tenant's bodies that are not whole yet, in each process", _size(MOST_HELD)
    yield "an idle connection", _time(bounds.idle)
    yield "`limit` of a list", str(paging.MOST)


def _calls() -> Iterator[tuple[str, str]]:
    yield "a tenant's calls that wait for a service at once, in each process", str(underway._MOST)  # noqa: SLF001 - as above
    yield (
        "time to connect to a service, and for the whole call",
        f"{_time(clients.CONNECT_SECONDS)}, and {_time(clients.TOTAL_SECONDS)}",
    )
    yield "tries of a call that only reads", str(delivery._MOST_TRIES)  # noqa: SLF001 - as above
    yield "a service's answer, after decompression", _size(send._MAX_BYTES)  # noqa: SLF001 - as above
    yield (
        "what is held of an organization's answers past the first MiB of each, in each process",
        _size(room.UNIT * room.MOST_UNITS),
    )
    yield "a tenant's credentials that services are asked about at once, in each process", str(service.MOST_ASKED)
    yield "a result that is shown at once, unless the caller asks for another size", f"{rests.RESULT_BYTES:,} bytes"
    yield "what a caller may ask for (`X-Mesh-Result-Bytes`)", f"{rests.LEAST_BYTES:,} to {rests.MOST_BYTES:,} bytes"


def _kept() -> Iterator[tuple[str, str]]:
    yield "a person's credentials for one service, in a tenant", str(credentials.MOST_LABELS)
    yield (
        "a context",
        f"{_size(contexts.LARGEST)}, or what the plan says; {contexts.MOST_TAGS} tags; {contexts.KEPT} former versions",
    )
    yield (
        "rests of results",
        f"{rests._MOST_OF_CALLER} for each key or session, {_size(rests._BYTES_OF_TENANT)} of a tenant",  # noqa: SLF001 - as above
    )
    yield "`Idempotency-Key`s of a tenant", f"{idempotency.MOST_KEYS:,}"
    yield (
        "replies under an `Idempotency-Key`",
        f"{_size(LARGEST_REPLY)} each, {_size(idempotency.MOST_BYTES)} of a tenant",
    )


def _plan(plan: Plan) -> tuple[str, ...]:
    counts = (
        plan.max_users,
        plan.max_tenants,
        plan.max_keys,
        plan.max_keys_per_user,
        plan.max_agents,
        plan.max_contexts,
    )
    shown = ("unlimited" if count is None else f"{count:,}" for count in counts)
    size = _size(contexts.LARGEST if plan.max_context_bytes is None else plan.max_context_bytes)
    return (plan.name, f"{plan.requests_per_minute:,}", f"{plan.burst:,}", *shown, size)


def _size(count: int) -> str:
    return f"{count // MEBIBYTE} MiB" if count % MEBIBYTE == 0 else f"{count // _KIBIBYTE} KiB"


def _time(seconds: float) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds / size:.0f} {unit}{'' if seconds == size else 's'}"
