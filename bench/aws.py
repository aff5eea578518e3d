"""Building and signing requests to AWS, in this process: CPU alone, the best of many rounds."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from devmesh.connectors import CONNECTORS
from devmesh.connectors.aws.call import Call, call
from figures import figure, note

_AWS = CONNECTORS["aws"]
_FIELDS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "region": "eu-west-1"}
_QUERY = 400
_OTHERS = 250
# One of each protocol, with arguments as agents give them.
_CALLS: list[tuple[str, str, dict[str, Any], int]] = [
    ("query", "list_attached_role_policies", {"role_name": "deployment", "path_prefix": "/teams/"}, _QUERY),
    (
        "ec2",
        "describe_instances",
        {"filters": [{"name": "tag:Name", "values": ["web", "db"]}, {"name": "vpc-id", "values": ["vpc-1"]}]},
        _QUERY,
    ),
    ("json", "get_item", {"table_name": "orders", "key": {"id": {"S": "7"}, "day": {"N": "1"}}}, _OTHERS),
    ("rest-json", "get_function", {"function_name": "resize", "qualifier": "production"}, _OTHERS),
    ("rest-xml", "put_object", {"bucket": "my-bucket", "key": "notes/a b.md", "body": "x" * 1000}, _OTHERS),
]


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure a call of each protocol from its arguments to what is sent, and how long loading takes."""
    began = time.perf_counter()
    asyncio.run(_ready(call("sts:GetCallerIdentity")))
    note(f"aws, botocore imported and the first service read: {(time.perf_counter() - began) * 1000:.0f} ms")
    began = time.perf_counter()
    asyncio.run(_ready(call("ec2:DescribeInstances")))
    note(f"aws, the largest service read (EC2): {(time.perf_counter() - began) * 1000:.0f} ms")
    for protocol, name, arguments, asked in _CALLS:
        figure(f"aws, built and signed, {protocol}", _best(name, arguments, 50 if quick else 300), asked, "us", name)


async def _ready(request: Call) -> None:
    await _AWS.prepared(request, _FIELDS, None)


def _best(name: str, arguments: dict[str, Any], count: int) -> float:
    """Return the CPU microseconds from the checked arguments of the tool to its signed request."""
    tool = _AWS.tools[name]
    checked = tool.arguments.check(arguments)
    _AWS.outgoing(tool.request(checked), _FIELDS, None)
    rounds = []
    for _ in range(9):
        began = time.thread_time()
        for _ in range(count):
            _AWS.outgoing(tool.request(checked), _FIELDS, None)
        rounds.append(time.thread_time() - began)
    return min(rounds) / count * 1e6
