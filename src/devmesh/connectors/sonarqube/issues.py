"""Issues: find, move, assign, comment, tag."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import (
    Asc,
    Branch,
    From,
    ImpactSeverities,
    IssueKey,
    Languages,
    Members,
    Organization,
    PullRequest,
    Qualities,
    Severities,
    Text,
    commas,
    joined,
    moment,
    post,
)
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get

Transition = Literal[
    "accept",
    "confirm",
    "falsepositive",
    "reopen",
    "unconfirm",
    "resolve",
    "wontfix",
    "close",
    "setinreview",
    "resolveasreviewed",
    "resetastoreview",
]
Comment = Annotated[str, Meta(min_length=1, max_length=4000)]


Components = Annotated[
    Members | None, Meta(description="Only in these projects, directories or files, by their keys (since 10.2).")
]
ComponentKeys = Annotated[Members | None, Meta(description="The same for SonarQube Cloud and servers before 10.2.")]
Types = Annotated[
    list[Literal["CODE_SMELL", "BUG", "VULNERABILITY"]] | None,
    Meta(description="Only these types (of the older rating, before 10.2)."),
]
Resolved = Annotated[bool | None, Meta(description="False: only open ones. True: only resolved ones.")]
Statuses = Annotated[
    list[Literal["OPEN", "CONFIRMED", "REOPENED", "RESOLVED", "CLOSED"]] | None,
    Meta(description="Only in these statuses, as servers before 10.4 name them."),
]
IssueStatuses = Annotated[
    list[Literal["OPEN", "CONFIRMED", "FALSE_POSITIVE", "ACCEPTED", "FIXED"]] | None,
    Meta(description="Only in these statuses (since 10.4)."),
]
Rules = Annotated[Members | None, Meta(description="Only of these rules: java:S1144.")]
Tags = Annotated[Members | None, Meta(description="Only with one of these tags.")]
Assignees = Annotated[Members | None, Meta(description="Only assigned to these logins; __me__ is the token's owner.")]
NewCode = Annotated[bool | None, Meta(description="True: only in new code.")]
Sort = Annotated[
    Literal["CREATION_DATE", "UPDATE_DATE", "CLOSE_DATE", "SEVERITY", "STATUS", "FILE_LINE", "HOTSPOTS"] | None,
    Meta(description="Order of the result."),
]
Facets = Annotated[Members | None, Meta(description="Also count by these: severities, types, rules, files.")]
AdditionalFields = Annotated[
    list[Literal["_all", "comments", "languages", "rules", "transitions", "actions", "users"]] | None,
    Meta(description="Also return these of each issue; transitions: what change_issue_status may do."),
]


@CONNECTOR.tool(items="issues")
def search_issues(
    components: Components = None,
    component_keys: ComponentKeys = None,
    severities: Severities = None,
    types: Types = None,
    impact_severities: ImpactSeverities = None,
    impact_software_qualities: Qualities = None,
    resolved: Resolved = None,
    statuses: Statuses = None,
    issue_statuses: IssueStatuses = None,
    rules: Rules = None,
    tags: Tags = None,
    languages: Languages = None,
    assignees: Assignees = None,
    created_after: From = None,
    in_new_code_period: NewCode = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
    sort: Sort = None,
    asc: Asc = None,
    facets: Facets = None,
    additional_fields: AdditionalFields = None,
    organization: Organization = None,
) -> Request:
    """Return issues: key, rule, severity, message, file and lines, status; without arguments all that are visible.

    Narrow by component and `resolved: false`: SonarQube shows no more than the first 10,000.
    """
    lists = commas(components=components, componentKeys=component_keys, rules=rules, tags=tags, languages=languages)
    lists |= commas(severities=severities, types=types, statuses=statuses, issueStatuses=issue_statuses)
    lists |= commas(impactSeverities=impact_severities, impactSoftwareQualities=impact_software_qualities)
    lists |= commas(assignees=assignees, facets=facets, additionalFields=additional_fields)
    where = {"branch": branch, "pullRequest": pull_request, "organization": organization, "resolved": resolved}
    when = {"createdAfter": moment(created_after), "inNewCodePeriod": in_new_code_period, "s": sort, "asc": asc}
    return get("/api/issues/search", **lists, **where, **when)


@CONNECTOR.tool(writes=True)
def change_issue_status(
    issue: IssueKey,
    transition: Annotated[Transition, Meta(description="What to do with it; accept was wontfix before 10.4.")],
) -> Request:
    """Move an issue to another status and return it; 400 if its present status does not allow that.

    search_issues with `additional_fields: [transitions]` shows what is allowed.
    """
    return post("/api/issues/do_transition", issue=issue, transition=transition)


@CONNECTOR.tool(writes=True, idempotent=True)
def assign_issue(
    issue: IssueKey,
    assignee: Annotated[
        Text | None, Meta(description="Login of whom to assign it to, `_me` for the token's owner; omitted: nobody.")
    ] = None,
) -> Request:
    """Assign an issue, or take it from whoever has it, and return it."""
    return post("/api/issues/assign", issue=issue, assignee=assignee)


@CONNECTOR.tool(writes=True)
def add_issue_comment(
    issue: IssueKey, text: Annotated[Comment, Meta(description="The comment; a small Markdown.")]
) -> Request:
    """Add a comment to an issue and return the issue; each call adds another."""
    return post("/api/issues/add_comment", issue=issue, text=text)


@CONNECTOR.tool(writes=True, idempotent=True)
def set_issue_tags(
    issue: IssueKey,
    tags: Annotated[Members | None, Meta(description="All tags that it shall have; omitted: none.")] = None,
) -> Request:
    """Replace the tags of an issue and return it; tags are in lower case, of letters, digits and +-#."""
    return post("/api/issues/set_tags", issue=issue, tags=joined(tags) or "")


@CONNECTOR.tool(writes=True)
def bulk_change_issues(
    issues: Annotated[Members, Meta(description="Keys of the issues, 500 at most.")],
    assign: Annotated[
        Annotated[str, Meta(max_length=255)] | None, Meta(description="Login to assign them to; empty: to nobody.")
    ] = None,
    add_tags: Annotated[Members | None, Meta(description="Tags to add.")] = None,
    remove_tags: Annotated[Members | None, Meta(description="Tags to take off.")] = None,
    do_transition: Annotated[Transition | None, Meta(description="What to do with them.")] = None,
    comment: Annotated[
        Comment | None, Meta(description="Comment for those that change; only beside another change.")
    ] = None,
) -> Request:
    """Change many issues at once and return how many were changed, ignored, or failed."""
    if assign is None and not (add_tags or remove_tags or do_transition):
        raise Invalid([Fault("", "give at least one of assign, add_tags, remove_tags and do_transition")])
    return post(
        "/api/issues/bulk_change",
        issues=joined(issues),
        assign=assign,
        add_tags=joined(add_tags),
        remove_tags=joined(remove_tags),
        do_transition=do_transition,
        comment=comment,
    )
