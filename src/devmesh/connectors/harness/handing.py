"""The operations of Harness whose replies hold a credential."""

from __future__ import annotations

import re

from msgspec import structs

from devmesh.upstream.model import Reply, Request, Routes, respelled, without_member

_READS = ("GET", "HEAD")
_DELEGATE_TOKENS = "delegate-token-ng"
_OPERATIONS = {
    "create_api_key": Routes("POST /ng/api/apikey"),
    "create_token": Routes("POST /ng/api/token"),
    "rotate_token": Routes("POST /ng/api/token/rotate/{token}"),
    "create_feature_flag_key": Routes("POST /cf/admin/apikey", "PUT /cf/admin/apikey/{key}"),
    "read_feature_flag_key": Routes(
        *(f"{method} /cf/admin/apikey{one}" for method in _READS for one in ("", "/{key}"))
    ),
    # A delegate's token registers delegates; its installation files hold one.
    "read_delegate_token": Routes(
        *(
            f"{method} {route}"
            for method in (*_READS, "POST", "PUT")
            for route in (f"/{_DELEGATE_TOKENS}", f"/{_DELEGATE_TOKENS}/{{name}}")
        )
    ),
    "read_delegate_installation": Routes(
        *(
            f"{method} /{route}"
            for method in (*_READS, "POST")
            for route in (
                "download-delegates/{+file}",
                "delegate-setup/generate-kubernetes-yaml",
                "delegate-setup/generate-helm-values",
                "delegate-setup/delegate-helm-values-yaml",
                "delegate-setup/delegate-terraform-module-file",
                "delegate-setup/download",
            )
        )
    ),
    "read_two_factor_secret": Routes(*(f"{method} /user/two-factor-auth/{{mechanism}}" for method in _READS)),
    "create_gitops_agent": Routes("POST /gitops/api/v1/agents", "POST /gitops/api/v1/agents/{agent}/credentials"),
    "read_gitops_installation": Routes(
        *(
            f"{method} /gitops/api/v1/agents/{{agent}}/deploy.{kind}"
            for method in (*_READS, "POST")
            for kind in ("yaml", "helm-values", "terraform")
        )
    ),
    "create_code_token": Routes("POST /code/api/v1/user/tokens"),
    # With these the logs and the test results are read and written.
    "read_service_token": Routes(
        *(f"{method} /{service}/token" for method in _READS for service in ("log-service", "ti-service"))
    ),
}
# Whoever has the address of a custom trigger starts its pipeline, unless the account asks for a key beside it.
_WEBHOOK = re.compile(rb'(/webhook/custom/)[^/"?\\\s]+(?=/v[0-9])')
# What reports a change to a monitored service, and the command that shows how.
_REPORTING = ("authorizationToken", "webhookCurlCommand")
# None of them has more, a file's folders included.
_MOST_SEGMENTS = 16


def hands_out(request: Request) -> str | None:
    """Return the operation's name if the reply holds a credential, in whatever spelling Harness would take the path.

    Clusters and gateways put segments before the routes (`/gateway/ng/api/token`), so the end of the path decides.
    Whatever decrypts is one, wherever it is.
    """
    for spelling in respelled(request):
        segments = spelling.path.lower().split("/")[1:]
        if any(segment.startswith("decrypt") for segment in segments):
            return "decrypt_secret"
        ends = ["/" + "/".join(segments[-length:]) for length in range(1, min(len(segments), _MOST_SEGMENTS) + 1)]
        for name, routes in _OPERATIONS.items():
            if any(routes(structs.replace(request, path=end)) for end in ends):
                return name
    return None


def without_webhook_tokens(_request: Request, reply: Reply) -> Reply:
    """Return the reply without what lets anybody start a pipeline or report a change: it stands amid other things."""
    if b"/webhook/custom/" in reply.body and reply.is_json:
        reply = structs.replace(reply, body=_WEBHOOK.sub(rb"\1[secret removed]", reply.body))
    if b'"authorizationToken"' in reply.body:
        for name in _REPORTING:
            reply = without_member(reply, name)
    return reply
