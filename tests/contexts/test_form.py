"""What a body means: which members are read, what becomes of the others, and what is refused."""

from __future__ import annotations

import json

import msgspec
import pytest

from devmesh.contexts.form import ContextBody
from devmesh.errors import Invalid
from devmesh.http.body import MalformedJson, decode

OURS = {
    "id": "01a20112-29ae-7199-a11a-1a1b3f2dc8e9",
    "tenant_id": "01a20112-29b1-7bdd-ab74-d43290c232b4",
    "version": 3,
    "created_at": "2026-11-22T04:18:00Z",
    "updated_at": "2026-11-22T04:19:00.123456Z",
}


def content_of(text: str) -> str:
    return bytes(decode(text.encode(), ContextBody).content).decode()


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("{}", "{}"),
        ("", "{}"),
        ('{"name": "n", "tags": ["t"]}', "{}"),
        ('{"content": {"b": 1,  "a": [1.10]}}', '{"b": 1,  "a": [1.10]}'),
        ('{"content": null}', "null"),
        ('{"content": "text"}', '"text"'),
        ('{"b": 1, "name": "n", "a": 1e5}', '{"b":1,"a":1e5}'),
        ('{"b": 1, "content": {"z": 0, "y": {"b": 2}}}', '{"z":0,"y":{"b": 2},"b":1}'),
        ('{"b": 1, "content": [1, 2]}', '{"content":[1, 2],"b":1}'),
        ('{"b": 1, "content": null}', '{"content":null,"b":1}'),
        ('{"version": "1.2.3", "id": 7}', '{"version":"1.2.3","id":7}'),
    ],
)
def test_other_members_are_kept_in_content(body: str, content: str):
    assert content_of(body) == content


def test_what_stands_in_both_is_refused_by_name():
    with pytest.raises(Invalid) as refusal:
        content_of('{"a": 1, "b": 2, "c": 3, "content": {"a": 1, "c": 3, "d": 4}}')
    assert {fault.field for fault in refusal.value.faults} == {"a", "c"}


def test_a_reply_of_ours_may_be_sent_back():
    assert content_of(json.dumps({**OURS, "content": {"a": 1}})) == '{"a": 1}'
    assert json.loads(content_of(json.dumps({**OURS, "content": {"a": 1}, "more": 2}))) == {"a": 1, "more": 2}


@pytest.mark.parametrize("change", [{"version": "3"}, {"version": 0}, {"id": "x"}, {"created_at": "yesterday"}])
def test_what_only_resembles_a_reply_of_ours_is_kept(change: dict[str, object]):
    sent = OURS | change
    assert json.loads(content_of(json.dumps({**sent, "content": {"a": 1}}))) == {"a": 1, **sent}


def test_what_lacks_a_part_of_our_reply_is_kept():
    for name in OURS:
        sent = {key: value for key, value in OURS.items() if key != name}
        assert json.loads(content_of(json.dumps({**sent, "content": {}}))) == sent
    assert json.loads(content_of(json.dumps(OURS))) == OURS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 1}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"tags": "a"}, "tags"),
        ({"tags": ["t"] * 51}, "tags"),
        ({"tags": ["ok", "a\tb"]}, "tags[1]"),
        ({"tags": [""]}, "tags[0]"),
        ({"tags": ["x" * 101]}, "tags[0]"),
        ({"agent_id": {}}, "agent_id"),
        ({"agent_id": "x" * 201}, "agent_id"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+12:00"}, "expires_at"),
        ({"expires_at": -1}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
    ],
)
def test_a_wrong_member_is_named(body: dict[str, object], field: str):
    with pytest.raises(Invalid) as refusal:
        decode(json.dumps(body).encode(), ContextBody)
    assert [fault.field for fault in refusal.value.faults] == [field]


def test_all_faults_are_told_at_once():
    with pytest.raises(Invalid) as refusal:
        decode(b'{"name": "a\\nb", "agent_id": " ", "tags": ["\\t"], "x": 1, "content": {"x": 2}}', ContextBody)
    assert {fault.field for fault in refusal.value.faults} == {"name", "agent_id", "tags[0]", "x"}


def test_a_tag_that_stands_twice_is_kept_once():
    assert decode(b'{"tags": ["b", "a", "b"]}', ContextBody).tags == ["b", "a"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": {"b": 1, "b": 2}}', MalformedJson),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", MalformedJson),
        (b'{"a": 1e999}', MalformedJson),
        (b'{"a": NaN}', MalformedJson),
        (b'{"a": "\\ud800"}', MalformedJson),
        (b'{"a": "\xff"}', MalformedJson),
        (b'{"a": "x\\u0000y"}', Invalid),
        (b'{"a\\u0000": 1}', Invalid),
        (b"[]", Invalid),
        (b"null", Invalid),
        (b'"a"', Invalid),
    ],
)
def test_what_two_readers_may_understand_differently_is_refused(body: bytes, kind: type[Exception]):
    with pytest.raises(kind):
        decode(body, ContextBody)


def test_numbers_stay_as_they_were_written():
    number = "0.1000000000000000055511151231257827"
    text = f'{{"a":{number},"b":{"9" * 300},"c":-0,"d":1.0,"e":1E5}}'
    assert content_of(text) == text
    assert msgspec.json.encode(decode(text.encode(), ContextBody).content).decode() == text
