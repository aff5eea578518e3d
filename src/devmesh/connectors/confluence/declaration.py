"""What Confluence is: its credential, how it pages, judges and refuses."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from devmesh.connectors.atlassian.credential import FORMS, TOKEN_PAGE, fields, hands_out, headers
from devmesh.connectors.atlassian.refusals import failed
from devmesh.connectors.confluence.paging import LinkedPaging
from devmesh.connectors.confluence.standing import explain, judge
from devmesh.upstream.model import Connector, Request, get

_CLOUD = "/wiki"


def complete(request: Request, credential: Mapping[str, str]) -> Request:
    """Return the request without the cloud's `/wiki`, if the credential is one of Data Center, which has none."""
    if "token" not in credential or not request.path.startswith(f"{_CLOUD}/"):
        return request
    return structs.replace(request, path=request.path.removeprefix(_CLOUD))


CONNECTOR = Connector(
    name="confluence",
    title="Confluence",
    base_url=None,
    fields=fields("Confluence", "confluence", "7.9"),
    forms=FORMS,
    auth=headers,
    probe=get("/wiki/rest/api/user/current"),
    judge=judge,
    explain=explain,
    failed=failed,
    paging=LinkedPaging(),
    headers={"accept": "application/json"},
    complete=complete,
    hands_out=hands_out,
    tools_in=__package__,
    token_page=TOKEN_PAGE,
)
