"""What GitHub is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

from devmesh.connectors.github.handouts import hands_out, without_temporary_tokens
from devmesh.connectors.github.paging import LinkPaging
from devmesh.connectors.github.refusals import explain
from devmesh.connectors.github.scopes import implies
from devmesh.connectors.github.standing import judge
from devmesh.upstream.model import Connector, Field, bearer, get

CONNECTOR = Connector(
    name="github",
    title="GitHub",
    base_url="https://api.github.com",
    fields=(
        Field("token", "Personal access token: fine-grained, or classic with the scope repo.", secret=True),
        Field(
            "base_url",
            "Only for GitHub Enterprise: https://HOST/api/v3, or https://api.SUBDOMAIN.ghe.com.",
            metadata=True,
            required=False,
        ),
    ),
    auth=bearer("token"),
    probe=get("/user"),
    judge=judge,
    explain=explain,
    paging=LinkPaging(),
    # Without the version GitHub takes its own default, which changes; 2026-03-10 breaks some replies.
    headers={"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
    implies=implies,
    translate=without_temporary_tokens,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://github.com/settings/tokens",  # noqa: S106  an address
)
