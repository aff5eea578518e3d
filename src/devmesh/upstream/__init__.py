"""The one way out: what connectors declare, what is sent, and the sender."""
