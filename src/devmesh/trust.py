"""Whom this process trusts over TLS: the authorities of the machine, or those that SSL_CERT_FILE names."""

from __future__ import annotations

import ssl

# Python 3.13 asks for extensions that the authorities of many companies leave out; 3.11 does not.
NOT_ASKED_FOR = ssl.VERIFY_X509_STRICT


def trusting() -> ssl.SSLContext:
    """Return a new context of a client that checks a server's certificate, and its name."""
    context = ssl.create_default_context()
    context.verify_flags &= ~NOT_ASKED_FOR
    return context
