"""What Bitbucket is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devmesh.connectors.bitbucket.handouts import hands_out
from devmesh.connectors.bitbucket.paging import NextPaging
from devmesh.connectors.bitbucket.refusals import DATA_CENTER, explain
from devmesh.connectors.bitbucket.scopes import implies
from devmesh.connectors.bitbucket.standing import judge
from devmesh.errors import Fault
from devmesh.upstream.model import Auth, Connector, Field, Request, basic, bearer, get

# Where Data Center's API begins, below whatever path it has.
_REST = re.compile("https?://[^/]+(/.*)?/rest(/|$)")
# The first is the one that is offered; the last is what older credentials are stored as.
_FORMS: Mapping[tuple[str, ...], Auth] = {
    ("email", "api_token"): basic("email", "api_token"),
    ("token",): bearer("token"),
    ("username", "app_password"): basic("username", "app_password"),
}


def _headers(request: Request, fields: Mapping[str, str], base_url: str) -> Mapping[str, str]:
    """Return the header for the form that the credential has: e-mail and API token, access token, or the old one."""
    form = next(form for form in _FORMS if fields.keys() >= set(form))
    return _FORMS[form](request, fields, base_url)


def _faults(fields: Mapping[str, str]) -> Iterator[Fault]:
    """Yield that the address is of the other product, if it is one of its API's: else only its replies tell."""
    if _REST.match(fields.get("base_url", "")):
        yield Fault("base_url", DATA_CENTER)


CONNECTOR = Connector(
    name="bitbucket",
    title="Bitbucket",
    base_url="https://api.bitbucket.org",
    fields=(
        Field("email", "E-mail address of the Atlassian account that the API token belongs to.", required=False),
        Field("api_token", "API token with scopes for Bitbucket.", secret=True, required=False),
        Field("token", "Repository, project or workspace access token, or OAuth's.", secret=True, required=False),
        Field("username", "With app_password: the account's e-mail address.", required=False),
        Field(
            "app_password",
            "Bitbucket took app passwords until 2026-07-28; an API token may stand here, too.",
            secret=True,
            required=False,
        ),
        Field(
            "base_url",
            "Only for another way to Bitbucket Cloud's API: https://HOST; /2.0 follows by itself. Not for Data Center.",
            metadata=True,
            required=False,
        ),
    ),
    forms=tuple(_FORMS),
    auth=_headers,
    probe=get("/2.0/user"),
    judge=judge,
    explain=explain,
    paging=NextPaging(),
    headers={"accept": "application/json"},
    implies=implies,
    faults=_faults,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://id.atlassian.com/manage-profile/security/api-tokens",  # noqa: S106  an address
)
