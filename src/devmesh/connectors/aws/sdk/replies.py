"""From a reply in XML, JSON or bytes to JSON, by botocore's parsers; errors are `{"Error": {"Code", "Message"}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import msgspec
from botocore.awsrequest import HeadersDict
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError
from msgspec import structs

from devmesh.connectors.aws.call import Call
from devmesh.connectors.aws.sdk.services import Service, service
from devmesh.connectors.aws.sdk.values import shown
from devmesh.upstream.model import Reply

# What a parser raises for a body that is not of the operation's shape.
_UNREADABLE = (
    *(ResponseParserError, BotoCoreError, ValueError, TypeError, KeyError, IndexError, AttributeError),
    *(OverflowError, RecursionError),
)
# AWS declares no types in its documents; who does wants to have entities expanded.
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_S3_ERROR = re.compile(rb"\A\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]")
_JSON = {"content-type": "application/json"}
# Where an error says that it wants another region: told beside the code and the message.
_ELSEWHERE = ("Region", "Endpoint")


def translate(call: Call, reply: Reply) -> Reply:
    """Return the reply with a body of JSON, without what is only of the transport; as it came if it is not AWS's."""
    known = service(call.service)
    status = reply.status
    if known.plain_path and status == HTTPStatus.OK and _S3_ERROR.match(reply.body):
        status = HTTPStatus.INTERNAL_SERVER_ERROR  # what S3 found only after it had answered 200
    if _DECLARES.search(reply.body):
        return reply
    try:
        parsed = _parsed(call, reply, status, known)
        body = msgspec.json.encode(shown(parsed))
    except _UNREADABLE:
        return reply
    return structs.replace(reply, status=int(status), headers={**reply.headers, **_JSON}, body=body)


def _parsed(call: Call, reply: Reply, status: int, known: Service) -> Any:
    operation = known.operation(call.operation)
    # A stream's bytes stay bytes: botocore would take those of its own kind for UTF-8.
    body = (
        bytearray(reply.body)
        if operation.has_streaming_output and status < HTTPStatus.MOVED_PERMANENTLY
        else reply.body
    )
    response = {"status_code": int(status), "headers": HeadersDict(reply.headers), "body": body}
    parsed = known.parser.parse(response, operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return {"Error": _error(parsed.get("Error", {}), reply.headers)}
    return _with_policies(parsed) if call.service == "iam" else parsed


def _error(error: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    told = {name: str(error.get(name) or "") for name in ("Code", "Message")}
    told |= {name: error[name] for name in _ELSEWHERE if isinstance(error.get(name), str)}
    if region := headers.get("x-amz-bucket-region"):
        told["Region"] = region
    return told


def _with_policies(value: Any) -> Any:
    """Return IAM's answer with its policies as JSON: it sends them percent-encoded (RFC 3986)."""
    if isinstance(value, list):
        return [_with_policies(one) for one in value]
    if isinstance(value, dict):
        return {
            name: _policy(one) if name.endswith("PolicyDocument") else _with_policies(one)
            for name, one in value.items()
        }
    return value


def _policy(value: Any) -> Any:
    try:
        return msgspec.json.decode(unquote(value))
    except (msgspec.DecodeError, TypeError):
        return value
