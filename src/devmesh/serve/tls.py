"""https with the certificate and the key that were given, and whether they can serve it."""

from __future__ import annotations

import ssl

from devmesh.settings import Settings, SettingsError


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return what https is served with, None for plain http; raise SettingsError as `check_tls` does."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    check_tls(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    return context


def check_tls(settings: Settings) -> None:
    """Raise SettingsError if the certificate and the key do not belong together, or are none."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(settings.tls_cert)
    except (OSError, ValueError):
        raise SettingsError(
            [f"DEVMESH_TLS_CERT: {settings.tls_cert} holds no certificate in PEM form; correct the path."]
        ) from None
    try:
        # A password, if only an empty one: without it a protected key would have the terminal asked.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError):
        fault = f"{settings.tls_key} is not the unencrypted PEM key of the first certificate in {settings.tls_cert}"
        raise SettingsError([f"DEVMESH_TLS_KEY: {fault}; correct the path."]) from None
