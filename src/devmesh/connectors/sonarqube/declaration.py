"""What SonarQube is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devmesh.connectors.sonarqube.handing import hands_out, without_signing_secrets
from devmesh.connectors.sonarqube.paging import CountedPaging
from devmesh.connectors.sonarqube.refusals import explain
from devmesh.connectors.sonarqube.standing import judge
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector, Field, Request, basic, bearer, get

_SCHEMES = {"bearer": bearer("token"), "basic": basic("token", "password")}


def _faults(fields: Mapping[str, str]) -> Iterator[Fault]:
    """Yield that there is no such scheme."""
    if fields.get("scheme", "bearer").lower() not in _SCHEMES:
        yield Fault("scheme", f"must be one of: {', '.join(_SCHEMES)}")


def _auth(request: Request, fields: Mapping[str, str], base_url: str) -> Mapping[str, str]:
    """Return the token as a bearer, or where `scheme` says so as the user of Basic with an empty password."""
    if faults := list(_faults(fields)):
        raise Invalid(faults)
    auth = _SCHEMES[fields.get("scheme", "bearer").lower()]
    return auth(request, {**fields, "password": ""}, base_url)


CONNECTOR = Connector(
    name="sonarqube",
    title="SonarQube",
    base_url=None,
    fields=(
        Field("token", "User token: My Account, Security. An analysis token can read little.", secret=True),
        Field(
            "scheme", "`basic` for servers before 10.0, which know no bearer tokens; omitted: bearer.", required=False
        ),
        Field(
            "base_url",
            "Address of the server with its context path, without /api; for SonarQube Cloud https://sonarcloud.io "
            "(or https://sonarqube.us).",
            metadata=True,
        ),
    ),
    auth=_auth,
    faults=_faults,
    # `authentication/validate` also says valid to nobody where a server lets anybody read.
    probe=get("/api/users/current"),
    judge=judge,
    explain=explain,
    paging=CountedPaging("p", "ps"),
    headers={"accept": "application/json"},
    translate=without_signing_secrets,
    hands_out=hands_out,
    tools_in=__package__,
)
