"""The rest of AWS, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated, Any, cast

from msgspec import Meta

from devmesh.connectors.aws.call import Call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.upstream.model import Request

# AWS writes by GET as well (EC2, SQS, S3's subresources), so that only the operation tells. These are the ones that
# the read-only tools call.
READS = frozenset(
    {
        *("sts:GetCallerIdentity", "s3:ListBuckets", "s3:ListObjectsV2", "s3:GetObject", "s3:HeadObject"),
        *("ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs", "ec2:DescribeSubnets"),
        *("ec2:DescribeRegions", "lambda:ListFunctions", "lambda:GetFunction", "logs:DescribeLogGroups"),
        *("logs:FilterLogEvents", "logs:GetLogEvents", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
        *("cloudwatch:ListMetrics", "iam:ListUsers", "iam:ListRoles", "iam:GetRole", "iam:ListAttachedRolePolicies"),
        *("cloudformation:ListStacks", "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"),
        *("ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices", "eks:ListClusters", "eks:DescribeCluster"),
        *("dynamodb:ListTables", "dynamodb:Query", "dynamodb:GetItem", "rds:DescribeDBInstances", "sqs:ListQueues"),
        *("sns:ListTopics", "secretsmanager:ListSecrets", "ssm:GetParameter", "ecr:DescribeRepositories"),
        *("codepipeline:ListPipelines", "codebuild:ListProjects", "cloudtrail:LookupEvents", "ce:GetCostAndUsage"),
    }
)


def _reads(request: Request) -> bool:
    """Whether the operation is one of those that a read-only tool calls."""
    return cast("Call", request).name in READS


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(
    service: Annotated[
        str,
        Meta(
            description="Name of the service, as the AWS CLI has it.",
            pattern="^[a-z0-9][a-z0-9.-]*$",
            max_length=60,
            examples=["autoscaling"],
        ),
    ],
    operation: Annotated[
        str,
        Meta(
            description="The operation, as the service's API reference names it.",
            pattern="^[A-Z][A-Za-z0-9]*$",
            max_length=100,
            examples=["DescribeAutoScalingGroups"],
        ),
    ],
    parameters: Annotated[
        dict[str, Any] | None,
        Meta(description='Its parameters under names of the API reference, paging included; bytes as {"base64": "…"}.'),
    ] = None,
    region: Annotated[
        Annotated[str, Meta(pattern="^[a-z0-9-]{1,63}$", examples=["eu-central-1"])] | None,
        Meta(description="Another region than the credential's."),
    ] = None,
) -> Call:
    """Call any operation of any AWS service that has no tool of its own, and return its reply as JSON.

    Names are those of https://docs.aws.amazon.com and of boto3. Without write rights only the operations of the
    read-only tools are open. Operations that hand out credentials need a scope that names them.
    """
    return Call(service=service, operation=operation, parameters=parameters or {}, region=region)
