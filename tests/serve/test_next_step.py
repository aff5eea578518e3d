"""What the server prints when it serves: a next step that works as it is printed."""

from __future__ import annotations

import shlex
from itertools import pairwise

import pytest

TOKEN = {"DEVMESH_REGISTRATION": "token", "DEVMESH_REGISTRATION_TOKEN": "not-to-be-printed-1234"}


def printed(service, environ: dict[str, str]) -> str:
    service.start(**environ)
    lines = []
    for line in service.process.stdout:
        lines.append(line)
        if "Ctrl-C stops the server" in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.mark.parametrize(
    ("environ", "header"),
    [({}, []), ({"DEVMESH_REGISTRATION": "first"}, []), (TOKEN, ["X-Registration-Token: $DEVMESH_REGISTRATION_TOKEN"])],
)
def test_where_organizations_register_the_command_for_it_is_whole(service, environ, header):
    text = printed(service, environ)
    command = shlex.split(text.partition("  curl ")[2].partition("\n\n")[0])
    headers = [word for before, word in pairwise(command) if before == "-H"]
    assert headers == ["Content-Type: application/json", *header]
    assert command[:2] == ["-X", "POST"]
    assert command[-2] == "-d"
    assert TOKEN["DEVMESH_REGISTRATION_TOKEN"] not in text


def test_where_nobody_registers_no_command_for_it_is_printed(service):
    text = printed(service, {"DEVMESH_REGISTRATION": "closed"})
    assert "curl" not in text
    assert "devmesh login" in text
