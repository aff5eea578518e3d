"""Metrics and alarms (CloudWatch)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.arguments import Time, moment
from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

_NAME = Annotated[str, Meta(min_length=1, max_length=255)]


class Dimension(msgspec.Struct, forbid_unknown_fields=True):
    """What a metric is told apart by."""

    name: Annotated[str, Meta(description="Such as InstanceId.", min_length=1, max_length=255)]
    value: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1024)] | None, Meta(description="Omitted: any value.")
    ] = None


@CONNECTOR.tool(items="MetricAlarms", paging=Tokens("NextToken", size="MaxRecords", most=100))
def describe_alarms(
    alarm_names: Annotated[
        Annotated[list[_NAME], Meta(min_length=1, max_length=100)] | None, Meta(description="Only these alarms.")
    ] = None,
    state_value: Annotated[
        Literal["OK", "ALARM", "INSUFFICIENT_DATA"] | None, Meta(description="Only alarms in this state.")
    ] = None,
) -> Call:
    """Return the region's alarms: state and its reason, metric, threshold, actions."""
    return call("cloudwatch:DescribeAlarms", AlarmNames=alarm_names, StateValue=state_value)


@CONNECTOR.tool(items="MetricDataResults", paging=Tokens("NextToken", most=500))
def get_metric_data(
    metric_data_queries: Annotated[
        list[dict[str, Any]],
        Meta(
            description=(
                "Each a MetricDataQuery of the API, its Id a lower-case word: "
                '{"Id": "cpu", "MetricStat": {"Metric": {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", '
                '"Dimensions": [{"Name": "InstanceId", "Value": "i-…"}]}, "Period": 300, "Stat": "Average"}}, or '
                '{"Id": "e", "Expression": "cpu * 2"}.'
            ),
            min_length=1,
            max_length=500,
            examples=[[{"Id": "e", "Expression": "cpu * 2"}]],
        ),
    ],
    start_time: Annotated[Time, Meta(description="From this time on (RFC 3339).")],
    end_time: Annotated[Time, Meta(description="Before this time (RFC 3339).")],
    scan_by: Annotated[
        Literal["TimestampDescending", "TimestampAscending"] | None,
        Meta(description="Order of the values; omitted: newest first."),
    ] = None,
) -> Call:
    """Return values of metrics over a time, and of expressions on them: for each query its Timestamps and Values."""
    return call(
        "cloudwatch:GetMetricData",
        MetricDataQueries=metric_data_queries,
        StartTime=moment(start_time),
        EndTime=moment(end_time),
        ScanBy=scan_by,
    )


@CONNECTOR.tool(items="Metrics", paging=Tokens("NextToken", most=500))
def list_metrics(
    namespace: Annotated[
        Annotated[str, Meta(pattern="^[^:].*$", max_length=255, examples=["AWS/EC2"])] | None,
        Meta(description="Only metrics of this namespace."),
    ] = None,
    metric_name: Annotated[_NAME | None, Meta(description="Only metrics of this name.")] = None,
    dimensions: Annotated[
        Annotated[list[Dimension], Meta(max_length=10)] | None, Meta(description="Only metrics with all of these.")
    ] = None,
) -> Call:
    """Return which metrics there are, with their dimensions; their values: get_metric_data."""
    named = [{"Name": one.name, **({"Value": one.value} if one.value else {})} for one in dimensions or ()]
    return call("cloudwatch:ListMetrics", Namespace=namespace, MetricName=metric_name, Dimensions=named or None)
