"""Files as they are uploaded: multipart/form-data (RFC 7578), with the header that Atlassian asks for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Method, Request

# As long as a body that this server takes, and shorter than what Atlassian's products take by default.
_LONGEST = 8 * 1024 * 1024
_TEXT = "Content-Type: text/plain; charset=utf-8\r\n"
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file to upload."""

    name: Annotated[
        str,
        Meta(
            description="Its name, without a path.",
            pattern=r"^[^/\\\x00-\x1f\x7f]+$",
            max_length=255,
            examples=["report.txt"],
        ),
    ]
    content: Annotated[str, Meta(description="The content: text, or base64 of bytes.", max_length=_LONGEST)]
    encoding: Annotated[
        Literal["utf-8", "base64"], Meta(description="How `content` is written; base64 for what is no text.")
    ] = "utf-8"
    media_type: Annotated[
        str,
        Meta(
            description="The kind of the content.",
            pattern=r"^[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}$",
            examples=["text/plain"],
        ),
    ] = "application/octet-stream"


def upload(method: Method, path: str, file: File, values: Mapping[str, str], *, check: str = "no-check") -> Request:
    """Return the request that uploads the file with the other values of its form; Invalid for what is no base64.

    `check` is the word by which the product lets a request pass that comes from no page of its own.
    """
    parts = [
        (
            f'name="file"; filename="{file.name.translate(_QUOTED)}"',
            f"Content-Type: {file.media_type}\r\n",
            _bytes(file),
        )
    ]
    parts += [(f'name="{name}"', _TEXT, _utf_8(name, value)) for name, value in values.items()]
    # Nothing can hold its own digest, so the boundary stands in none of the parts.
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:40]
    body = b"".join(
        _utf_8("file.name", f"--{digest}\r\nContent-Disposition: form-data; {where}\r\n{kind}\r\n") + content + b"\r\n"
        for where, kind, content in parts
    )
    return Request(
        method=method,
        path=path,
        content=body + f"--{digest}--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary={digest}", "x-atlassian-token": check},
    )


def _bytes(file: File) -> bytes:
    if file.encoding == "utf-8":
        return _utf_8("file.content", file.content)
    try:
        return base64.b64decode(file.content, validate=True)
    except ValueError:
        raise Invalid([Fault("file.content", "is not base64")]) from None


def _utf_8(argument: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Invalid([Fault(argument, "holds half of a surrogate pair, which is no character")]) from None
