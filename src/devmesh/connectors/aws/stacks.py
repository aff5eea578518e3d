"""Stacks (CloudFormation)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

_NAME = r"^[A-Za-z][A-Za-z0-9-]*$|^arn:[A-Za-z0-9:/._+-]+$"
Status = Literal[
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
]


@CONNECTOR.tool(items="StackSummaries", paging=Tokens("NextToken", most=100))
def list_stacks(
    stack_status_filter: Annotated[
        Annotated[list[Status], Meta(min_length=1, max_length=30)] | None,
        Meta(description="Only stacks in one of these states; omitted: also those deleted in the last 90 days."),
    ] = None,
) -> Call:
    """Return the region's stacks with name, state and dates; parameters and outputs: describe_stacks."""
    return call("cloudformation:ListStacks", StackStatusFilter=stack_status_filter)


@CONNECTOR.tool(items="Stacks", paging=Tokens("NextToken", most=100))
def describe_stacks(
    stack_name: Annotated[
        Annotated[str, Meta(pattern=_NAME, max_length=1024, examples=["production"])] | None,
        Meta(description="Only this stack, by name or ARN; a deleted one only by its ARN."),
    ] = None,
) -> Call:
    """Return one stack, or all that are not deleted: state and its reason, parameters, outputs, tags."""
    return call("cloudformation:DescribeStacks", StackName=stack_name)


@CONNECTOR.tool(items="StackEvents", paging=Tokens("NextToken", most=100))
def describe_stack_events(
    stack_name: Annotated[
        str,
        Meta(description="Name or ARN of the stack.", pattern=_NAME, max_length=1024, examples=["production"]),
    ],
) -> Call:
    """Return what happened to a stack and each of its resources, newest first: why an update failed stands here."""
    return call("cloudformation:DescribeStackEvents", StackName=stack_name)
