"""The server's operations, written from its OpenAPI document by `sdk/python/generate.py`, and the few that are ours."""
