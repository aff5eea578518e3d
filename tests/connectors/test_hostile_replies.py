"""What a service, or whoever sits where it should, can answer: never does it end a call with an error of ours."""

import ast
import json
import time
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import devmesh.connectors
from devmesh.connectors import CONNECTORS
from devmesh.connectors.aws.call import Call
from devmesh.gateway.shape import shape
from devmesh.upstream.masking import masked
from devmesh.upstream.model import Reply

SOURCES = Path(devmesh.connectors.__file__).parent
RECORDED = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("recorded/*.json")}
STATUSES = (200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)
# What a header that the connector reads could hold beside what it should.
VALUES = ("", "x", "-1", "1e400", "nan", "²", "9" * 400, "[::1", "//[", "https://[::1/?page=2", "http://x:99999999/")
LINKS = (
    '<https://evil.example/?page=2>; rel="next"',
    "<>;rel=next",
    '</x?page=%zz>; rel="next"',
    "9999-99-99 00:00:00",
)
ODD = ("", "x", "\x00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+23:59", "https://[::1", 10**30, 1e308, -1)
WIDE = 100_000
LONG = ("a", " ", "<title", "\t", "/", '"', "\\", "<", "eyJa.", "a.", "%25", "<x>; ", "'AWS4-HMAC", "&amp;", "\r\n")


@cache
def words(service):
    """Return the words that the connector knows: they are the members and headers that it looks for."""
    files = [*(SOURCES / service).rglob("*.py"), *(SOURCES / "atlassian").glob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(text for text in texts if 0 < len(text) < 40 and text.isascii() and text.isprintable())


@cache
def calls(service):
    """Return the service's tools, each with the arguments and the request of what is recorded for it."""
    tools = CONNECTORS[service].tools
    checked = [
        (tools[name], tools[name].arguments.check(one[0]["arguments"])) for name, one in RECORDED[service].items()
    ]
    return [(tool, arguments, sent(tool.request(arguments))) for tool, arguments in checked]


def sent(request):
    # An operation of AWS becomes HTTP only with a region.
    return CONNECTORS["aws"].complete(request, {"region": "eu-central-1"}) if isinstance(request, Call) else request


@cache
def replies(service):
    word = st.sampled_from(words(service))
    leaf = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(ODD) | word
    value = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(word, inner, max_size=6), max_leaves=25
    )
    names = st.sampled_from([name for name in words(service) if name == name.lower()] + ["retry-after", "link"])
    kinds = st.sampled_from(["application/json", "text/html", "text/xml", ""]).map(lambda kind: {"content-type": kind})
    headers = st.dictionaries(names, st.sampled_from(VALUES + LINKS), max_size=4)
    body = value.map(msgspec.json.encode) | st.binary(max_size=20)
    joined = st.tuples(headers, kinds).map(lambda both: both[0] | both[1])
    return st.builds(Reply, st.sampled_from(STATUSES), joined, body, st.just("service.example"))


def taken(connector, reply, chosen):
    """Do everything with the reply that a call and a validation do."""
    verdict, failure = connector.judge(reply), connector.explain(reply)
    assert verdict.reason
    assert failure.message
    for tool, arguments, request in chosen:
        translated = connector.translate(request, reply) if connector.translate is not None else reply
        result = shape(tool, arguments, request, masked(translated, {"se/cr/et00"}), {}, reads=tool.read_only)
        assert result.text is not None


@pytest.mark.parametrize("service", CONNECTORS)
def test_no_reply_ends_a_call_with_an_error_of_ours(service):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(replies(service), st.lists(st.sampled_from(calls(service)), min_size=1, max_size=4))
    def every(reply, chosen):
        taken(CONNECTORS[service], reply, chosen)

    every()


@pytest.mark.parametrize("depth", [50, 300, 450, 600, 800, 900, 1100])
@pytest.mark.parametrize("service", CONNECTORS)
def test_no_reply_is_nested_too_deeply(service, depth):
    # With what makes the gateway look into it: escapes, and a token to take out.
    for inner in (b'{"runners_token": "x\\u0041"}', b'"a\\/b"'):
        for body in (b"[" * depth + inner + b"]" * depth, b'{"a":' * depth + inner + b"}" * depth):
            reply = Reply(200, {"content-type": "application/json"}, body)
            taken(CONNECTORS[service], reply, calls(service)[:3])


@pytest.mark.parametrize("service", CONNECTORS)
def test_no_text_takes_more_than_its_length_to_read(service):
    """A hundred thousand characters: what takes the square of them takes minutes."""
    members = ("message", "error", "errors", "errorMessages", "detail", "title", "Message", "Code", "reason")
    headers = ("link", "www-authenticate", "x-error", "warning", "location", "x-seraph-loginreason")
    for text in LONG:
        long = text * (WIDE // len(text))
        lines = long.replace("\r", "").replace("\n", "")[:60_000]
        error = msgspec.json.encode(dict.fromkeys(members, long) | {"Error": dict.fromkeys(members, long)})
        for body in (long.encode(), error):
            reply = Reply(400, {"content-type": "application/json", **dict.fromkeys(headers, lines)}, body)
            before = time.process_time()
            taken(CONNECTORS[service], reply, calls(service)[:1])
            assert time.process_time() - before < 2
