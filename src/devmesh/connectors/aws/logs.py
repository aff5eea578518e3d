"""What was logged: CloudWatch Logs, and the account's audit events (CloudTrail)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.arguments import Time, milliseconds, moment
from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import BackwardTokens, Tokens

_GROUP = r"^[A-Za-z0-9._/#-]+$"

LogGroupName = Annotated[
    Annotated[str, Meta(pattern=_GROUP, max_length=512, examples=["/aws/lambda/resize-images"])] | None,
    Meta(description="Name of the log group, from describe_log_groups."),
]
Start = Annotated[Time | None, Meta(description="Only events at or after this time (RFC 3339).")]
End = Annotated[Time | None, Meta(description="Only events before this time (RFC 3339).")]


class Attribute(msgspec.Struct, forbid_unknown_fields=True):
    """What CloudTrail looks up by."""

    attribute_key: Annotated[
        Literal[
            "EventId",
            "EventName",
            "ReadOnly",
            "Username",
            "ResourceType",
            "ResourceName",
            "EventSource",
            "AccessKeyId",
        ],
        Meta(description="By which property of an event."),
    ]
    attribute_value: Annotated[str, Meta(min_length=1, max_length=2000, description="The value it must have.")]


@CONNECTOR.tool(items="logGroups", paging=Tokens("nextToken", size="limit", most=50))
def describe_log_groups(
    log_group_name_prefix: Annotated[
        Annotated[str, Meta(pattern=_GROUP, max_length=512, examples=["/aws/lambda/"])] | None,
        Meta(description="Only groups whose name begins so."),
    ] = None,
) -> Call:
    """Return the region's log groups: name, how long events are kept, stored bytes."""
    return call("logs:DescribeLogGroups", logGroupNamePrefix=log_group_name_prefix)


@CONNECTOR.tool(items="events", paging=Tokens("nextToken", size="limit", most=10_000))
def filter_log_events(
    log_group_name: LogGroupName = None,
    filter_pattern: Annotated[
        Annotated[str, Meta(max_length=1024)] | None,
        Meta(description='What to look for, in the filter syntax of CloudWatch Logs: ERROR, "two words", { $.x = 1 }.'),
    ] = None,
    start_time: Start = None,
    end_time: End = None,
) -> Call:
    """Return the events of all streams of a log group that match, oldest first; a page may be empty and lead on.

    Give a time: without one the whole group is searched. For one stream from its end: get_log_events.
    """
    return call(
        "logs:FilterLogEvents",
        logGroupName=log_group_name,
        filterPattern=filter_pattern,
        startTime=milliseconds(start_time),
        endTime=milliseconds(end_time),
    )


@CONNECTOR.tool(items="events", paging=BackwardTokens("nextToken", "nextBackwardToken", size="limit", most=10_000))
def get_log_events(
    log_stream_name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=512)],
        Meta(description="Name of the stream, as an event of filter_log_events tells it."),
    ],
    log_group_name: LogGroupName = None,
    start_time: Start = None,
    end_time: End = None,
) -> Call:
    """Return the newest events of one stream; next_cursor leads to older ones. To search: filter_log_events."""
    return call(
        "logs:GetLogEvents",
        logGroupName=log_group_name,
        logStreamName=log_stream_name,
        startTime=milliseconds(start_time),
        endTime=milliseconds(end_time),
    )


@CONNECTOR.tool(items="Events", paging=Tokens("NextToken", size="MaxResults", most=50))
def lookup_events(
    lookup_attributes: Annotated[
        Annotated[list[Attribute], Meta(min_length=1, max_length=5)] | None,
        Meta(description="Only events with this property; so far CloudTrail takes a single one."),
    ] = None,
    start_time: Annotated[Time | None, Meta(description="Only events at or after this time (RFC 3339).")] = None,
    end_time: Annotated[Time | None, Meta(description="Only events at or before this time (RFC 3339).")] = None,
) -> Call:
    """Return the account's management events of the last 90 days in the region, newest first: who did what, and when.

    The whole event stands as JSON text in CloudTrailEvent. AWS takes two such calls a second.
    """
    wanted = [
        {"AttributeKey": one.attribute_key, "AttributeValue": one.attribute_value} for one in lookup_attributes or ()
    ]
    return call(
        "cloudtrail:LookupEvents",
        LookupAttributes=wanted or None,
        StartTime=moment(start_time),
        EndTime=moment(end_time),
    )
