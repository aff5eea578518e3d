"""Requests that an agent spelled out: known for what they are, however they are spelled."""

import pytest

from devmesh.upstream.model import Request, Routes, canonical, plain_path

TOKENS = Routes("POST /projects/{id}/access_tokens")


@pytest.mark.parametrize(
    "path",
    [
        "/projects/group%2Fapp/access_tokens",
        "/projects/group%2fapp/access_tokens/",
        "/projects/group%252Fapp/access%5Ftokens",
        "/%70rojects/7/%2561ccess_tokens",
    ],
)
def test_every_spelling_of_a_path_becomes_one(path):
    assert TOKENS(canonical(Request(method="POST", path=plain_path(path))))


@pytest.mark.parametrize(
    "path", ["/projects/group/app/access_tokens", "/projects/7/access_tokens/1", "/projects/7%2Faccess_tokens"]
)
def test_a_slash_within_a_segment_stays_there(path):
    assert not TOKENS(canonical(Request(method="POST", path=plain_path(path))))
