"""What Snyk is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devmesh.connectors.snyk.calls import rest
from devmesh.connectors.snyk.handing import hands_out
from devmesh.connectors.snyk.imports import translate
from devmesh.connectors.snyk.paging import LinkPaging
from devmesh.connectors.snyk.refusals import explain
from devmesh.connectors.snyk.standing import judge
from devmesh.upstream.model import Connector, Field, Request

# A JWT (RFC 7519) is what Snyk's OAuth gives out; every other token is an API token's.
_JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


def _auth(_request: Request, fields: Mapping[str, str], _base_url: str) -> Mapping[str, str]:
    scheme = "Bearer" if _JWT.fullmatch(fields["token"]) else "token"
    return {"authorization": f"{scheme} {fields['token']}"}


CONNECTOR = Connector(
    name="snyk",
    title="Snyk",
    base_url="https://api.snyk.io",
    fields=(
        Field("token", "API token of a person or a service account, or an OAuth access token.", secret=True),
        Field(
            "base_url",
            "Only for another region: https://api.us.snyk.io, https://api.eu.snyk.io, https://api.au.snyk.io.",
            metadata=True,
            required=False,
        ),
    ),
    auth=_auth,
    probe=rest("/self"),
    judge=judge,
    explain=explain,
    paging=LinkPaging(),
    headers={"accept": "application/vnd.api+json"},
    translate=translate,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://app.snyk.io/account",  # noqa: S106  an address
)
