"""What is added to a refusal where the token is known to lack a scope of the service's: the likely reason."""

from __future__ import annotations

from msgspec.structs import replace

from devmesh.credentials.model import Chosen
from devmesh.credentials.scopes import enables
from devmesh.gateway.model import ToolResult
from devmesh.upstream.model import Tool


def advised(result: ToolResult, tool: Tool, credential: Chosen) -> ToolResult:
    """Return the result; a refusal says what the token lacks, and how to tell us if it has that by now.

    The call was made all the same: what is known of a token may be a day old.
    """
    if not result.is_error or not isinstance(result.text, str) or enables(credential.granted, tool):
        return result
    needed, service = " or ".join(tool.needs), tool.connector.name
    step = (
        f"When {tool.connector.title} was last asked, the stored token did not have the scope {needed}, "
        "which this needs: store one that has it. "
        f"If it has it by now: POST /api/v1/credentials/{service}/validate."
    )
    return replace(result, text=f"{result.text}\n{step}")
