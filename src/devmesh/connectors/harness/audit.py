"""The audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from devmesh.connectors.harness.calls import call
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.upstream.model import Request, given

_Word = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]{1,60}$", examples=["PIPELINE"])]
Words = Annotated[list[_Word], Meta(min_length=1, max_length=50)]
Time = Annotated[datetime, Meta(tz=True)]


@CONNECTOR.tool(items="content")
def list_audit_events(
    modules: Annotated[
        Words | None,
        Meta(
            description="Only of these modules: CORE (users, projects, connectors, secrets), PMS (pipelines), "
            "TEMPLATESERVICE, GOVERNANCE, CD, CI, CF, CE."
        ),
    ] = None,
    actions: Annotated[Words | None, Meta(description="Only these actions: CREATE, UPDATE, DELETE, LOGIN.")] = None,
    resource_types: Annotated[
        Words | None, Meta(description="Only on these kinds of things: PIPELINE, SECRET, CONNECTOR, USER_GROUP.")
    ] = None,
    start_time: Annotated[Time | None, Meta(description="Only from this time on (RFC 3339).")] = None,
    end_time: Annotated[Time | None, Meta(description="Only until this time (RFC 3339).")] = None,
) -> Request:
    """Return what was done in the account, newest first: action, on what, by whom, when, from where."""
    wanted = given(
        filterType="Audit",
        modules=modules,
        actions=actions,
        resources=None if resource_types is None else [{"type": one} for one in resource_types],
        startTime=_milliseconds(start_time),
        endTime=_milliseconds(end_time),
    )
    return call("POST", "/audit/api/audits/list", {}, wanted)


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1000)
