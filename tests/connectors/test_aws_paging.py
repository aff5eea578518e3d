"""AWS's lists: the names of their tokens are those of botocore's paginators, and pages are cut where AWS cannot."""

import gzip
import json
from pathlib import Path

import botocore
import pytest

from connectors.aws_world import AWS, RECORDED, built
from devmesh.connectors.aws.sdk.services import service
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, cursor_of

LISTS = {name: tool for name, tool in AWS.tools.items() if tool.paging is not None}
# The size of these pages counts something else than items, or is only told to smaller clients.
UNSIZED = {"get_metric_data"}
# botocore does not page through these: events of a stream lead two ways.
UNPAGED = {"get_log_events", "get_cost_and_usage"}
listed = pytest.mark.parametrize("name", sorted(LISTS))


def call_of(name):
    return built(name, **RECORDED[name][0]["arguments"])


def paginator(call):
    folder = max((Path(botocore.__file__).parent / "data" / call.service).iterdir())
    path = next(folder.glob("paginators-1.json*"))
    read = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(read)["pagination"][call.operation]


def first(value):
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(set(LISTS) - UNPAGED))
def test_a_lists_tokens_are_those_of_botocores_paginator(name):
    paging, told = LISTS[name].paging, paginator(call_of(name))
    assert paging.token == first(told["input_token"])
    assert paging.following == first(told["output_token"])
    assert LISTS[name].items == first(told["result_key"])
    if name not in UNSIZED:
        assert paging.size == told.get("limit_key", "")


@listed
def test_a_lists_names_and_bounds_are_those_of_the_model(name):
    paging, call = LISTS[name].paging, call_of(name)
    operation = service(call.service).operation(call.operation)
    assert paging.token in operation.input_shape.members
    assert {paging.following, LISTS[name].items} <= set(operation.output_shape.members)
    if paging.size:
        bounds = operation.input_shape.members[paging.size].metadata
        assert paging.least >= bounds.get("min", 0)
        assert paging.max_limit <= bounds.get("max", paging.max_limit)
    if paging.alone:
        assert paging.alone in operation.input_shape.members


@listed
def test_every_operation_that_botocore_pages_is_a_list(name):
    assert LISTS[name].read_only


def test_no_tool_that_could_be_paged_is_none():
    def pages(name):
        try:
            return "output_token" in paginator(call_of(name))
        except KeyError:
            return False

    others = set(AWS.tools) - set(LISTS) - {"call_api"}
    assert [name for name in others if AWS.tools[name].read_only and pages(name)] == []


def answer(**body):
    return Reply(200, {"content-type": "application/json"}, json.dumps(body).encode())


def page(name, reply, **arguments):
    return AWS.tools[name].page(reply, built(name, **arguments))


def test_a_limit_and_a_cursor_are_sent_under_the_services_names():
    call = built("list_users", limit=10, cursor=cursor_of(token="a+/="))
    assert call.parameters == {"Marker": "a+/=", "MaxItems": 10}


def test_without_a_limit_no_service_is_asked_for_everything():
    assert built("describe_instances").parameters == {"MaxResults": 50}
    assert built("list_topics").parameters == {}


def test_a_limit_below_what_the_service_gives_is_kept_here():
    assert built("describe_db_instances", limit=3).parameters == {"MaxRecords": 20}
    found = answer(DBInstances=list(range(20)), Marker="next")
    first_page = page("describe_db_instances", found, limit=3)
    assert first_page.items == [0, 1, 2]
    second = page("describe_db_instances", found, limit=3, cursor=first_page.next_cursor)
    assert second.items == [3, 4, 5]
    assert second.next_cursor == cursor_of(skip=6)


def test_walking_through_cut_pages_sees_every_item_once():
    pages = {None: (list(range(7)), "t1"), "t1": (list(range(7, 12)), "t2"), "t2": ([], "t3"), "t3": ([12], None)}
    seen, cursor = [], None
    for _ in range(20):
        call = built("list_topics", limit=3, cursor=cursor)
        items, token = pages[call.parameters.get("NextToken")]
        found = AWS.tools["list_topics"].page(answer(Topics=items, **({"NextToken": token} if token else {})), call)
        assert len(found.items) <= 3
        seen, cursor = [*seen, *found.items], found.next_cursor
        if cursor is None:
            break
    assert seen == list(range(13))


def test_where_a_page_is_cut_the_service_is_asked_for_as_much_again():
    call = built("describe_subnets", limit=4, cursor=cursor_of(token="t", skip=4))
    assert (call.parameters, call.skip) == ({"NextToken": "t", "MaxResults": 8}, 4)


def test_machines_named_by_their_ids_are_asked_for_without_a_size():
    assert built("describe_instances", instance_ids=["i-1"], limit=5).parameters == {"InstanceIds": ["i-1"]}


def test_the_place_in_a_table_is_a_key():
    key = {"id": {"S": "ü/7"}}
    call = built("query_table", table_name="orders", limit=2)
    found = AWS.tools["query_table"].page(answer(Items=[1, 2], LastEvaluatedKey=key, Count=2), call)
    assert found.rest == {"Count": 2}
    following = built("query_table", table_name="orders", cursor=found.next_cursor)
    assert following.parameters["ExclusiveStartKey"] == key


@pytest.mark.parametrize("token", ["no json", "7", "[]", "[" * 100_000])
def test_a_place_in_a_table_that_is_no_key_was_never_given(token):
    with pytest.raises(Invalid) as refusal:
        built("query_table", table_name="orders", cursor=cursor_of(token=token)[:2000])
    assert refusal.value.faults[0].field == "cursor"


@pytest.mark.parametrize("skip", ["-1", "01", "1e3", "999999", "x"])
def test_a_number_of_items_that_no_page_has_was_never_given(skip):
    with pytest.raises(Invalid) as refusal:
        built("list_topics", cursor=cursor_of(skip=skip))
    assert refusal.value.faults[0].field == "cursor"


def test_events_of_a_stream_lead_back_until_the_token_stays():
    found = answer(events=[1], nextBackwardToken="b/1", nextForwardToken="f/1")
    older = page("get_log_events", found, log_stream_name="s")
    assert (older.items, older.next_cursor, older.rest) == ([1], cursor_of(token="b/1"), {})
    last = page(
        "get_log_events", answer(events=[], nextBackwardToken="b/1"), log_stream_name="s", cursor=older.next_cursor
    )
    assert last.next_cursor is None


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"Topics": null}', b'{"Topics": 7}', b"<html>"])
def test_a_list_that_is_none_is_an_empty_page_or_shown_as_it_is(body):
    found = page("list_topics", Reply(200, {"content-type": "application/json"}, body))
    assert not found.items
    assert found.next_cursor is None
