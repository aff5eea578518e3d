"""The server's next steps, which name its routes, as the commands that do the same."""

from __future__ import annotations

import re

# From the route, as an error names it, to the command: the longer one first where one begins like another.
_STEPS = tuple(
    (re.compile(route), step)
    for route, step in (
        (r"POST /api/v1/credentials with \"?service_type\"?:? [\"'](\w+)[\"']", r"'devmesh connect \1'"),
        (r"POST /api/v1/credentials/([\w{}]+)/validate", r"'devmesh connect \1'"),
        (r"POST /api/v1/credentials\b(?! with|/)", "'devmesh connect SERVICE'"),
        (r"GET /api/v1/credentials\b(?!/)", "'devmesh connect'"),
        (r"POST /api/v1/auth/login\b(?!/)", "'devmesh login'"),
        (r"GET /api/v1/tools\b(?!/)", "'devmesh tools list'"),
        (r"\btools/list\b", "'devmesh tools list'"),
        (r"GET /api/v1/contexts\b(?!/)", "'devmesh contexts list'"),
        (r"GET /api/v1/api-keys\b(?!/)", "'devmesh keys list'"),
        (r"POST /api/v1/api-keys\b(?!/)", "'devmesh keys create NAME'"),
        (r"POST /api/v1/api-keys/\{id\}/rotate", "'devmesh keys rotate KEY'"),
        (r"\bone with \?label=", "one with --label "),
        (r"DELETE /api/v1/api-keys/\{id\}", "'devmesh keys revoke KEY'"),
    )
)
# By the problem's code, where a route's name is not enough.
_BY_PROBLEM = {
    "credential_exists": "It came to be meanwhile. Run the command again: it asks whether to replace it.",
    "login_failed": "Check the address and the password, then 'devmesh login' again. How a forgotten one is set anew "
    "stands in docs/guide/login.md.",
    "slug_taken": "Choose another with --slug. If you registered it, log in: 'devmesh login'; if it is your team's, "
    "ask its owner for an invitation.",
}


def spoken(text: str) -> str:
    """Return the text with each route that a command stands for replaced by that command."""
    for route, step in _STEPS:
        text = route.sub(step, text)
    return text


def advised(problem: str, hint: str) -> str:
    """Return what a person at a command line does after the problem of that code, whose own hint is `hint`."""
    return _BY_PROBLEM.get(problem) or spoken(hint)
