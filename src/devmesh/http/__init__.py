"""The HTTP edge: who may talk to us and how, strict bodies, problem documents, routes."""
