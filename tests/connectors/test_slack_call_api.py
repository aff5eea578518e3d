"""slack.call_api reaches any method, with the stored token alone; reads and credentials are told by the method."""

import json
from pathlib import Path

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.message import message_of
from devmesh.upstream.model import Request
from devmesh.upstream.origin import base_of

SLACK = CONNECTORS["slack"]
TOOL = SLACK.tools["call_api"]
RECORDED = json.loads((Path(__file__).parent / "recorded" / "slack.json").read_text())


def built(**arguments):
    return TOOL.request(TOOL.arguments.check(arguments))


def sent(request):
    message = message_of(request, base_of("https://slack.com/api"), {})
    return str(message.url), message.body


def test_it_sends_what_it_is_given():
    read = built(method="GET", path="/bookmarks.list", query={"channel_id": "C1", "x": None})
    assert sent(read) == ("https://slack.com/api/bookmarks.list?channel_id=C1", None)
    written = built(method="POST", path="/bookmarks.add", query={"channel_id": "C1"}, body={"title": "x"})
    assert sent(written) == ("https://slack.com/api/bookmarks.add?channel_id=C1", b'{"title":"x"}')
    assert sent(built(method="POST", path="/auth.revoke")) == ("https://slack.com/api/auth.revoke", None)


def test_a_read_takes_no_body():
    with pytest.raises(Invalid, match="body"):
        built(method="GET", path="/users.list", body={"limit": 1})


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "get", ""])
def test_no_other_method_is_sent(method):
    with pytest.raises(Invalid, match="method"):
        built(method=method, path="/users.list")


@pytest.mark.parametrize(
    "path",
    [
        *("", "users.list", "/", "//users.list", "/users.list/", "/users/list", "/../users.list", "/users.list?x=1"),
        *("/users.list#x", "/users%2elist", "/users.list\n", "/users..list", "/.users", "/users", "/ users.list"),
        *("/users.list;x", "\\users.list", "/users.list\x00", "https://evil.example/users.list", "/üsers.list"),
    ],
    ids=ascii,
)
def test_a_path_that_is_no_methods_name_is_refused(path):
    with pytest.raises(Invalid) as refusal:
        built(method="GET", path=path)
    assert refusal.value.faults[0].field == "path"


@pytest.mark.parametrize("name", ["token", "Token", "TOKEN", " token", "token[]", "tok.en", "token\x00", "", "tökén"])
def test_no_other_token_travels_in_the_arguments(name):
    with pytest.raises(Invalid, match="query"):
        built(method="GET", path="/users.list", query={name: "xoxp-1"})
    with pytest.raises(Invalid, match="body"):
        built(method="POST", path="/users.list", body={name: "xoxp-1"})


def test_a_read_key_may_use_it_for_what_the_reading_tools_send():
    for name, entries in RECORDED.items():
        for entry in entries:
            request = Request(method=entry["method"], path=entry["path"])
            assert TOOL.reads(request) == SLACK.tools[name].read_only, name


@pytest.mark.parametrize("path", sorted({entry["path"] for entries in RECORDED.values() for entry in entries}))
def test_a_method_that_writes_is_no_read_by_get_either(path):
    writes = not any(
        SLACK.tools[name].read_only for name, entries in RECORDED.items() for entry in entries if entry["path"] == path
    )
    assert TOOL.reads(built(method="GET", path=path)) != writes
    assert not TOOL.reads(built(method="POST", path=path))


@pytest.mark.parametrize(
    "path",
    ["/bookmarks.list", "/admin.users.list", "/chat.postMessageX", "/CONVERSATIONS.LIST", "/conversations.list2"],
)
def test_no_other_method_counts_as_a_read(path):
    assert not TOOL.reads(built(method="GET", path=path))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/oauth.v2.access", "oauth_v2_access"),
        ("/OAuth.V2.Access", "oauth_v2_access"),
        ("/oauth.v2.exchange", "oauth_v2_exchange"),
        ("/oauth.v2.user.access", "oauth_v2_user_access"),
        ("/oauth.access", "oauth_access"),
        ("/oauth.token", "oauth_token"),
        ("/oauth.v2.beginShortTokenRotation", "oauth_v2_begin_short_token_rotation"),
        ("/openid.connect.token", "openid_connect_token"),
        ("/tooling.tokens.rotate", "tooling_tokens_rotate"),
        ("/apps.connections.open", "apps_connections_open"),
        ("/apps.manifest.create", "apps_manifest_create"),
        ("/apps.auth.external.get", "apps_auth_external_get"),
        ("/rtm.connect", "rtm_connect"),
        ("/rtm.start", "rtm_start"),
        ("/auth.test", None),
        ("/auth.revoke", None),
        ("/files.getUploadURLExternal", None),
    ],
)
def test_a_method_that_hands_out_a_credential_is_named(path, operation):
    for method in ("GET", "POST"):
        request = built(method=method, path=path)
        assert SLACK.hands_out(request) == operation
        assert not (operation and TOOL.reads(request))


def test_no_tool_hands_out_a_credential():
    paths = {entry["path"] for entries in RECORDED.values() for entry in entries}
    assert {SLACK.hands_out(Request(method="POST", path=path)) for path in paths} == {None}
