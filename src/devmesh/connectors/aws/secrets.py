"""Configuration and secrets: Secrets Manager and the Parameter Store (SSM)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens
from devmesh.upstream.model import Request


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A condition of Secrets Manager's list."""

    key: Annotated[
        Literal["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"],
        Meta(description="Where to look."),
    ]
    values: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=512)]],
        Meta(description="What it must begin with, `!` before it for the opposite.", min_length=1, max_length=10),
    ]


@CONNECTOR.tool(items="SecretList", paging=Tokens("NextToken", size="MaxResults", most=100))
def list_secrets(
    filters: Annotated[
        Annotated[list[Wanted], Meta(max_length=10)] | None, Meta(description="Only what meets all of these.")
    ] = None,
) -> Call:
    """Return the names of the region's secrets, with tags, rotation and last use; never what they hold."""
    wanted = [{"Key": one.key, "Values": one.values} for one in filters or ()]
    return call("secretsmanager:ListSecrets", Filters=wanted or None)


def _reads(_request: Request) -> bool:
    """It always does; but where this is asked, it is also asked whether a credential is handed out: in clear, it is."""
    return True


@CONNECTOR.tool(safe=_reads)
def get_parameter(
    name: Annotated[
        str,
        Meta(
            description="Name of the parameter with its path, or ARN; `:3` or `:label` after it for a version.",
            pattern="^[A-Za-z0-9._/:-]+$",
            max_length=2048,
            examples=["/production/database/host"],
        ),
    ],
    with_decryption: Annotated[
        bool | None,
        Meta(
            description=(
                "True: a SecureString in clear, only for keys with the scope tools:execute:aws.ssm.get_parameter; "
                "omitted: as it is stored."
            )
        ),
    ] = None,
) -> Call:
    """Return one parameter of the Parameter Store: its value, type, version and date."""
    return call("ssm:GetParameter", Name=name, WithDecryption=with_decryption)
