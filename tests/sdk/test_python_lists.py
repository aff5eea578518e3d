"""Lists of the Python SDK: page after page, and what a query may hold."""

from __future__ import annotations

import httpx2
import pytest

from devmesh_sdk import ApiKey, AsyncClient, Client, MalformedReplyError
from devmesh_sdk.api import operations as do
from devmesh_sdk.api import own
from sdk.played import KEY, Play, reply

NAMES = ["github.create_issue", "github.get_issue", "github.list_issues", "jira.create_issue", "slack.post_message"]


def answer(request: httpx2.Request) -> httpx2.Response:
    """Two tools a page."""
    start = int(request.url.params.get("cursor", "0"))
    shown = [{"name": name, "title": name.title(), "description": "An Issue."} for name in NAMES[start : start + 2]]
    after = str(start + 2) if start + 2 < len(NAMES) else None
    return httpx2.Response(200, json={"tools": shown, "count": len(shown), "next_cursor": after})


async def test_all_pages_are_one_list_for_both_clients():
    transport = httpx2.MockTransport(answer)
    with httpx2.Client(transport=transport) as http:
        mesh = Client("https://mesh.example", ApiKey(KEY), http=http)
        assert [tool["name"] for tool in mesh.tools.list_all()] == NAMES
        assert [tool["name"] for tool in mesh.tools.search("Create issue")] == [NAMES[3], NAMES[0]]
        assert [tool["name"] for tool in mesh.tools.search("issue", limit=3)] == [NAMES[1], NAMES[3], NAMES[2]]
        assert mesh.tools.search("nothing") == []
    async with httpx2.AsyncClient(transport=transport) as http:
        amesh = AsyncClient("https://mesh.example", ApiKey(KEY), http=http)
        assert [tool["name"] async for tool in amesh.tools.list_all()] == NAMES


def test_a_page_is_asked_for_when_it_is_wanted():
    asked = []

    def counted(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params.get("cursor"))
        return answer(request)

    with httpx2.Client(transport=httpx2.MockTransport(counted)) as http:
        found = Client("https://mesh.example", ApiKey(KEY), http=http).tools.list_all()
        assert asked == []
        assert [next(found)["name"], next(found)["name"]] == NAMES[:2]
        assert asked == [None]
        next(found)
        assert asked == [None, "2"]


def test_a_list_that_goes_on_for_ever_is_read_no_further_than_it_is_taken():
    play = Play(*[reply(200, {"api_keys": [{"id": "1"}], "next_cursor": "again"})] * 3, auth=ApiKey(KEY))
    pages = do.list_all_keys(play.core)
    for _ in range(3):
        assert play.take(pages.next()) == [{"id": "1"}]
    assert not pages.over


def test_a_reply_without_the_list_is_a_malformed_one():
    for steps in (lambda core: do.list_all_keys(core).next(), lambda core: own.call_tool(core, "github.get_issue")):
        play = Play(reply(200, {"status": "ok"}), auth=ApiKey(KEY))
        with pytest.raises(MalformedReplyError):
            play.take(steps(play.core))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"tag": "ci", "limit": 2}, "tag=ci&limit=2"),
        ({"tag": ["ci", "a&b=c"]}, "tag=ci&tag=a%26b%3Dc"),
        ({"name": "a b#\u00fc", "tag": []}, "name=a+b%23%C3%BC"),
        ({}, ""),
    ],
)
def test_a_query_holds_what_was_given_and_nothing_else(given, sent):
    play = Play(reply(), auth=ApiKey(KEY))
    play.take(do.list_contexts(play.core, **given))
    assert play.paths() == [f"/api/v1/contexts{'?' if sent else ''}{sent}"]


def test_arguments_in_a_query_are_json():
    play = Play(reply(), auth=ApiKey(KEY))
    play.take(do.explain_credential(play.core, "github", tool="github.get_issue", arguments={"owner": "acme"}))
    assert httpx2.URL(play.sent[0].url).params["arguments"] == '{"owner": "acme"}'


def test_a_context_is_replaced_only_at_the_version_that_was_read():
    play = Play(reply(), reply(), auth=ApiKey(KEY))
    play.take(do.replace_context(play.core, "1", content={}, if_version=3))
    play.take(do.replace_context(play.core, "1", content={}))
    assert [send.headers.get("if-match") for send in play.sent] == ['"3"', None]
