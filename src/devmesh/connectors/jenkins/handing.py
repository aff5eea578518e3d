"""Which requests make Jenkins give out a credential, or run code that can read them all."""

from __future__ import annotations

import re
from urllib.parse import unquote

from devmesh.upstream.model import Request

# By the decoded path in lower case, wherever it stands: folders, users, agents and /manage have the same pages.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_api_token", r"/(generatenewtoken|addfixednewtoken|addnewtoken|changetoken)(/|$)"),
        ("get_crumb", r"/crumbissuer(/|$)"),
        ("get_stored_credentials", r"/credentials(/|$)|/credential-store(/|$)"),
        ("get_agent_secret", r"/[a-z-]*\.jnlp$"),
        ("create_jwt_token", r"/jwt-auth/token(/|$)"),
        # Groovy and the command line print any secret that the server keeps.
        ("run_script", r"/script(text)?(/|$)"),
        ("run_command", r"/cli(/|$)"),
    )
)


def hands_out(request: Request) -> str | None:
    """Return the operation's name, or None for a request whose reply holds no credential."""
    path = request.path
    while (decoded := unquote(path, errors="replace")) != path:
        path = decoded
    # Jobs may be called anything; what stands after them is a page of Jenkins'.
    plain = re.sub("^(/job/[^/]+)+", "", re.sub(";[^/]*", "", path).lower())
    return next((name for name, pattern in _HANDED if pattern.search(plain)), None)
