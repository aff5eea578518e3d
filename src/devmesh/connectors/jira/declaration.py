"""What Jira is: its credential, how it pages, judges and refuses."""

from __future__ import annotations

from collections.abc import Mapping

from devmesh.connectors.atlassian.credential import (
    FORMS,
    TOKEN_PAGE,
    faults,
    fields,
    hands_out,
    headers,
    is_data_center,
)
from devmesh.connectors.atlassian.refusals import failed
from devmesh.connectors.jira.data_center import for_data_center
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.connectors.jira.standing import explain, judge
from devmesh.upstream.model import Connector, Request, get


def complete(request: Request, credential: Mapping[str, str]) -> Request:
    """Return the request as the product takes it that the credential is of; Invalid for what that one lacks."""
    return for_data_center(request) if is_data_center(credential) else request


CONNECTOR = Connector(
    name="jira",
    title="Jira",
    base_url=None,
    fields=fields("Jira", "jira", "8.14"),
    forms=FORMS,
    auth=headers,
    probe=get("/rest/api/3/myself"),
    judge=judge,
    explain=explain,
    failed=failed,
    paging=CountedPaging(),
    headers={"accept": "application/json"},
    complete=complete,
    faults=faults,
    hands_out=hands_out,
    tools_in=__package__,
    token_page=TOKEN_PAGE,
)
