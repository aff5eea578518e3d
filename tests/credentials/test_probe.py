"""What a service says of a credential, as it is told and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

TOKEN = "ghp_adas_token_000000"


async def test_a_service_that_sends_the_token_back_as_a_name_shows_it_to_nobody(
    organization: Organization, github: GitHub
):
    await organization.connect(github, TOKEN)
    github.answer = lambda _received: (200, {"login": TOKEN}, {})
    status, verdict = await organization.ask("POST", "/api/v1/credentials/github/validate", {})
    assert (status, verdict["status"]) == (200, "valid")
    assert "[secret removed]" in str(verdict)
    _, kept = await organization.ask("GET", "/api/v1/credentials/github")
    assert TOKEN not in f"{verdict}{kept}"


async def test_an_answer_that_is_far_too_long_for_the_question_says_nothing(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    github.answer = lambda _received: (200, {"login": "ada", "more": "x" * 1_048_576}, {})
    status, verdict = await organization.ask("POST", "/api/v1/credentials/github/validate", {})
    assert (status, verdict["status"], verdict["valid"]) == (200, "unknown", None)
    assert "more than 1048576 bytes" in verdict["reason"]
