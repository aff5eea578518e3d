"""What a request is on the wire, in the parts that are compared with what is recorded for it."""

from devmesh.upstream.message import message_of
from devmesh.upstream.origin import base_of

PARTS = ("method", "path", "query", "headers", "body")
BASE = base_of("https://service.example/base")


def sent(request):
    """Return the parts as the sender writes them: path and query encoded, the request's own headers, the body's text.

    Bytes of the body that are no UTF-8 stand as lone surrogates, each as another one.
    """
    message = message_of(request, BASE, {})
    body = None if message.body is None else message.body.decode("utf-8", "surrogateescape")
    path = message.url.path.removeprefix(BASE.path)
    values = (message.method, path, message.url.query_string or "", dict(message.headers), body)
    return dict(zip(PARTS, values, strict=True))


def differences(request, entry):
    """Return the parts in which the request is not what the entry records."""
    return [part for part, value in sent(request).items() if value != entry[part]]
