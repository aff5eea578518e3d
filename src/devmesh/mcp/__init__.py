"""The MCP wire, both eras on one endpoint and no state: JSON-RPC in, the gateway's call, errors back."""
