"""Work logged on issues."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.atlassian.documents import Text, document
from devmesh.connectors.jira.arguments import IssueKey, Time, moment
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_WORKLOGS = "/rest/api/3/issue/{issue_id_or_key}/worklog"

Duration = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?[wdhm]( [0-9]{1,6}(\.[0-9]{1,2})?[wdhm]){0,3}$",
        examples=["3h 20m"],
    ),
]


@CONNECTOR.tool(items="worklogs", paging=CountedPaging(5000))
def list_worklogs(issue_id_or_key: IssueKey) -> Request:
    """Return the work logged on an issue: who, when it began, how long, and a comment (an ADF document)."""
    return get(url(_WORKLOGS, issue_id_or_key=issue_id_or_key))


@CONNECTOR.tool(writes=True)
def add_worklog(
    issue_id_or_key: IssueKey,
    time_spent: Annotated[Duration, Meta(description="How long, in weeks, days, hours and minutes.")],
    started: Annotated[Time | None, Meta(description="When the work began (RFC 3339); omitted: now.")] = None,
    comment: Annotated[
        Text | None, Meta(description="What was done, in simple Markdown or as an ADF document.")
    ] = None,
    adjust_estimate: Annotated[
        Literal["new", "leave", "manual", "auto"] | None,
        Meta(description="The remaining estimate: set anew, leave, reduce by hand, or (omitted) by the time spent."),
    ] = None,
    new_estimate: Annotated[Duration | None, Meta(description="The estimate to set, with `new`.")] = None,
    reduce_by: Annotated[Duration | None, Meta(description="What to take off the estimate, with `manual`.")] = None,
) -> Request:
    """Log work on an issue and return the entry; each call logs more."""
    for name, value, kind in (("new_estimate", new_estimate, "new"), ("reduce_by", reduce_by, "manual")):
        if value is None and adjust_estimate == kind:
            raise Invalid([Fault(name, f"required with adjust_estimate `{kind}`")])
    began = moment(started)
    work = given(
        timeSpent=time_spent,
        # Here alone Jira takes no colon in the offset.
        started=None if began is None else began[:-3] + began[-2:],
        comment=None if comment is None else document(comment, "comment"),
    )
    query = given(adjustEstimate=adjust_estimate, newEstimate=new_estimate, reduceBy=reduce_by)
    return send("POST", url(_WORKLOGS, issue_id_or_key=issue_id_or_key), work, **query)
