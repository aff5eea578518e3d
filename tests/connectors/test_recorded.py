"""Each tool's request, compared byte for byte with what is recorded from the service's documentation.

`recorded/<service>.json` holds for each tool one or more arguments, each with the request that they must become.
"""

import json
from pathlib import Path

import pytest
from msgspec import structs

from connectors.wire import PARTS, differences, sent
from devmesh.connectors import CONNECTORS
from devmesh.connectors.aws.call import Call

RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("recorded/*.json"))}
ENTRIES = [
    pytest.param(CONNECTORS[service].tools[name], entry, id=f"{service}.{name}-{number}")
    for service, tools in RECORDED.items()
    for name, entries in tools.items()
    for number, entry in enumerate(entries)
]
recorded = pytest.mark.parametrize(("operation", "entry"), ENTRIES)


def built(tool, entry):
    request = tool.request(tool.arguments.check(entry["arguments"]))
    # An operation of AWS becomes HTTP only with a region.
    return tool.connector.complete(request, {"region": "eu-central-1"}) if isinstance(request, Call) else request


def altered(request):
    """Return for each part of the request, ways to send it otherwise."""
    as_sent = sent(request)
    content = as_sent["body"].encode("utf-8", "surrogateescape") if as_sent["body"] is not None else None
    request = structs.replace(request, headers=as_sent["headers"], json=None, form=None, content=content)

    query, headers = request.query, request.headers
    fewer = [{key: value for key, value in query.items() if key != name} for name in query]
    changed = {
        "method": [method for method in ("GET", "POST", "PUT", "DELETE") if method != request.method],
        "path": [f"{request.path}/x", request.path[:-1] + {"a": "b", "/": "/b"}.get(request.path[-1], "a")],
        "query": [{**query, "altered": "1"}, *fewer],
        "headers": [
            {**headers, "x-altered": "1"},
            *({**headers, name: f"{value}x"} for name, value in headers.items()),
        ],
        "content": [(content or b"") + b" ", *([content[:-1], None] if content else [])],
    }
    return [
        ("body" if part == "content" else part, structs.replace(request, **{part: value}))
        for part, values in changed.items()
        for value in values
    ]


@pytest.mark.parametrize("service", CONNECTORS)
def test_every_tool_but_call_api_has_its_request_recorded(service):
    assert {name for name, entries in RECORDED[service].items() if entries} == set(CONNECTORS[service].tools) - {
        "call_api"
    }


@recorded
def test_the_request_is_what_is_recorded_byte_for_byte(operation, entry):
    assert set(entry) == {"arguments", *PARTS}
    assert sent(built(operation, entry)) == {part: entry[part] for part in PARTS}


@recorded
def test_a_request_that_is_altered_in_any_part_is_not_what_is_recorded(operation, entry):
    for part, wrong in altered(built(operation, entry)):
        assert part in differences(wrong, entry)
