"""Developer Mesh: one gateway between AI agents and the services a software team works in."""

__version__ = "0.1.0"
