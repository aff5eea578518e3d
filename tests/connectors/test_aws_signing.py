"""What is signed is what is sent: recomputed by botocore from the bytes on the wire, and compared with its own client.

botocore's client here has its keys as arguments and no way to send: its requests are caught before.
"""

import logging
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

from connectors.aws_world import AWS, ENTRIES, FIELDS, IDS, Recorder, built, sender_to
from devmesh.connectors.aws.sdk.services import service
from devmesh.connectors.aws.sdk.values import taken
from devmesh.upstream.message import message_of
from devmesh.upstream.model import Reply
from devmesh.upstream.origin import base_of
from devmesh.upstream.outgoing import head_of, host_of

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
TOKEN = "FwoGZXIvYXdzEXAMPLE//token=="
entries = pytest.mark.parametrize(("name", "arguments"), [(name, one) for name, _, one in ENTRIES], ids=IDS)


def on_the_wire(call, fields=FIELDS, base_url=None):
    """Return the head and the body as the sender writes them."""
    request, root, signed = AWS.outgoing(call, fields, base_url)
    base = base_of(root)
    message = message_of(request, base, {**AWS.headers, **signed})
    return head_of(message, host_of(base.origin)).decode("latin-1"), message.body or b""


def read(head):
    line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    return method, target, dict(one.split(": ", 1) for one in lines)


def signature_of(head, body, secret, monkeypatch, scheme="https", token=None):
    """Return what was signed for, and the signature that botocore makes of the bytes."""
    method, target, headers = read(head)
    told = AUTHORIZATION.fullmatch(headers["authorization"])
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: at)
    kept = {name: headers[name] for name in told["signed"].split(";") if name != "host"}
    request = AWSRequest(method, f"{scheme}://{headers['host']}{target}", kept, body)
    kind = botocore.auth.S3SigV4Auth if told["service"] == "s3" else botocore.auth.SigV4Auth
    kind(Credentials(told["key"], secret, token), told["service"], told["region"]).add_auth(request)
    return told, AUTHORIZATION.fullmatch(request.headers["Authorization"])["signature"]


@entries
def test_botocore_signs_the_bytes_alike(name, arguments, monkeypatch):
    head, body = on_the_wire(built(name, **arguments))
    told, recomputed = signature_of(head, body, FIELDS["secret_key"], monkeypatch)
    assert told["signature"] == recomputed
    assert {"host", "x-amz-date"} <= set(told["signed"].split(";"))
    assert told["key"] == FIELDS["access_key"]


@entries
async def test_botocore_signs_alike_what_arrives_at_a_server_of_ones_own(name, arguments, monkeypatch):
    async with Recorder() as recorder:
        sender = sender_to(recorder.port)
        request, root, signed = await AWS.prepared(
            built(name, **arguments), FIELDS, f"http://127.0.0.1:{recorder.port}/below/"
        )
        await sender.send(request, base_url=root, organization="acme", headers={**AWS.headers, **signed})
        await sender.close()
    [(head, body)] = recorder.requests
    told, recomputed = signature_of(head, body, FIELDS["secret_key"], monkeypatch, scheme="http")
    assert told["signature"] == recomputed
    assert read(head)[1].startswith("/below")
    assert read(head)[2]["host"] == f"127.0.0.1:{recorder.port}"


@pytest.mark.parametrize("name", ["get_object", "put_object", "describe_instances", "get_function", "put_item"])
def test_whatever_is_altered_on_the_way_needs_another_signature(name, monkeypatch):
    arguments = next(one for tool, _, one in ENTRIES if tool == name)
    head, body = on_the_wire(built(name, **arguments))
    told, _ = signature_of(head, body, FIELDS["secret_key"], monkeypatch)
    method, target, headers = read(head)
    altered = {
        "method": (head.replace(method, "PATCH", 1), body),
        "path": (head.replace(target, f"{target.partition('?')[0]}x", 1), body),
        "query": (head.replace(target, f"{target}{'&' if '?' in target else '?'}x=1", 1), body),
        "host": (head.replace(headers["host"], f"x.{headers['host']}", 1), body),
        "body": (head, body + b"x"),
        "time": (head.replace(headers["x-amz-date"], "20200101T000000Z"), body),
    }
    altered |= {
        one: (head.replace(f"{one}: {headers[one]}", f"{one}: {headers[one]}x"), body)
        for one in told["signed"].split(";")
        if one not in ("host", "x-amz-date", "x-amz-content-sha256")  # the last is made of the body
    }
    for part, (other_head, other_body) in altered.items():
        assert signature_of(other_head, other_body, FIELDS["secret_key"], monkeypatch)[1] != told["signature"], part
    assert signature_of(head, body, "another", monkeypatch)[1] != told["signature"]


def test_the_token_of_a_session_is_sent_and_signed(monkeypatch):
    head, body = on_the_wire(built("list_buckets"), {**FIELDS, "session_token": TOKEN})
    told, recomputed = signature_of(head, body, FIELDS["secret_key"], monkeypatch, token=TOKEN)
    assert read(head)[2]["x-amz-security-token"] == TOKEN
    assert "x-amz-security-token" in told["signed"]
    assert told["signature"] == recomputed


def test_neither_a_session_nor_what_is_asked_and_answered_is_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        call, fields = built("get_parameter", name="/secret/name"), {**FIELDS, "session_token": TOKEN}
        on_the_wire(call, fields)
        reply = Reply(200, {"x-amzn-requestid": "1"}, b'{"Parameter": {"Value": "in-clear"}}')
        assert AWS.translate(AWS.complete(call, fields), reply).json() == {"Parameter": {"Value": "in-clear"}}
    assert [secret for secret in (TOKEN, "/secret/name", "in-clear") if secret in caplog.text] == []


def by_botocore(call, region="eu-central-1"):
    """Return the request that botocore's own client makes of the call, caught before it is sent."""
    session = botocore.session.Session(profile=None)
    client = session.create_client(
        call.service,
        region,
        aws_access_key_id=FIELDS["access_key"],
        aws_secret_access_key=FIELDS["secret_key"],
        config=Config(retries={"max_attempts": 0}, request_checksum_calculation="when_required"),
    )
    caught = []

    def catch(request, **_):
        caught.append(request)
        return AWSResponse(request.url, 500, {}, None)

    known = service(call.service)
    shape = known.operation(call.operation).input_shape
    client.meta.events.register_last("before-send", catch)
    try:
        client._make_api_call(call.operation, taken(dict(call.parameters), shape, known) if shape else {})
    except Exception:  # noqa: BLE001  the answer above is none that it can read
        assert caught
    return caught[0]


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


# What its client sends for itself, what is only of the signature, and how it guards what it sends against errors.
OF_THE_CLIENT = re.compile(
    "user-agent|amz-sdk-.*|authorization|x-amz-date|x-amz-content-sha256|expect|content-length|"
    "x-amz-checksum-.*|x-amz-sdk-checksum-algorithm"
)


def own(headers):
    texts = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
    return {name: value for name, value in texts.items() if not OF_THE_CLIENT.fullmatch(name)}


@entries
def test_the_request_is_the_one_that_botocores_own_client_makes(name, arguments):
    call = built(name, **arguments)
    theirs = by_botocore(call)
    ours, root, _ = AWS.outgoing(call, FIELDS, None)
    there = urlsplit(theirs.url)
    target = base_of(root).target(ours.path, ours.query)
    assert (ours.method, root) == (theirs.method, f"{there.scheme}://{there.netloc}")
    assert target.partition("?")[0] == (there.path or "/")
    assert dict(parse_qsl(target.partition("?")[2], keep_blank_values=True)) == dict(
        parse_qsl(there.query, keep_blank_values=True)
    )
    body = theirs.body.read() if hasattr(theirs.body, "read") else theirs.body or b""
    assert (ours.content or b"") == (body.encode() if isinstance(body, str) else body)
    assert own(ours.headers) == own(theirs.headers)
