"""What Confluence is: its credential, how it pages, judges and refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import structs

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
from devmesh.connectors.confluence.paging import LinkedPaging
from devmesh.connectors.confluence.standing import explain, judge
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector, Request, get

_CLOUD, _SECOND = "/wiki", "/wiki/api/v2/"
_LACKING = (
    "Confluence Data Center has no /api/v2: use confluence.call_api below /rest/api, such as GET /rest/api/content "
    "with spaceKey, title and expand body.storage,version in its query, or POST and PUT /rest/api/content"
)
_ATTACHMENTS = re.compile("/wiki/rest/api/content/[^/]+/child/attachment")


def complete(request: Request, credential: Mapping[str, str]) -> Request:
    """Return the request without the cloud's `/wiki`, if the credential is one of Data Center, which has none.

    Raises Invalid, naming what to call instead, for an operation of the second version, which Data Center lacks.
    """
    if not is_data_center(credential) or not request.path.startswith(f"{_CLOUD}/"):
        return request
    if request.path.startswith(_SECOND):
        raise Invalid([Fault("", _LACKING)])
    # The cloud alone takes a new file and a new version of it alike.
    posted = request.method == "PUT" and _ATTACHMENTS.fullmatch(request.path) is not None
    method = "POST" if posted else request.method
    return structs.replace(request, method=method, path=request.path.removeprefix(_CLOUD))


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
    faults=faults,
    hands_out=hands_out,
    tools_in=__package__,
    token_page=TOKEN_PAGE,
)
