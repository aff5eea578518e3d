"""What only GitLab's requests have: paths that are encoded whole, and arguments that need one another."""

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

GITLAB = CONNECTORS["gitlab"]
POSITION = {"base_sha": "6dcb09b5", "start_sha": "7dcb09b5", "head_sha": "8dcb09b5"}


def built(name, **arguments):
    tool = GITLAB.tools[name]
    return tool.request(tool.arguments.check(arguments))


@pytest.mark.parametrize(
    "id", ["group%2Fapp", "group/app?x", "group//app", "/group/app", "group/app/", "..", "a/../b", ""]
)
def test_a_project_is_named_by_its_plain_path_or_not_at_all(id):  # noqa: A002
    with pytest.raises(Invalid) as refusal:
        built("get_project", id=id)
    assert refusal.value.faults[0].field == "id"


@pytest.mark.parametrize("path", ["../secret", "a/../b", "a\\..\\b", "a\x00b", ""])
def test_a_file_that_is_none_is_refused(path):
    with pytest.raises(Invalid) as refusal:
        built("get_file", id=7, file_path=path, ref="main")
    assert refusal.value.faults[0].field == "file_path"


def test_a_label_with_a_comma_is_refused_since_gitlab_would_take_it_for_two():
    with pytest.raises(Invalid, match="labels"):
        built("create_issue", id=7, title="x", labels=["a,b"])


def discussed(**position):
    body = built("create_merge_request_discussion", id=7, merge_request_iid=5, body="x", position=POSITION | position)
    return body.json["position"]


def test_a_comment_on_a_renamed_file_names_both_paths():
    placed = discussed(old_path="a.py", new_path="b.py", old_line=3, new_line=4)
    assert (placed["old_path"], placed["new_path"], placed["position_type"]) == ("a.py", "b.py", "text")


def test_a_comment_on_a_whole_file_needs_no_line():
    assert discussed(position_type="file", new_path="b.py") == {
        "position_type": "file",
        "old_path": "b.py",
        "new_path": "b.py",
        **POSITION,
    }


@pytest.mark.parametrize(
    ("position", "field"),
    [({"new_line": 3}, "position.new_path"), ({"new_path": "a.py"}, "position.new_line")],
)
def test_a_comment_without_its_place_is_refused(position, field):
    with pytest.raises(Invalid) as refusal:
        discussed(**position)
    assert refusal.value.faults[0].field == field


def test_a_move_needs_the_path_that_the_file_has_now():
    actions = [{"action": "create", "file_path": "a", "content": ""}, {"action": "move", "file_path": "b"}]
    with pytest.raises(Invalid) as refusal:
        built("create_commit", id=7, branch="x", commit_message="m", actions=actions)
    assert refusal.value.faults[0].field == "actions[1].previous_path"


def test_every_request_asks_for_json():
    assert GITLAB.headers == {"accept": "application/json"}


@pytest.mark.parametrize("auto_merge", [True, False])
def test_a_merge_that_shall_wait_says_so_to_older_servers_too(auto_merge):
    merge = built("merge_merge_request", id=7, merge_request_iid=5, auto_merge=auto_merge).json
    assert merge == {"auto_merge": auto_merge, "merge_when_pipeline_succeeds": auto_merge}
