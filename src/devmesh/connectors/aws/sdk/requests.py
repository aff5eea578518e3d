"""From a call to its HTTP request: checked, serialized and addressed by botocore's models and rules."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from botocore.exceptions import BotoCoreError
from botocore.httpchecksum import apply_request_checksum, resolve_request_checksum_algorithm
from botocore.model import OperationModel
from botocore.regions import EndpointResolverBuiltins as Builtin
from botocore.validate import ParamValidator
from msgspec import structs

from devmesh.connectors.aws.call import Call, Signing
from devmesh.connectors.aws.regions import wrong
from devmesh.connectors.aws.sdk.services import Service, service
from devmesh.connectors.aws.sdk.signing import DIGEST
from devmesh.connectors.aws.sdk.values import taken
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import bounded

_MOST_FAULTS = 10
_FIXED = {
    Builtin.AWS_USE_FIPS: False,
    Builtin.AWS_USE_DUALSTACK: False,
    Builtin.AWS_STS_USE_GLOBAL_ENDPOINT: False,
    Builtin.AWS_S3_USE_GLOBAL_ENDPOINT: False,
    Builtin.AWS_S3_ACCELERATE: False,
    Builtin.AWS_S3_USE_ARN_REGION: True,
    Builtin.AWS_S3CONTROL_USE_ARN_REGION: True,
    # Their signature spans regions (SigV4A), or needs a session of S3's own.
    Builtin.AWS_S3_DISABLE_MRAP: True,
    Builtin.AWS_S3_DISABLE_EXPRESS_SESSION_AUTH: True,
    Builtin.ACCOUNT_ID_ENDPOINT_MODE: "disabled",
}
# What these services want of every request, and their models do not say.
_HEADERS = {"apigateway": {"accept": "application/json"}, "glacier": {"x-amz-glacier-version": "2012-06-01"}}
_CHECKSUMS = SimpleNamespace(request_checksum_calculation="when_supported")
_check = ParamValidator()


def complete(call: Call, fields: Mapping[str, str]) -> Call:
    """Return the call as the HTTP request that AWS's model says, with its address and what a signature is made for.

    An idempotency token that the caller left out is made. Raises Invalid for a service, operation, region or
    parameters that there are not, and for what no HTTP request can carry.
    """
    known = service(call.service)
    operation = known.operation(call.operation)
    parameters = _parameters(call, operation, known)
    try:
        serialized = known.serializer.serialize_to_request(parameters, operation)
        origin, path, signing = _endpoint(call, operation, parameters, known, fields)
        if "host_prefix" in serialized and not fields.get("base_url"):
            origin = origin.replace("://", f"://{serialized['host_prefix']}", 1)
        headers, body = _content(serialized, operation, parameters)
    except (BotoCoreError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise Invalid([Fault("parameters", bounded(str(error)))]) from None
    own_path, _, fixed = serialized["url_path"].partition("?")
    return structs.replace(
        call,
        method=serialized["method"],
        path=f"{path}{own_path}" or "/",
        query={**dict(parse_qsl(fixed, keep_blank_values=True)), **(serialized["query_string"] or {})},
        headers={**headers, **_HEADERS.get(call.service, {}), **_digest(signing, body)},
        content=body or None,
        origin=origin,
        signing=signing,
    )


def _parameters(call: Call, operation: OperationModel, known: Service) -> dict[str, Any]:
    shape = operation.input_shape
    if shape is None:
        if call.parameters:
            raise Invalid([Fault("parameters", f"{call.name} takes none")])
        return {}
    made = {name: str(uuid.uuid4()) for name in operation.idempotent_members if name not in call.parameters}
    try:
        parameters: dict[str, Any] = taken({**call.parameters, **made}, shape, known)
        wrong = _check.validate(parameters, shape)
    except RecursionError:
        raise Invalid([Fault("parameters", "nested too deeply")]) from None
    if wrong.has_errors():
        lines = wrong.generate_report().splitlines()[:_MOST_FAULTS]
        raise Invalid([Fault("parameters", bounded(line)) for line in lines])
    return parameters


def _endpoint(
    call: Call, operation: OperationModel, parameters: Mapping[str, Any], known: Service, fields: Mapping[str, str]
) -> tuple[str, str, Signing | None]:
    """Return the origin, the path on it that the rules say, and what to sign for (None: nothing)."""
    stored = fields.get("base_url", "").rstrip("/") or None
    region = _region(call, fields, own_server=stored is not None)
    # A server of one's own has no host for each bucket.
    context = {
        **_FIXED,
        Builtin.AWS_REGION: region,
        Builtin.SDK_ENDPOINT: stored,
        Builtin.AWS_S3_FORCE_PATH_STYLE: stored is not None,
    }
    found = known.endpoints.construct_endpoint(operation, parameters, context)
    url = urlsplit(found.url)
    origin = f"{url.scheme}://{url.netloc}"
    path = url.path.rstrip("/")
    if stored is not None:
        if not found.url.startswith(stored):
            raise Invalid([Fault("base_url", f"{call.name} has no place on a server of one's own for these")])
        path = found.url.removeprefix(stored).rstrip("/")
    if operation.auth_type == "none":
        return origin, path, None
    schemes = found.properties.get("authSchemes", [{"name": "sigv4"}])
    scheme = next((one for one in schemes if one["name"] == "sigv4"), None)
    if scheme is None:
        raise Invalid([Fault("parameters", f"{call.name} with these needs a signature of another kind than SigV4")])
    plain = known.plain_path or scheme.get("disableDoubleEncoding", False)
    name = scheme.get("signingName", known.signing_name)
    return origin, path, Signing(name, scheme.get("signingRegion", region), plain)


def _region(call: Call, fields: Mapping[str, str], *, own_server: bool) -> str:
    """Return the region that the call is for; Invalid, before anything is sent, for one that there is not."""
    region = call.region or fields["region"]
    if fault := wrong(region, own_server=own_server):
        whose = "" if call.region else "of the credential "
        raise Invalid([Fault("region", f"{whose}{fault}")])
    return region


def _digest(signing: Signing | None, body: bytes) -> dict[str, str]:
    """Return the header by which S3 is told the body's digest."""
    return {DIGEST: hashlib.sha256(body).hexdigest()} if signing is not None and signing.plain_path else {}


def _content(
    serialized: dict[str, Any], operation: OperationModel, parameters: Mapping[str, Any]
) -> tuple[dict[str, str], bytes]:
    body = serialized["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True).encode()
    elif isinstance(body, str):
        body = body.encode()
    request: dict[str, Any] = {
        "headers": dict(serialized["headers"]),
        "body": bytes(body),
        # A checksum after the body, as botocore sends it over TLS, would leave the body unsigned.
        "url": "http://",
        "context": {"client_config": _CHECKSUMS},
    }
    resolve_request_checksum_algorithm(request, operation, parameters)
    apply_request_checksum(request)
    headers = {name.lower(): str(value) for name, value in request["headers"].items()}
    if not all(value.isascii() and (value.isprintable() or not value) for value in headers.values()):
        raise ValueError("what goes into a header (metadata of an object) must be printable ASCII")
    return headers, request["body"]
