"""Functions (Lambda)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

FunctionName = Annotated[
    str,
    Meta(
        description="Name or ARN of the function.",
        pattern="^[A-Za-z0-9:_$-]+$",
        max_length=170,
        examples=["resize-images"],
    ),
]
Qualifier = Annotated[
    Annotated[str, Meta(pattern="^[A-Za-z0-9$_-]+$", max_length=128, examples=["production"])] | None,
    Meta(description="A version or an alias of it; omitted: the newest, not yet published state."),
]


@CONNECTOR.tool(items="Functions", paging=Tokens("Marker", "NextMarker", size="MaxItems", most=50))
def list_functions() -> Call:
    """Return the region's functions with their configuration: runtime, memory, time-out, role, environment."""
    return call("lambda:ListFunctions")


@CONNECTOR.tool()
def get_function(function_name: FunctionName, qualifier: Qualifier = None) -> Call:
    """Return one function: its Configuration, tags, concurrency, and a link to its Code that holds for ten minutes."""
    return call("lambda:GetFunction", FunctionName=function_name, Qualifier=qualifier)


@CONNECTOR.tool(writes=True)
def invoke_function(
    function_name: FunctionName,
    payload: Annotated[
        dict[str, Any] | list[Any] | None, Meta(description="What the function is given, as JSON; omitted: nothing.")
    ] = None,
    invocation_type: Annotated[
        Literal["RequestResponse", "Event", "DryRun"] | None,
        Meta(
            description=(
                "RequestResponse (omitted): wait for the result. Event: only queue it. DryRun: only check that it may."
            )
        ),
    ] = None,
    qualifier: Qualifier = None,
) -> Call:
    """Run a function and return its Payload; FunctionError is set where the function itself failed.

    Each call runs it again, with whatever effects it has.
    """
    return call(
        "lambda:Invoke",
        FunctionName=function_name,
        Payload=None if payload is None else msgspec.json.encode(payload).decode(),
        InvocationType=invocation_type,
        Qualifier=qualifier,
    )
