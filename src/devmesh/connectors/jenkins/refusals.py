"""Jenkins' refusals in words: it tells them in a header or in the title of a page, never in JSON of one form."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from http import HTTPStatus

from devmesh.upstream.model import Failure, Reply, bounded

_TITLE = re.compile(r"<title[^>]*>([^<]{1,400})</title>", re.IGNORECASE)
# Where an error page has its title; the rest is not looked at.
_HEAD = 8192
_STORE_ANEW = 'Store a new API token: POST /api/v1/credentials with "service_type": "jenkins".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments. A job with parameters is started by trigger_build_with_parameters; creating a job "
    "needs a name that is still free and XML that Jenkins can read.",
    401: f"The user name, or the API token of this user, is mistyped or revoked. {_STORE_ANEW}",
    404: "Check the job (folders as in folder/app), the build's number and the other names: list_jobs and list_builds "
    "show them. Jenkins also says 404 where the user may not see a thing, or a plugin is missing.",
    405: "Jenkins takes this with another method only: most changes are POST.",
    409: "The job cannot be built now (disabled, or being configured): look at get_job, then enable_job.",
    413: "Send less in one call.",
    422: "The thing is not in a state that allows it: read it again before another try.",
    503: "Jenkins is starting, shutting down or overloaded. Call again in a moment.",
}
_LOGIN = (
    "A login page came instead of an answer: the user name and API token were not taken, or single sign-on stands "
    "before Jenkins and has to let API requests through."
)


def explain(reply: Reply) -> Failure:
    """Return what Jenkins said, bounded, and the next step."""
    said = sentence(reply)
    message = f"Jenkins answered {reply.status}{_named(reply.status)}{f': {said}' if said else '.'}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(message, "Wait, then call again.", reply.retry_after())
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = _STEPS.get(reply.status, "Jenkins failed. Before repeating a change, read whether it took effect.")
        return Failure(message, step, reply.retry_after())
    return Failure(message, _step(reply, said))


def sentence(reply: Reply) -> str:
    """Return the error in Jenkins' words, bounded: the header `X-Error`, else a JSON message, else the page's title."""
    if error := reply.headers.get("x-error"):
        return bounded(error)
    body = reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    if isinstance(message, str):
        return bounded(message)
    found = _TITLE.search(reply.body[:_HEAD].decode("utf-8", "replace"))
    return bounded(html.unescape(found[1])) if found else ""


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _step(reply: Reply, said: str) -> str:
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _LOGIN
    if reply.status == HTTPStatus.FORBIDDEN:
        return _forbidden(reply, said)
    return _STEPS.get(reply.status, "Correct the arguments and call again.")


def _forbidden(reply: Reply, said: str) -> str:
    if "crumb" in said.lower():
        return f"Jenkins asks for a crumb, as it does of passwords: the stored secret is no API token. {_STORE_ANEW}"
    permission = bounded(reply.headers.get("x-required-permission", ""), 100)
    needed = f"the permission {permission}" if permission else "the permission for this"
    return f"The user is known to Jenkins but lacks {needed}: an administrator of Jenkins, or of the folder, grants it."
