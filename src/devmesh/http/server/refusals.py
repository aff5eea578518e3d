"""What the server answers by itself: requests that are none, too long or too slow, and failures of the application."""

from __future__ import annotations

from httptools import HttpParserError

from devmesh.errors import BadRequest, MeshError
from devmesh.http.problem import Header, new_request_id, render
from devmesh.http.server.bounds import Bounds
from devmesh.http.server.replies import whole
from devmesh.metrics import REFUSALS

_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class BodyTooSlow(MeshError):
    """The body did not come in time; a place among the requests that are served at once is not kept for it."""

    status = 408
    code = "body_too_slow"
    error = "Request Timeout"
    hint = "Send the whole body at once."


class HeadTooLarge(MeshError):
    """The request's head, which is its first line and its headers, is larger than the server takes."""

    status = 431
    code = "head_too_large"
    error = "Request Header Fields Too Large"
    hint = "Send fewer or shorter headers, and long arguments in the body."


def head_too_large(bounds: Bounds) -> HeadTooLarge:
    """Return the error of a head over the bounds."""
    return HeadTooLarge(
        f"The head is larger than {bounds.head_bytes} bytes or holds more than {bounds.headers} headers.",
        extra={"limit": bounds.head_bytes},
    )


def body_too_slow(bounds: Bounds) -> BodyTooSlow:
    """Return the error of a body that was not whole in time."""
    return BodyTooSlow(f"The body was not complete within {bounds.body:g} seconds.")


def of_parser(error: HttpParserError) -> MeshError:
    """Return what the parser says of the request, or what our own callback said, which is its context."""
    if isinstance(error.__context__, MeshError):
        return error.__context__
    return BadRequest(f"This is no HTTP/1.1 request: {error.args[0] if error.args else 'it cannot be read'}.")


def refusal(error: MeshError) -> bytes:
    """Return the whole reply that refuses a request which never reached the application; it ends the connection."""
    REFUSALS.add(error.code)
    request_id = new_request_id()
    found = render(error, request_id=request_id, headers=(*_HEADERS, (b"x-request-id", request_id.encode())))
    start = {"status": found.status, "headers": found.headers}
    return b"".join(whole(start, found.body, to_head=False, connection=b"connection: close"))
