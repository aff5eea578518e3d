"""What is counted and timed, each named once here, and told in Prometheus's text form."""

from devmesh.metrics.registry import CONTENT_TYPE, Counter, Gauge, Histogram, exposition

__all__ = ["CONTENT_TYPE", "Counter", "Gauge", "Histogram", "exposition"]

# Seconds; an upstream call takes tens of milliseconds, our own part of it well under one.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Counter("devmesh_http_requests_total", "HTTP replies by kind of route and status.", ("kind", "status"))
REQUEST_SECONDS = Histogram("devmesh_http_request_seconds", "Time from request to reply.", ("kind",), _SECONDS)
TOOL_CALLS = Counter("devmesh_tool_calls_total", "Tool calls by service and outcome.", ("service", "outcome"))
UPSTREAM_SECONDS = Histogram("devmesh_upstream_seconds", "Time waited for a service.", ("service",), _SECONDS)
UPSTREAM_RETRIES = Counter(
    "devmesh_upstream_retries_total", "Requests sent to a service again, by what came of the try.", ("service", "after")
)
REFUSALS = Counter("devmesh_refusals_total", "Requests refused, by the error's code.", ("code",))
AUDIT_ALTERED = Counter("devmesh_audit_altered_total", "Audit entries found altered when read, each once.")
MAILS = Counter("devmesh_mails_total", "Mails by what became of an attempt to send them.", ("outcome",))
MAILS_WAITING = Gauge("devmesh_mails_waiting", "Mails that wait to be sent, as last seen by this process.")
LIMITS_BY_SHARE = Gauge(
    "devmesh_limits_by_share", "1 while Redis is away and this process keeps to its share of each limit, otherwise 0."
)
