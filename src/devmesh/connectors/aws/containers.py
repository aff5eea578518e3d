"""Containers: ECS, EKS, and the registry of images (ECR)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.aws.arguments import Names, Text
from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

Cluster = Annotated[Text | None, Meta(description="Name or ARN of the cluster; omitted: the one named default.")]


@CONNECTOR.tool(items="clusterArns", paging=Tokens("nextToken", size="maxResults", most=100))
def list_clusters_ecs() -> Call:
    """Return the ARNs of the region's ECS clusters; those of Kubernetes: list_clusters_eks."""
    return call("ecs:ListClusters")


@CONNECTOR.tool(items="serviceArns", paging=Tokens("nextToken", size="maxResults", most=100))
def list_services_ecs(cluster: Cluster = None) -> Call:
    """Return the ARNs of the services of an ECS cluster; their state: describe_services_ecs."""
    return call("ecs:ListServices", cluster=cluster)


@CONNECTOR.tool()
def describe_services_ecs(
    services: Annotated[
        list[Text], Meta(description="Names or ARNs of up to ten services.", min_length=1, max_length=10)
    ],
    cluster: Cluster = None,
) -> Call:
    """Return the state of ECS services: tasks wanted, running and pending, deployments, the latest events.

    What there is not is told under `failures`, not as an error.
    """
    return call("ecs:DescribeServices", services=services, cluster=cluster)


@CONNECTOR.tool(writes=True)
def update_service_ecs(
    service: Annotated[Text, Meta(description="Name or ARN of the service.")],
    cluster: Cluster = None,
    desired_count: Annotated[
        Annotated[int, Meta(ge=0, le=5000)] | None, Meta(description="How many tasks shall run; 0 stops it.")
    ] = None,
    task_definition: Annotated[
        Text | None, Meta(description="What to run from now on: family, family:revision or ARN.")
    ] = None,
    force_new_deployment: Annotated[
        bool | None, Meta(description="True: start all tasks anew, though nothing else changes (a moved image tag).")
    ] = None,
) -> Call:
    """Scale an ECS service, or deploy another task definition or the same one anew, and return the service.

    It comes back before the deployment is done: describe_services_ecs shows how it goes.
    """
    return call(
        "ecs:UpdateService",
        cluster=cluster,
        service=service,
        desiredCount=desired_count,
        taskDefinition=task_definition,
        forceNewDeployment=force_new_deployment,
    )


@CONNECTOR.tool(items="clusters", paging=Tokens("nextToken", size="maxResults", most=100))
def list_clusters_eks() -> Call:
    """Return the names of the region's Kubernetes clusters (EKS); those of ECS: list_clusters_ecs."""
    return call("eks:ListClusters")


@CONNECTOR.tool()
def describe_cluster_eks(
    name: Annotated[
        str,
        Meta(
            description="Name of the cluster, from list_clusters_eks.",
            pattern="^[0-9A-Za-z][A-Za-z0-9_-]*$",
            max_length=100,
            examples=["production"],
        ),
    ],
) -> Call:
    """Return one Kubernetes cluster (EKS): version, state, endpoint, network, logging; no token for kubectl."""
    return call("eks:DescribeCluster", name=name)


@CONNECTOR.tool(items="repositories", paging=Tokens("nextToken", size="maxResults", most=1000, alone="repositoryNames"))
def list_repositories_ecr(
    repository_names: Annotated[Names | None, Meta(description="Only these repositories.")] = None,
) -> Call:
    """Return the region's image repositories: name, ARN, the address to pull from, whether pushes are scanned."""
    return call("ecr:DescribeRepositories", repositoryNames=repository_names)
