"""The methods of a client, blocking.

Written by `make sdk` from the server's OpenAPI document: change generate.py or names.py, not this file.
"""

from __future__ import annotations

from devmesh_sdk.api import operations, own
from devmesh_sdk.binding import Blocking, Drive, blocking, blocking_each
from devmesh_sdk.core import Core


class Auth(Blocking):
    """`client.auth`."""

    login = blocking(own.log_in)
    login_mfa = blocking(own.prove_factor)
    refresh = blocking(own.refresh)
    logout = blocking(own.log_out)
    validate = blocking(operations.validate_caller)
    profile = blocking(operations.show_profile)
    update_profile = blocking(operations.change_profile)
    sessions = blocking(operations.list_sessions)
    end_session = blocking(operations.end_session)
    change_password = blocking(operations.change_password)
    ask_password_reset = blocking(operations.ask_password_reset)
    reset_password = blocking(operations.reset_password)
    verify_email = blocking(operations.verify_email)
    resend_verification = blocking(operations.resend_verification)


class Keys(Blocking):
    """`client.keys`."""

    create = blocking(operations.create_key)
    list = blocking(operations.list_keys)
    get = blocking(operations.get_key)
    update = blocking(operations.change_key)
    rotate = blocking(operations.rotate_key)
    revoke = blocking(operations.revoke_key)
    report_leaked = blocking(operations.report_leaked_key)
    list_all = blocking_each(operations.list_all_keys)


class Services(Blocking):
    """`client.services`."""

    list = blocking(operations.list_services)
    list_all = blocking_each(operations.list_all_services)


class Credentials(Blocking):
    """`client.credentials`."""

    connect = blocking(operations.store_credential)
    list = blocking(operations.list_credentials)
    get = blocking(operations.get_credential)
    validate = blocking(operations.validate_credential)
    explain = blocking(operations.explain_credential)
    disconnect = blocking(operations.remove_credential)
    list_all = blocking_each(operations.list_all_credentials)


class Contexts(Blocking):
    """`client.contexts`."""

    create = blocking(operations.create_context)
    list = blocking(operations.list_contexts)
    get = blocking(operations.get_context)
    update = blocking(operations.replace_context)
    delete = blocking(operations.remove_context)
    versions = blocking(operations.list_context_versions)
    version = blocking(operations.get_context_version)
    list_all = blocking_each(operations.list_all_contexts)


class Tools(Blocking):
    """`client.tools`."""

    list = blocking(operations.list_tools)
    search = blocking(own.search_tools)
    describe = blocking(operations.show_tool)
    call = blocking(own.call_tool)
    list_all = blocking_each(operations.list_all_tools)


class Audit(Blocking):
    """`client.audit`."""

    list = blocking(operations.read_audit)
    list_all = blocking_each(operations.list_all_audit)


class Organization(Blocking):
    """`client.organization`."""

    register = blocking(operations.register_organization)
    get = blocking(operations.show_organization)
    update = blocking(operations.change_organization)
    usage = blocking(operations.show_usage)
    policies = blocking(operations.show_policies)
    set_policies = blocking(operations.set_policies)
    users = blocking(operations.list_users)
    update_user = blocking(operations.change_user)
    remove_user = blocking(operations.remove_user)
    invite = blocking(operations.invite_user)
    invitations = blocking(operations.list_invitations)
    withdraw_invitation = blocking(operations.withdraw_invitation)
    delete = blocking(operations.remove_organization)


class Tenants(Blocking):
    """`client.tenants`."""

    list = blocking(operations.list_tenants)
    create = blocking(operations.create_tenant)
    remove = blocking(operations.remove_tenant)
    add_member = blocking(operations.add_member)
    remove_member = blocking(operations.remove_member)
    list_all = blocking_each(operations.list_all_tenants)


class Mcp(Blocking):
    """`client.mcp`."""

    list_tools = blocking(own.mcp_list_tools)
    call_tool = blocking(own.mcp_call_tool)


class Groups:
    """All groups of methods."""

    def __init__(self, core: Core, drive: Drive) -> None:
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
