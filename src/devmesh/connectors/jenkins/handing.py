"""Which requests make Jenkins give out a credential, or run code that can read them all."""

from __future__ import annotations

import re

from devmesh.upstream.model import Request, readings

# By the decoded path in lower case, wherever it stands: folders, users, agents and /manage have the same pages.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_api_token", r"/(generatenewtoken|addfixednewtoken|addnewtoken|changetoken)(/|$)"),
        ("get_crumb", r"/crumbissuer(/|$)"),
        ("get_stored_credentials", r"/credentials(/|$)|/credential-store(/|$)"),
        ("get_agent_secret", r"/[a-z-]*\.jnlp(/|$)"),
        # An agent's own page shows the command that starts it, the secret in it; beside the agents are a few pages.
        (
            "get_agent_secret",
            r"/computer/(?!(api|configure|configsubmit|docreateitem|new|updatenow)$)[^/]+(/index|/main|/launcher(/.*)?)?$",
        ),
        ("create_jwt_token", r"/jwt-auth/token(/|$)"),
        # Groovy and the command line print any secret that the server keeps.
        ("run_script", r"/script(text)?(/|$)"),
        ("run_command", r"/cli(/|$)"),
    )
)
_JOBS = re.compile("^(/job/[^/]+)+")


def hands_out(request: Request) -> str | None:
    """Return the operation's name, or None for a request whose reply holds no credential."""
    # Jobs may be called anything; what stands after them is a page of Jenkins'.
    spellings = [_JOBS.sub("", path.lower()) for path in readings(request.path)]
    return next((name for name, pattern in _HANDED if any(map(pattern.search, spellings))), None)
