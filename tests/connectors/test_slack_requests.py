"""Each Slack tool's recorded requests, compared with what Slack's own client sends for the same arguments."""

import inspect
import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from slack_sdk import WebClient

from devmesh.connectors import CONNECTORS

RECORDED = json.loads((Path(__file__).parent / "recorded" / "slack.json").read_text())
CASES = [
    pytest.param(entry, id=f"{name}-{number}")
    for name, entries in RECORDED.items()
    for number, entry in enumerate(entries)
]
# Slack takes these by GET as well, and so they can be repeated where a connection breaks.
READ_BY_POST = {"/auth.test", "/chat.scheduledMessages.list"}


class Recorder(WebClient):
    """Slack's client, which tells the call instead of making it."""

    def api_call(self, api_method, *, http_verb="POST", params=None, json=None, data=None, **_other):
        return http_verb, f"/{api_method}", json or params or data or {}


def ours(entry):
    """Return the arguments on the wire."""
    if entry["method"] == "GET":
        return dict(parse_qsl(entry["query"]))
    form = entry["headers"]["content-type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(entry["body"])) if form else json.loads(entry["body"])


def plain(arguments):
    """Return the arguments as a form spells them; an object or a list is JSON there."""
    texts = {True: "true", False: "false"}
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else texts.get(value, str(value))
        for name, value in arguments.items()
        if value is not None
    }


def called(entry):
    """Return what Slack's client would send for the recorded method with these arguments; TypeError for others."""
    method = getattr(Recorder(), entry["path"].removeprefix("/").replace(".", "_"))
    known = {name for name, one in inspect.signature(method).parameters.items() if one.kind is one.KEYWORD_ONLY}
    arguments = ours(entry)
    if unknown := arguments.keys() - known:
        raise TypeError(f"unknown: {sorted(unknown)}")
    verb, path, sent = method(**arguments)
    return "GET" if path in READ_BY_POST else verb, path, plain(sent)


@pytest.mark.parametrize("entry", CASES)
def test_slacks_own_client_sends_the_same(entry):
    assert called(entry) == (entry["method"], entry["path"], plain(ours(entry)))


@pytest.mark.parametrize("entry", CASES)
def test_an_argument_or_a_method_that_slack_does_not_have_is_seen(entry):
    with pytest.raises(AttributeError):
        called({**entry, "path": f"{entry['path']}.x"})
    wrong = {"method": "POST", "headers": {"content-type": "application/json"}}
    with pytest.raises(TypeError, match="no_such_argument"):
        called({**entry, **wrong, "body": json.dumps({**ours(entry), "no_such_argument": 1})})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/conversations.invite", {"channel": "C1", "user": "U1"}),
        ("/chat.postMessage", {"text": "x"}),
        ("/reactions.add", {"channel": "C1", "name": "x", "ts": "1.1"}),
        ("/files.completeUploadExternal", {"channel_id": "C1"}),
    ],
)
def test_a_call_that_lacks_an_argument_is_seen(path, body):
    entry = {"method": "POST", "path": path, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
    with pytest.raises(TypeError):
        called(entry)


@pytest.mark.parametrize(
    ("name", "arguments", "missing"),
    [
        ("post_message", {"channel": "C012"}, "text"),
        ("post_ephemeral", {"channel": "C012", "user": "U012"}, "text"),
        ("update_message", {"channel": "C012", "ts": "1.2"}, "text"),
        ("schedule_message", {"channel": "C012", "post_at": 1}, "text"),
        ("open_conversation", {}, "users"),
    ],
)
def test_a_call_that_would_do_nothing_is_refused_before_it_is_sent(name, arguments, missing):
    tool = CONNECTORS["slack"].tools[name]
    with pytest.raises(Exception, match=missing):
        tool.request(tool.arguments.check(arguments))


def test_every_tool_that_writes_is_sent_by_post_and_every_other_by_get():
    tools = CONNECTORS["slack"].tools
    methods = {name: {entry["method"] for entry in entries} for name, entries in RECORDED.items()}
    assert methods == {name: {"GET" if tools[name].read_only else "POST"} for name in RECORDED}
