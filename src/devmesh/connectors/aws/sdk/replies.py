"""From a reply in XML, JSON or bytes to JSON, by botocore's parsers; errors are `{"Error": {"Code", "Message"}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, unquote_plus

import msgspec
from botocore.awsrequest import HeadersDict
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError
from msgspec import structs

from devmesh.connectors.aws.call import Call
from devmesh.connectors.aws.sdk.services import service
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
_ENCODED = ("Key", "Prefix", "Delimiter", "StartAfter")
# Where an error says that it wants another region: told beside the code and the message.
_ELSEWHERE = ("Region", "Endpoint")


def translate(call: Call, reply: Reply) -> Reply:
    """Return the reply with a body of JSON, without what is only of the transport; as it came if it is not AWS's."""
    known = service(call.service)
    operation = known.operation(call.operation)
    streamed = operation.has_streaming_output and reply.status < HTTPStatus.MULTIPLE_CHOICES
    if known.plain_path and not streamed and reply.status == HTTPStatus.OK and _S3_ERROR.match(reply.body):
        reply = structs.replace(reply, status=int(HTTPStatus.INTERNAL_SERVER_ERROR))  # found after it had answered 200
    if not streamed and _DECLARES.search(reply.body):
        return reply
    # A stream's bytes stay bytes: botocore would take those of its own kind for UTF-8.
    body = bytearray(reply.body) if streamed else reply.body
    response = {"status_code": reply.status, "headers": HeadersDict(reply.headers), "body": body}
    try:
        parsed = _cleared(call, reply, known.parser.parse(response, operation.output_shape))
        content = msgspec.json.encode(shown(parsed))
    except _UNREADABLE:
        return reply
    return structs.replace(reply, headers={**reply.headers, **_JSON}, body=content)


def _cleared(call: Call, reply: Reply, parsed: dict[str, Any]) -> Any:
    """Return what was parsed without what is only of the transport."""
    parsed.pop("ResponseMetadata", None)
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        return {"Error": _error(parsed.get("Error", {}), reply.headers)}
    if call.name == "s3:ListObjectsV2" and parsed.pop("EncodingType", None) == "url":
        return _with_keys(parsed)
    return _with_policies(parsed) if call.service == "iam" else parsed


def _error(error: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    told = {name: str(error.get(name) or "") for name in ("Code", "Message")}
    told |= {name: error[name] for name in _ELSEWHERE if isinstance(error.get(name), str)}
    if region := headers.get("x-amz-bucket-region"):
        told["Region"] = region
    return told


def _with_keys(value: Any) -> Any:
    """Return S3's list with its keys as they are: encoded, they could be told in XML whatever they hold."""
    if isinstance(value, list):
        return [_with_keys(one) for one in value]
    if isinstance(value, dict):
        return {name: unquote_plus(one) if name in _ENCODED else _with_keys(one) for name, one in value.items()}
    return value


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
