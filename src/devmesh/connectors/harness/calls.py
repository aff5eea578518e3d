"""How Harness's operations are called: JSON for most, YAML where a definition is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Method, Request, given

_YAML = {"content-type": "application/yaml"}


def scope(org: str | None, project: str | None) -> dict[str, str]:
    """Return the query that says where something is: in a project, an organization, or (neither) the account."""
    if project is not None and org is None:
        raise Invalid([Fault("org_identifier", "required with project_identifier")])
    return given(orgIdentifier=org, projectIdentifier=project)


def call(method: Method, path: str, query: Mapping[str, Any], json: Any = None) -> Request:
    """Return the request with the query arguments that are not None, and a JSON body if one is given."""
    return Request(method=method, path=path, query=given(**query), json=json)


def send_yaml(method: Method, path: str, query: Mapping[str, Any], yaml: str, argument: str = "yaml") -> Request:
    """Return the request with YAML as its body; Invalid, naming `argument`, for what UTF-8 cannot carry.

    An empty text is sent as an empty body: a run then takes no values from it.
    """
    try:
        content = yaml.encode()
    except UnicodeEncodeError:
        raise Invalid([Fault(argument, "holds half of a surrogate pair, which is no character")]) from None
    return Request(method=method, path=path, query=given(**query), content=content, headers=_YAML)
