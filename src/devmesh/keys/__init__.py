"""API keys: mint, verify, list, revoke, and count their uses."""
