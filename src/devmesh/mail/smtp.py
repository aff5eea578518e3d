"""Mails to a mail server over SMTP (RFC 5321), encrypted and checked unless the operator said otherwise."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email.utils import formataddr

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
)

from devmesh.mail.message import mail_host
from devmesh.mail.model import GivenUp, HandOver, Interrupted, Letter, Undelivered
from devmesh.settings import SmtpUrl
from devmesh.trust import trusting

_ATTEMPT_SECONDS = 90.0
_CONNECT_SECONDS = 20.0
_COMMAND_SECONDS = 30.0
_FAREWELL_SECONDS = 1.0
# Many servers end a connection after some more.
_MOST_MAILS = 50
_START_INPUT = 354
_TAKEN = 250
_PERMANENT = range(500, 600)
_PASSING = range(400, 500)
_LEADING_DOT = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")


class Smtp:
    """Sends by the server that `url` names; certificates are checked by the system's authorities or SSL_CERT_FILE."""

    def __init__(self, url: SmtpUrl, public_url: str) -> None:
        self._url = url
        self._host = mail_host(public_url)
        self._address = url.sender_address or f"no-reply@{self._host}"
        self._context = None if url.encryption == "none" else trusting()
        self.sender = formataddr((url.sender_name, self._address))
        self.folder: str | None = None
        self.seconds = _ATTEMPT_SECONDS
        self.told = f"mails are sent from {self._address} by {url}"

    @asynccontextmanager
    async def route(self) -> AsyncIterator[Connection]:
        """Return a connection, which is opened at the first mail."""
        connection = Connection(self)
        try:
            yield connection
        finally:
            await connection.close()

    async def check(self) -> None:
        """Return if the server takes our connection and our password; raise Undelivered saying why not."""
        connection = await self.connect()
        await connection.quit()

    async def connect(self) -> SMTP:
        """Return a connection over which mail may be sent; raise Undelivered."""
        client = SMTP(
            hostname=self._url.host,
            port=self._url.port,
            local_hostname=self._host,
            timeout=_COMMAND_SECONDS,
            use_tls=self._url.encryption == "tls",
            start_tls=self._url.encryption == "starttls",
            tls_context=self._context,
        )
        try:
            with _told("connecting", Undelivered):
                await client.connect(timeout=_CONNECT_SECONDS)
            with _told("logging in", Undelivered):
                if self._url.username is not None:
                    await client.login(self._url.username, self._url.password or "")
        except BaseException:
            _abort(client)
            raise
        return client

    @property
    def address(self) -> str:
        """The address that replies and reports would go to."""
        return self._address


class Connection:
    """One connection for several mails, one after the other; opened anew when it was lost or has served enough."""

    def __init__(self, smtp: Smtp) -> None:
        self._smtp = smtp
        self._client: SMTP | None = None
        self._sent = 0

    async def deliver(self, letter: Letter, hand_over: HandOver) -> None:
        """Have the server take the letter; raise GivenUp, Interrupted, or Undelivered if it may take it later.

        `hand_over` is awaited when the server has the whole message but its last line: no server may act on that.
        """
        client = await self._ready()
        complete = False
        try:
            await self._transact(client, letter, hand_over)
            complete = True
        except (GivenUp, _Refused):
            complete = True
            raise
        finally:
            if not complete:
                self._forget()

    async def close(self) -> None:
        """Take leave of the server, if it is there."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            with suppress(SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await client.quit()
        finally:
            _abort(client)

    async def _ready(self) -> SMTP:
        if self._client is not None and (self._sent >= _MOST_MAILS or not await _is_alive(self._client)):
            await self.close()
        if self._client is None:
            self._client, self._sent = await self._smtp.connect(), 0
        self._sent += 1
        return self._client

    async def _transact(self, client: SMTP, letter: Letter, hand_over: HandOver) -> None:
        # What is said against the sender is said against the installation: its operator can mend it.
        with _told("naming the sender", _Refused):
            await client.mail(self._smtp.address)
        with _told("naming the recipient", GivenUp):
            await client.rcpt(letter.to)
        with _told("beginning the message", GivenUp):
            reply = await client.execute_command(b"DATA")
            if reply.code != _START_INPUT or client.protocol is None:
                raise SMTPResponseException(reply.code, reply.message)
            client.protocol.write(_LEADING_DOT.sub(b"..", letter.content))
        await hand_over()
        with _told("ending the message", GivenUp):
            if not client.is_connected:
                raise Undelivered("the mail server ended the connection within the message")
            reply = await client.execute_command(b".", timeout=None)
            if reply.code != _TAKEN:
                raise SMTPResponseException(reply.code, reply.message)

    def _forget(self) -> None:
        if self._client is not None:
            _abort(self._client)
        self._client = None


class _Refused(Undelivered):
    """The server said no and is ready for the next mail."""


@contextmanager
def _told(doing: str, permanent: type[Undelivered]) -> Iterator[None]:
    """Tell what aiosmtplib raises in our words; a server's text may name the recipient, so only its codes are told."""
    try:
        yield
    except SMTPResponseException as error:
        said = f"the mail server answered {_codes(error)} on {doing}"
        if isinstance(error, SMTPAuthenticationError):
            said += ": it refuses the user or the password"
        if error.code in _PERMANENT:
            raise permanent(said) from None
        raise (_Refused if error.code in _PASSING else Interrupted)(said) from None
    except (SMTPException, OSError) as error:
        raise Interrupted(_fault(error, doing)) from None


def _codes(error: SMTPResponseException) -> str:
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _fault(error: SMTPException | OSError, doing: str) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the mail server's certificate is not to be trusted: {cause.verify_message}"
    if isinstance(error, SMTPException):
        return f"{error.message.rstrip('.')} on {doing}"
    return f"{error.strerror or type(error).__name__} on {doing}"


async def _is_alive(client: SMTP) -> bool:
    try:
        return (await client.rset()).code == _TAKEN
    except (SMTPException, OSError):
        return False


def _abort(client: SMTP) -> None:
    transport = client.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    client.close()
