"""An operation of AWS, named as AWS's models name it; what HTTP makes of it is known when the credential is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from devmesh.upstream.model import Method, Request, given


class Signing(NamedTuple):
    """What a signature is made for: the service's name and region within it, and whether the path is S3's.

    S3 signs the path as it is sent; the other services normalize it and encode it a second time.
    """

    name: str
    region: str
    plain_path: bool


class Call(Request, frozen=True, kw_only=True):
    """One operation of a service, both under the names of AWS's models, with its parameters.

    `region` goes before the credential's. `limit` and `skip` are of the page that was asked for: where the service
    gives larger ones, or only such of its own size, we cut them. Everything else is made by `complete`: until then the
    method and the path say nothing. A redirect is an answer (a bucket of another region): no signature fits elsewhere.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = {}
    region: str | None = None
    limit: int | None = None
    skip: int = 0
    method: Method = "POST"
    path: str = "/"
    follows: bool = False
    origin: str = ""
    signing: Signing | None = None

    @property
    def name(self) -> str:
        """The operation as policies of AWS write it: `ec2:DescribeInstances`."""
        return f"{self.service}:{self.operation}"


def call(name: str, /, **parameters: object) -> Call:
    """Return the call of the operation `service:Operation` with the parameters that are not None."""
    service, _, operation = name.partition(":")
    return Call(service=service, operation=operation, parameters=given(**parameters))
