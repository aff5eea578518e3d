"""Virtual machines and their networks (EC2)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.aws.arguments import Filters, filtered
from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

InstanceIds = Annotated[
    list[Annotated[str, Meta(pattern="^i-[0-9a-f]+$", max_length=60, examples=["i-0123456789abcdef0"])]],
    Meta(description="Ids of the machines, from describe_instances.", min_length=1, max_length=100),
]


@CONNECTOR.tool(
    items="Reservations", paging=Tokens("NextToken", size="MaxResults", least=5, most=1000, alone="InstanceIds")
)
def describe_instances(
    instance_ids: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern="^i-[0-9a-f]+$", max_length=60, examples=["i-0123456789abcdef0"])]],
            Meta(min_length=1, max_length=100),
        ]
        | None,
        Meta(description="Only these machines."),
    ] = None,
    filters: Filters = None,
) -> Call:
    """Return the region's virtual machines, grouped as they were started: state, type, addresses, image, tags."""
    return call("ec2:DescribeInstances", InstanceIds=instance_ids, Filters=filtered(filters))


@CONNECTOR.tool(writes=True, idempotent=True)
def start_instances(instance_ids: InstanceIds) -> Call:
    """Start stopped machines and return each one's former and present state; running ones stay as they are."""
    return call("ec2:StartInstances", InstanceIds=instance_ids)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def stop_instances(
    instance_ids: InstanceIds,
    force: Annotated[
        bool | None, Meta(description="True: without letting the system write what it holds. Only if it hangs.")
    ] = None,
    hibernate: Annotated[
        bool | None, Meta(description="True: keep the memory, if the machine was started for it.")
    ] = None,
) -> Call:
    """Stop machines and return each one's former and present state; what is on instance store volumes is lost."""
    return call("ec2:StopInstances", InstanceIds=instance_ids, Force=force, Hibernate=hibernate)


@CONNECTOR.tool(writes=True, destructive=True)
def reboot_instances(instance_ids: InstanceIds) -> Call:
    """Restart machines; AWS only notes the wish, so look at them afterwards. What they were doing is interrupted."""
    return call("ec2:RebootInstances", InstanceIds=instance_ids)


@CONNECTOR.tool(
    items="SecurityGroups", paging=Tokens("NextToken", size="MaxResults", least=5, most=1000, alone="GroupIds")
)
def describe_security_groups(
    group_ids: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern="^sg-[0-9a-f]+$", max_length=60, examples=["sg-0123456789abcdef0"])]],
            Meta(min_length=1, max_length=100),
        ]
        | None,
        Meta(description="Only these groups."),
    ] = None,
    filters: Filters = None,
) -> Call:
    """Return the region's security groups with the traffic that each lets in and out."""
    return call("ec2:DescribeSecurityGroups", GroupIds=group_ids, Filters=filtered(filters))


@CONNECTOR.tool(items="Vpcs", paging=Tokens("NextToken", size="MaxResults", least=5, most=1000, alone="VpcIds"))
def describe_vpcs(
    vpc_ids: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern="^vpc-[0-9a-f]+$", max_length=60, examples=["vpc-0123456789abcdef0"])]],
            Meta(min_length=1, max_length=100),
        ]
        | None,
        Meta(description="Only these networks."),
    ] = None,
    filters: Filters = None,
) -> Call:
    """Return the region's virtual networks: address ranges, whether it is the default one, tags."""
    return call("ec2:DescribeVpcs", VpcIds=vpc_ids, Filters=filtered(filters))


@CONNECTOR.tool(items="Subnets", paging=Tokens("NextToken", size="MaxResults", least=5, most=1000, alone="SubnetIds"))
def describe_subnets(
    subnet_ids: Annotated[
        Annotated[
            list[
                Annotated[str, Meta(pattern="^subnet-[0-9a-f]+$", max_length=60, examples=["subnet-0123456789abcdef0"])]
            ],
            Meta(min_length=1, max_length=100),
        ]
        | None,
        Meta(description="Only these subnets."),
    ] = None,
    filters: Filters = None,
) -> Call:
    """Return the region's subnets: network, availability zone, address range, how many addresses are free."""
    return call("ec2:DescribeSubnets", SubnetIds=subnet_ids, Filters=filtered(filters))


@CONNECTOR.tool()
def describe_regions(
    all_regions: Annotated[
        bool | None, Meta(description="True: also regions that the account has not enabled.")
    ] = None,
) -> Call:
    """Return the regions that the account can use, with their endpoints and whether they had to be enabled."""
    return call("ec2:DescribeRegions", AllRegions=all_regions)
