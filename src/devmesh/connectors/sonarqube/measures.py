"""Measures: what SonarQube counts in a project, its files and over time."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import (
    Asc,
    Branch,
    Component,
    From,
    Member,
    MetricKeys,
    PullRequest,
    Query,
    Text,
    To,
    joined,
    moment,
)
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.connectors.sonarqube.projects import Strategy, TreeQualifiers
from devmesh.upstream.model import Request, get

AdditionalFields = Annotated[
    list[Literal["metrics", "period"]] | None,
    Meta(description="metrics: also their names and types. period: also since when code counts as new."),
]


@CONNECTOR.tool()
def get_measures(
    component: Component,
    metric_keys: MetricKeys,
    branch: Branch = None,
    pull_request: PullRequest = None,
    additional_fields: AdditionalFields = None,
) -> Request:
    """Return the present values of metrics for one project, directory or file."""
    return get(
        "/api/measures/component",
        component=component,
        metricKeys=joined(metric_keys),
        branch=branch,
        pullRequest=pull_request,
        additionalFields=joined(additional_fields),
    )


@CONNECTOR.tool(items="measures")
def get_measures_history(
    component: Component,
    metrics: MetricKeys,
    from_: From = None,
    to: To = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
) -> Request:
    """Return how metrics changed: for each its values by the date of the analysis, oldest first.

    A page holds so many analyses of every metric, not so many metrics.
    """
    return get(
        "/api/measures/search_history",
        **{"from": moment(from_)},
        component=component,
        metrics=joined(metrics),
        to=moment(to),
        branch=branch,
        pullRequest=pull_request,
    )


@CONNECTOR.tool(items="components")
def get_measures_tree(
    component: Component,
    metric_keys: Annotated[
        Annotated[list[Member], Meta(min_length=1, max_length=15)],
        Meta(description="Keys of the metrics, 15 at most, from search_metrics: ncloc, coverage, bugs, code_smells."),
    ],
    sort: Annotated[
        list[Literal["metric", "metricPeriod", "name", "path", "qualifier"]] | None,
        Meta(description="Order of the result; metric goes with `metric_sort`. Omitted: name."),
    ] = None,
    asc: Asc = None,
    metric_sort: Annotated[Text | None, Meta(description="The metric to sort by, one of `metric_keys`.")] = None,
    q: Query = None,
    qualifiers: TreeQualifiers = None,
    strategy: Strategy = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
) -> Request:
    """Return metrics of each file or directory below a component: use it to find the worst files."""
    return get(
        "/api/measures/component_tree",
        component=component,
        metricKeys=joined(metric_keys),
        s=joined(sort),
        asc=asc,
        metricSort=metric_sort,
        q=q,
        qualifiers=joined(qualifiers),
        strategy=strategy,
        branch=branch,
        pullRequest=pull_request,
    )


@CONNECTOR.tool(items="metrics")
def search_metrics() -> Request:
    """Return all metrics that this server knows: key, name, domain, type, and whether higher is better."""
    return get("/api/metrics/search")
