"""What AWS is: where its services stand, what its credential is made of, how it judges and refuses."""

from __future__ import annotations

from devmesh.connectors.aws.call import call
from devmesh.connectors.aws.handing_out import hands_out
from devmesh.connectors.aws.loading import auth, complete, ready, root, translate
from devmesh.connectors.aws.refusals import explain
from devmesh.connectors.aws.regions import faults
from devmesh.connectors.aws.standing import judge
from devmesh.upstream.model import Connector, Field

CONNECTOR = Connector(
    name="aws",
    title="AWS",
    base_url=None,
    fields=(
        Field("access_key", "Access key id of an IAM user or of a session."),
        Field("secret_key", "The secret access key that belongs to it.", secret=True),
        Field("region", "Code of the region whose resources the tools see, such as eu-central-1."),
        Field("session_token", "Only for a session's temporary key (from STS).", secret=True, required=False),
        Field(
            "base_url",
            "Only for a server of your own that stands in for AWS, or an endpoint in your VPC.",
            metadata=True,
            required=False,
        ),
    ),
    auth=auth,
    probe=call("sts:GetCallerIdentity"),
    judge=judge,
    explain=explain,
    ready=ready,
    complete=complete,
    root=root,
    faults=faults,
    translate=translate,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://console.aws.amazon.com/iam/home#/security_credentials",  # noqa: S106  an address
)
