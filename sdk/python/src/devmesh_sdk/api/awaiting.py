"""The methods of a client, awaiting.

Written by `make sdk` from the server's OpenAPI document: change generate.py or names.py, not this file.
"""

from __future__ import annotations

from devmesh_sdk.api import operations, own
from devmesh_sdk.binding import ADrive, Awaiting, awaiting, awaiting_each
from devmesh_sdk.core import Core


class Auth(Awaiting):
    """`client.auth`."""

    login = awaiting(own.log_in)
    login_mfa = awaiting(own.prove_factor)
    refresh = awaiting(own.refresh)
    logout = awaiting(own.log_out)
    validate = awaiting(operations.validate_caller)
    profile = awaiting(operations.show_profile)
    update_profile = awaiting(operations.change_profile)
    sessions = awaiting(operations.list_sessions)
    end_session = awaiting(operations.end_session)
    change_password = awaiting(operations.change_password)
    ask_password_reset = awaiting(operations.ask_password_reset)
    reset_password = awaiting(operations.reset_password)
    verify_email = awaiting(operations.verify_email)
    resend_verification = awaiting(operations.resend_verification)


class Keys(Awaiting):
    """`client.keys`."""

    create = awaiting(operations.create_key)
    list = awaiting(operations.list_keys)
    get = awaiting(operations.get_key)
    update = awaiting(operations.change_key)
    rotate = awaiting(operations.rotate_key)
    revoke = awaiting(operations.revoke_key)
    report_leaked = awaiting(operations.report_leaked_key)
    list_all = awaiting_each(operations.list_all_keys)


class Services(Awaiting):
    """`client.services`."""

    list = awaiting(operations.list_services)
    list_all = awaiting_each(operations.list_all_services)


class Credentials(Awaiting):
    """`client.credentials`."""

    connect = awaiting(operations.store_credential)
    list = awaiting(operations.list_credentials)
    get = awaiting(operations.get_credential)
    validate = awaiting(operations.validate_credential)
    explain = awaiting(operations.explain_credential)
    disconnect = awaiting(operations.remove_credential)
    list_all = awaiting_each(operations.list_all_credentials)


class Contexts(Awaiting):
    """`client.contexts`."""

    create = awaiting(operations.create_context)
    list = awaiting(operations.list_contexts)
    get = awaiting(operations.get_context)
    update = awaiting(operations.replace_context)
    delete = awaiting(operations.remove_context)
    versions = awaiting(operations.list_context_versions)
    version = awaiting(operations.get_context_version)
    list_all = awaiting_each(operations.list_all_contexts)


class Tools(Awaiting):
    """`client.tools`."""

    list = awaiting(operations.list_tools)
    search = awaiting(own.search_tools)
    describe = awaiting(operations.show_tool)
    call = awaiting(own.call_tool)
    list_all = awaiting_each(operations.list_all_tools)


class Audit(Awaiting):
    """`client.audit`."""

    list = awaiting(operations.read_audit)
    list_all = awaiting_each(operations.list_all_audit)


class Organization(Awaiting):
    """`client.organization`."""

    register = awaiting(operations.register_organization)
    get = awaiting(operations.show_organization)
    update = awaiting(operations.change_organization)
    usage = awaiting(operations.show_usage)
    policies = awaiting(operations.show_policies)
    set_policies = awaiting(operations.set_policies)
    users = awaiting(operations.list_users)
    update_user = awaiting(operations.change_user)
    remove_user = awaiting(operations.remove_user)
    invite = awaiting(operations.invite_user)
    invitations = awaiting(operations.list_invitations)
    withdraw_invitation = awaiting(operations.withdraw_invitation)
    delete = awaiting(operations.remove_organization)


class Tenants(Awaiting):
    """`client.tenants`."""

    list = awaiting(operations.list_tenants)
    create = awaiting(operations.create_tenant)
    remove = awaiting(operations.remove_tenant)
    add_member = awaiting(operations.add_member)
    remove_member = awaiting(operations.remove_member)
    list_all = awaiting_each(operations.list_all_tenants)


class Mcp(Awaiting):
    """`client.mcp`."""

    list_tools = awaiting(own.mcp_list_tools)
    call_tool = awaiting(own.mcp_call_tool)


class Groups:
    """All groups of methods."""

    def __init__(self, core: Core, drive: ADrive) -> None:
        self.auth = Auth(core, drive)
        self.keys = Keys(core, drive)
        self.services = Services(core, drive)
        self.credentials = Credentials(core, drive)
        self.contexts = Contexts(core, drive)
        self.tools = Tools(core, drive)
        self.audit = Audit(core, drive)
        self.organization = Organization(core, drive)
        self.tenants = Tenants(core, drive)
        self.mcp = Mcp(core, drive)
