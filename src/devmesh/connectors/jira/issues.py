"""Issues: read one, open, edit, assign and delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.atlassian.documents import Text, document
from devmesh.connectors.jira.arguments import AccountId, FieldValues, IssueFields, IssueKey, Line, joined, together
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_ISSUE = "/rest/api/3/issue/{issue_id_or_key}"

Description = Annotated[
    Text | None, Meta(description="The text, in simple Markdown; or a whole document in Atlassian's format (ADF).")
]
Expand = Annotated[
    list[
        Literal[
            "renderedFields",
            "names",
            "schema",
            "transitions",
            "operations",
            "editmeta",
            "changelog",
            "versionedRepresentations",
        ]
    ]
    | None,
    Meta(description="What else to return of each issue, as `changelog`."),
]


class NewIssue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issue to open."""

    project_key: Annotated[str, Meta(min_length=1, max_length=255, description="Key or id of the project.")]
    issue_type: Annotated[Line, Meta(description="Name or id of the type, as `Task`; get_create_metadata lists them.")]
    summary: Annotated[Line, Meta(description="The title, one line.")]
    description: Description = None
    priority: Annotated[Line | None, Meta(description="Name or id of the priority, as `High`.")] = None
    labels: Annotated[list[Line] | None, Meta(description="Labels, without spaces.")] = None
    assignee: Annotated[AccountId | None, Meta(description="Account id of the assignee, from search_users.")] = None
    components: Annotated[list[Line] | None, Meta(description="Names or ids of components.")] = None
    field_values: Annotated[
        FieldValues | None, Meta(description="Other fields by id, as Jira takes them; get_create_fields lists them.")
    ] = None

    def body(self, place: str) -> dict[str, Any]:
        """Return what Jira takes; Invalid, naming the argument below `place`, for what does not go together."""
        text = self.description
        own = given(
            project={"id" if self.project_key.isdecimal() else "key": self.project_key},
            issuetype=_named(self.issue_type),
            summary=self.summary,
            description=None if text is None else document(text, f"{place}description"),
            priority=_named(self.priority) if self.priority else None,
            labels=self.labels,
            assignee={"id": self.assignee} if self.assignee else None,
            components=None if self.components is None else [_named(one) for one in self.components],
        )
        return {"fields": together(own, self.field_values, f"{place}field_values")}


def _named(value: str) -> dict[str, str]:
    return {"id" if value.isdecimal() else "name": value}


@CONNECTOR.tool()
def get_issue(issue_id_or_key: IssueKey, issue_fields: IssueFields = None, expand: Expand = None) -> Request:
    """Return one issue: summary, description (an ADF document), status, assignee, and the rest of its fields.

    `issue_fields` keeps the result small. Comments are best read with list_comments, moves with list_transitions.
    """
    path = url(_ISSUE, issue_id_or_key=issue_id_or_key)
    return get(path, fields=joined(issue_fields), expand=joined(expand))


@CONNECTOR.tool(writes=True)
def create_issue(
    project_key: Annotated[str, Meta(min_length=1, max_length=255, description="Key or id of the project.")],
    issue_type: Annotated[Line, Meta(description="Name or id of the type, as `Task`; get_create_metadata lists them.")],
    summary: Annotated[Line, Meta(description="The title, one line.")],
    description: Description = None,
    priority: Annotated[Line | None, Meta(description="Name or id of the priority, as `High`.")] = None,
    labels: Annotated[list[Line] | None, Meta(description="Labels, without spaces.")] = None,
    assignee: Annotated[AccountId | None, Meta(description="Account id of the assignee, from search_users.")] = None,
    components: Annotated[list[Line] | None, Meta(description="Names or ids of components.")] = None,
    field_values: Annotated[
        FieldValues | None, Meta(description="Other fields by id, as Jira takes them; get_create_fields lists them.")
    ] = None,
) -> Request:
    """Open an issue and return its id and key; each call opens another one."""
    issue = NewIssue(
        project_key=project_key,
        issue_type=issue_type,
        summary=summary,
        description=description,
        priority=priority,
        labels=labels,
        assignee=assignee,
        components=components,
        field_values=field_values,
    )
    return send("POST", "/rest/api/3/issue", issue.body(""))


@CONNECTOR.tool(writes=True)
def create_issues_bulk(
    issue_updates: Annotated[
        list[NewIssue], Meta(min_length=1, max_length=50, description="The issues, each as create_issue takes one.")
    ],
) -> Request:
    """Open up to 50 issues; returns those opened, and under `errors` those that Jira refused (by their number)."""
    issues = [issue.body(f"issue_updates[{number}].") for number, issue in enumerate(issue_updates)]
    return send("POST", "/rest/api/3/issue/bulk", {"issueUpdates": issues})


@CONNECTOR.tool(writes=True)
def update_issue(
    issue_id_or_key: IssueKey,
    summary: Annotated[Line | None, Meta(description="The new title.")] = None,
    description: Description = None,
    field_values: Annotated[
        FieldValues | None, Meta(description="Other fields to set, by id, as Jira takes them; null clears one.")
    ] = None,
    update: Annotated[
        dict[str, list[dict[str, Any]]] | None,
        Meta(description='Changes of lists, by field: {"labels": [{"add": "bug"}, {"remove": "new"}]}.'),
    ] = None,
    notify_users: Annotated[bool | None, Meta(description="False: mail nobody; needs to be an administrator.")] = None,
) -> Request:
    """Edit an issue's fields; what is left out stays as it is. Its status is changed by transition_issue."""
    own = given(summary=summary, description=None if description is None else document(description, "description"))
    changed = together(own, field_values, "field_values")
    if not changed and not update:
        raise Invalid([Fault("field_values", "give at least one field to set, or `update`")])
    body = {**({"fields": changed} if changed else {}), **given(update=update)}
    return send("PUT", url(_ISSUE, issue_id_or_key=issue_id_or_key), body, notifyUsers=notify_users)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_issue(
    issue_id_or_key: IssueKey,
    delete_subtasks: Annotated[
        bool | None, Meta(description="Delete its subtasks, too; an issue with subtasks is refused otherwise.")
    ] = None,
) -> Request:
    """Delete an issue with its comments, worklogs and attachments, for good."""
    return Request(
        method="DELETE", path=url(_ISSUE, issue_id_or_key=issue_id_or_key), query=given(deleteSubtasks=delete_subtasks)
    )


@CONNECTOR.tool(writes=True, idempotent=True)
def assign_issue(
    issue_id_or_key: IssueKey,
    account_id: Annotated[
        AccountId, Meta(description="Account id, from search_assignable_users; `none`: nobody; `default`: the default.")
    ],
) -> Request:
    """Assign an issue to one account, to nobody or to the project's default assignee."""
    account = {"none": None, "default": "-1"}.get(account_id, account_id)
    return send("PUT", url(f"{_ISSUE}/assignee", issue_id_or_key=issue_id_or_key), {"accountId": account})
