"""What Artifactory is: where it stands, what its credential is made of, how it judges and refuses."""

from __future__ import annotations

from collections.abc import Mapping

from devmesh.connectors.artifactory.handing import hands_out, without_passwords
from devmesh.connectors.artifactory.refusals import explain
from devmesh.connectors.artifactory.standing import judge
from devmesh.upstream.model import Connector, Field, Request, get


def _auth(_request: Request, fields: Mapping[str, str], _base_url: str) -> Mapping[str, str]:
    """Return a token as a bearer, and an API key in the header of its own."""
    if "token" in fields:
        return {"authorization": f"Bearer {fields['token']}"}
    return {"x-jfrog-art-api": fields["api_key"]}


def _probe(fields: Mapping[str, str]) -> Request:
    """Return what only a good credential gets an answer to; `system/ping` answers nobody, too.

    A key that is sent is looked at, and refused, even where nobody would get the version.
    """
    return get("/access/api/v1/tokens/me") if "token" in fields else get("/artifactory/api/system/version")


CONNECTOR = Connector(
    name="artifactory",
    title="Artifactory",
    base_url=None,
    fields=(
        Field(
            "token", "Identity or access token: Edit Profile, Generate an Identity Token.", secret=True, required=False
        ),
        Field("api_key", "API key; JFrog ended these with 2024: better a token.", secret=True, required=False),
        Field(
            "base_url",
            "Address of the JFrog platform, without /artifactory after it: https://TENANT.jfrog.io.",
            metadata=True,
        ),
    ),
    forms=(("token",), ("api_key",)),
    auth=_auth,
    probe=_probe,
    judge=judge,
    explain=explain,
    translate=without_passwords,
    hands_out=hands_out,
    tools_in=__package__,
)
