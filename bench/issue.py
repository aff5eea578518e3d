"""An issue as GitHub answers with it, of about 6 KB, and the headers that GitHub sends along."""

from __future__ import annotations

from typing import Any

_API = "https://api.github.com"
_WEB = "https://github.com"
_TEXT = (
    "### What happens\n\nAfter the second retry the worker keeps the connection open and the pool runs dry.\n\n"
    '```\nTimeoutError: pool exhausted after 30.0 s ("primary")\n```\n\n'
    "### What I expected\n\nThe connection goes back to the pool \u2014 as it does for the first retry.\n\n"
)


def _user(login: str, number: int) -> dict[str, Any]:
    own = f"{_API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"MDQ6VXNlcj{number}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": own,
        "html_url": f"{_WEB}/{login}",
        "followers_url": f"{own}/followers",
        "following_url": f"{own}/following{{/other_user}}",
        "gists_url": f"{own}/gists{{/gist_id}}",
        "starred_url": f"{own}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{own}/subscriptions",
        "organizations_url": f"{own}/orgs",
        "repos_url": f"{own}/repos",
        "events_url": f"{own}/events{{/privacy}}",
        "received_events_url": f"{own}/received_events",
        "type": "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def _label(name: str, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "node_id": f"LA_kwDOA{number}",
        "url": f"{_API}/repos/acme/payments/labels/{name}",
        "name": name,
        "color": "d73a4a",
        "default": True,
        "description": "Something isn't working as it should",
    }


_REPO = f"{_API}/repos/acme/payments"

ISSUE: dict[str, Any] = {
    "url": f"{_REPO}/issues/1347",
    "repository_url": _REPO,
    "labels_url": f"{_REPO}/issues/1347/labels{{/name}}",
    "comments_url": f"{_REPO}/issues/1347/comments",
    "events_url": f"{_REPO}/issues/1347/events",
    "html_url": f"{_WEB}/acme/payments/issues/1347",
    "id": 2468013579,
    "node_id": "I_kwDOABCDEF5TGq3L",
    "number": 1347,
    "title": "Connection is not given back after the second retry",
    "user": _user("ada-lovelace", 583231),
    "labels": [_label("bug", 208045946), _label("pool", 208045947)],
    "state": "open",
    "locked": False,
    "assignee": _user("grace-hopper", 583232),
    "assignees": [_user("grace-hopper", 583232)],
    "milestone": None,
    "comments": 3,
    "created_at": "2026-04-22T13:33:48Z",
    "updated_at": "2026-05-01T08:12:09Z",
    "closed_at": None,
    "author_association": "MEMBER",
    "type": None,
    "active_lock_reason": None,
    "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
    "body": _TEXT * 4,
    "closed_by": None,
    "reactions": {
        "url": f"{_REPO}/issues/1347/reactions",
        "total_count": 2,
        **dict.fromkeys(("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"), 0),
    },
    "timeline_url": f"{_REPO}/issues/1347/timeline",
    "performed_via_github_app": None,
    "state_reason": None,
}

HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"private, max-age=60, s-maxage=60"),
    (b"vary", b"Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With"),
    (b"etag", b'W/"8f3b1a0c5d7e9f2a4b6c8d0e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9b1c3d5e7f90"'),
    (b"last-modified", b"Fri, 01 May 2026 08:12:09 GMT"),
    (b"x-oauth-scopes", b"read:org, repo, workflow"),
    (b"x-accepted-oauth-scopes", b"repo"),
    (b"x-github-media-type", b"github.v3; format=json"),
    (b"x-github-api-version-selected", b"2022-11-28"),
    (b"x-ratelimit-limit", b"5000"),
    (b"x-ratelimit-remaining", b"4987"),
    (b"x-ratelimit-used", b"13"),
    (b"x-ratelimit-reset", b"1780000000"),
    (b"x-ratelimit-resource", b"core"),
    (b"strict-transport-security", b"max-age=31536000; includeSubdomains; preload"),
    (b"x-frame-options", b"deny"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"origin-when-cross-origin, strict-origin-when-cross-origin"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"server", b"github.com"),
    (b"x-github-request-id", b"C0DE:2F1A3B:1A2B3C4:5D6E7F8:68123456"),
]
