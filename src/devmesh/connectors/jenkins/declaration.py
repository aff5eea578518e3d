"""What Jenkins is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import structs

from devmesh.connectors.jenkins.handing import hands_out
from devmesh.connectors.jenkins.paging import TreePaging
from devmesh.connectors.jenkins.refusals import explain
from devmesh.connectors.jenkins.replies import translate
from devmesh.connectors.jenkins.standing import judge
from devmesh.upstream.model import Connector, Field, Request, basic, get

# A build's files, which may be kept elsewhere; a job may itself be called artifact.
_ARTIFACT = re.compile("/job/[^/]+/(?!job/)[^/]+/artifact/")


def _complete(request: Request, _fields: Mapping[str, str]) -> Request:
    """Return the request so that a redirect is its answer: done, queued, or a login page; only files are followed."""
    if request.method == "GET" and _ARTIFACT.search(request.path):
        return request
    return structs.replace(request, follows=False)


CONNECTOR = Connector(
    name="jenkins",
    title="Jenkins",
    html=True,
    base_url=None,
    fields=(
        Field("username", "User id, as shown on the user's page in Jenkins."),
        Field("api_token", "API token of that user: Security, API Token, Add new Token.", secret=True),
        Field("base_url", "Address of the server with its context path: https://HOST/jenkins.", metadata=True),
    ),
    # With an API token Jenkins takes writes without a crumb (2.96 and later).
    auth=basic("username", "api_token"),
    probe=get("/whoAmI/api/json"),
    judge=judge,
    explain=explain,
    paging=TreePaging(),
    complete=_complete,
    translate=translate,
    hands_out=hands_out,
    tools_in=__package__,
)
