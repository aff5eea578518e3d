"""What Jira is: its credential, how it pages, judges and refuses."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from devmesh.connectors.atlassian.credential import FORMS, TOKEN_PAGE, fields, hands_out, headers
from devmesh.connectors.atlassian.refusals import failed
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.connectors.jira.standing import explain, judge
from devmesh.upstream.model import Connector, Request, get

_CLOUD, _DATA_CENTER = "/rest/api/3/", "/rest/api/2/"


def complete(request: Request, credential: Mapping[str, str]) -> Request:
    """Return the request by the version of the API that Data Center has, if the credential is one of its."""
    if "token" not in credential or not request.path.startswith(_CLOUD):
        return request
    return structs.replace(request, path=_DATA_CENTER + request.path.removeprefix(_CLOUD))


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
    hands_out=hands_out,
    tools_in=__package__,
    token_page=TOKEN_PAGE,
)
