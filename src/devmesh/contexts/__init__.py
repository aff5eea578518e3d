"""Contexts: JSON documents that agents keep between their runs, with versions."""
