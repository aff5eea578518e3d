"""What AWS's tests share: the connector's calls, a server that keeps what it is sent, and AWS as moto plays it."""

import asyncio
import json
from dataclasses import dataclass, field

from connectors.catalogue import HERE
from devmesh.connectors import CONNECTORS
from devmesh.settings import AllowEntry
from devmesh.upstream.model import Reply
from devmesh.upstream.send import Sender

AWS = CONNECTORS["aws"]
FIELDS = {
    "access_key": "AKIDEXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region": "eu-central-1",
}
RECORDED = json.loads((HERE / "recorded" / "aws.json").read_text())
ENTRIES = [
    (name, number, entry["arguments"]) for name, entries in RECORDED.items() for number, entry in enumerate(entries)
]
IDS = [f"{name}-{number}" for name, number, _ in ENTRIES]


# What a busy machine may take to answer for AWS, in seconds.
PATIENCE = 300.0


def built(name, /, **arguments):
    """Return the tool's call."""
    tool = AWS.tools[name]
    return tool.request(tool.arguments.check(arguments))


def sender_to(port):
    return Sender([AllowEntry(None, "127.0.0.1", port, None)])


async def sent(sender, call, fields, base_url):
    """Return the translated reply to the call, sent as the gateway sends it."""
    request, root, signed = await AWS.prepared(call, fields, base_url)
    headers = {**AWS.headers, **signed}
    reply = await sender.send(request, base_url=root, organization="acme", headers=headers, timeout=PATIENCE)
    return AWS.translate(request, reply)


def translated(asked, body, status=200, **headers):
    """Return the reply to the call, as the gateway gets it."""
    named = {"content-type": "text/xml", **{name.replace("_", "-"): value for name, value in headers.items()}}
    complete = AWS.complete(asked, FIELDS)
    return AWS.translate(complete, Reply(status, named, body, "aws.example"))


def identity(arn):
    return f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
      <Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account></GetCallerIdentityResult>
      <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>""".encode()


def sts_error(code, message):
    return f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
      <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>""".encode()


@dataclass
class Recorder:
    """A server that says `answer` to everything and keeps each request's bytes: the head and the body."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
                self.requests.append((head, await reader.readexactly(length)))
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            writer.close()
