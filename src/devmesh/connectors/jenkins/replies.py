"""JSON of the answers that Jenkins gives in headers: a redirect after a change, a queue item's place, a log's size."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from devmesh.upstream.model import Reply, Request

_READS = ("GET", "HEAD")
_ELSEWHERE = frozenset({201, 302, 303})
_QUEUED = re.compile("/queue/item/([0-9]{1,18})/?")
_BUILDS = ("/build", "/buildWithParameters")
_SIZE = re.compile("[0-9]{1,18}")
_LOGINS = frozenset({"login", "loginerror", "commencelogin"})


def translate(request: Request, reply: Reply) -> Reply:
    """Return the reply with what its headers say as JSON; a redirect to a login page, and any other, as it came."""
    if request.path.endswith("/logText/progressiveText") and reply.status == 200:  # noqa: PLR2004  OK
        return _log(reply)
    if request.method in _READS or reply.status not in _ELSEWHERE or not _of_jenkins(reply):
        return reply
    if request.path.endswith(_BUILDS):
        return _queued(reply)
    # What was changed has a page, and Jenkins shows it: the change is made.
    return Reply(200, {}, b"", reply.host)


def _of_jenkins(reply: Reply) -> bool:
    """Whether the redirect stays on the server and leads to no login: such ones carry where to return to."""
    try:
        place = urlsplit(reply.headers.get("location", ""))
        host = place.hostname
    except ValueError:
        return False
    login = bool(place.query) or place.path.rpartition("/")[2].lower() in _LOGINS
    return bool(place.path) and not login and host in (None, reply.host)


def _queued(reply: Reply) -> Reply:
    """Return the number of the queue item; Jenkins points to the job itself where it queued nothing."""
    found = _QUEUED.search(urlsplit(reply.headers["location"]).path)
    return _json(reply, {"queued": True, "queue_item": int(found[1])} if found else {"queued": False})


def _log(reply: Reply) -> Reply:
    """Return the text with the offset of what follows; `more` says that the build still writes."""
    size = reply.headers.get("x-text-size", "")
    following = int(size) if _SIZE.fullmatch(size) else None
    more = reply.headers.get("x-more-data", "").lower() == "true"
    text = reply.body.decode("utf-8", "replace")
    return _json(reply, {"text": text, "next_start": following, "more": more})


def _json(reply: Reply, value: dict[str, object]) -> Reply:
    headers = {"content-type": "application/json"}
    return structs.replace(reply, status=200, headers=headers, body=msgspec.json.encode(value))
