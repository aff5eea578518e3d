"""Costs (Cost Explorer)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

_Metric = Literal[
    "AmortizedCost",
    "BlendedCost",
    "NetAmortizedCost",
    "NetUnblendedCost",
    "NormalizedUsageAmount",
    "UnblendedCost",
    "UsageQuantity",
]
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?$"


class Period(msgspec.Struct, forbid_unknown_fields=True):
    """A time, the end not included."""

    start: Annotated[str, Meta(pattern=_DAY, description="First day.", examples=["2026-10-01"])]
    end: Annotated[str, Meta(pattern=_DAY, description="The day after the last.", examples=["2026-11-01"])]


class Group(msgspec.Struct, forbid_unknown_fields=True):
    """What to split the costs by."""

    type: Literal["DIMENSION", "TAG", "COST_CATEGORY"]
    key: Annotated[str, Meta(description="SERVICE, REGION, LINKED_ACCOUNT, …, or the tag's key.", max_length=1024)]


@CONNECTOR.tool(items="ResultsByTime", paging=Tokens("NextPageToken", most=100))
def get_cost_and_usage(
    time_period: Annotated[Period, Meta(description="The time to sum up.")],
    granularity: Annotated[Literal["DAILY", "MONTHLY", "HOURLY"], Meta(description="The length of each sum.")],
    metrics: Annotated[
        list[_Metric],
        Meta(description="What to sum up; what the bill says is UnblendedCost.", min_length=1, max_length=7),
    ],
    group_by: Annotated[
        Annotated[list[Group], Meta(min_length=1, max_length=2)] | None,
        Meta(description="Split by up to two of these."),
    ] = None,
    filter: Annotated[  # noqa: A002  the argument's name at Cost Explorer
        dict[str, Any] | None,
        Meta(
            description=(
                'An Expression of the API: {"Dimensions": {"Key": "SERVICE", "Values": ["AWS Lambda"]}}, '
                'with "And", "Or", "Not" around such.'
            ),
            examples=[{"Dimensions": {"Key": "SERVICE", "Values": ["AWS Lambda"]}}],
        ),
    ] = None,
) -> Call:
    """Return what the account's services cost over a time, by day or month. AWS itself charges 0.01 USD a call."""
    return call(
        "ce:GetCostAndUsage",
        TimePeriod={"Start": time_period.start, "End": time_period.end},
        Granularity=granularity,
        Metrics=metrics,
        GroupBy=[{"Type": one.type, "Key": one.key} for one in group_by] if group_by else None,
        Filter=filter,
    )
