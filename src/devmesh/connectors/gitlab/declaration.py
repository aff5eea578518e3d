"""What GitLab is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

from devmesh.connectors.gitlab.handouts import hands_out, without_runner_tokens
from devmesh.connectors.gitlab.paging import PAGES
from devmesh.connectors.gitlab.refusals import explain
from devmesh.connectors.gitlab.standing import judge
from devmesh.connectors.gitlab.tokens import headers, probe
from devmesh.upstream.model import Connector, Field

CONNECTOR = Connector(
    name="gitlab",
    title="GitLab",
    base_url="https://gitlab.com",
    fields=(
        Field(
            "token",
            "Personal, project or group access token (scope api, or read_api to read), or OAuth's.",
            secret=True,
        ),
        Field(
            "base_url",
            "Only for GitLab of your own: https://HOST, or https://HOST/PREFIX; the API's /api/v4 follows by itself.",
            metadata=True,
            required=False,
        ),
    ),
    auth=headers,
    probe=probe,
    judge=judge,
    explain=explain,
    paging=PAGES,
    headers={"accept": "application/json"},
    translate=without_runner_tokens,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://gitlab.com/-/user_settings/personal_access_tokens",  # noqa: S106  an address
)
