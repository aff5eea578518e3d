"""Idempotency-Key: an action happens once however often it is asked for, and repeats get the first reply."""
