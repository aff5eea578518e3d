import type { CallOptions } from "../options.js";
import type {
  Invitation,
  InvitationList,
  Membership,
  NewInvitation,
  NewOrganization,
  NewTenant,
  Organization,
  OrganizationChange,
  Policies,
  PolicyChange,
  Query,
  Registered,
  Tenant,
  TenantList,
  Usage,
  User,
  UserChange,
  UserList,
} from "../types.js";
import { everyItem, type Api } from "./api.js";

const MEMBER = "/api/v1/tenants/{tenant_id}/members/{user_id}";

/** Your organization and its people. */
export class OrganizationManager {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Found an organization; needs no credential. `api_key` of the reply is shown this once. */
  register(organization: NewOrganization, options?: CallOptions): Promise<Registered> {
    return this.#api.post("/api/v1/auth/register/organization", { body: organization }, options);
  }

  get(options?: CallOptions): Promise<Organization> {
    return this.#api.get("/api/v1/organization", {}, options);
  }

  update(change: OrganizationChange, options?: CallOptions): Promise<Organization> {
    return this.#api.patch("/api/v1/organization", { body: change }, options);
  }

  /** Return what is used of what the plan allows. */
  usage(options?: CallOptions): Promise<Usage> {
    return this.#api.get("/api/v1/organization/usage", {}, options);
  }

  policies(options?: CallOptions): Promise<Policies> {
    return this.#api.get("/api/v1/organization/policies", {}, options);
  }

  setPolicies(policies: PolicyChange, options?: CallOptions): Promise<Policies> {
    return this.#api.put("/api/v1/organization/policies", { body: policies }, options);
  }

  /** Return one page of people. */
  users(page?: Query<"/api/v1/users", "get">, options?: CallOptions): Promise<UserList> {
    return this.#api.get("/api/v1/users", { query: page }, options);
  }

  /** Change a person's role or name, or suspend them. */
  updateUser(userId: string, change: UserChange, options?: CallOptions): Promise<User> {
    return this.#api.patch("/api/v1/users/{user_id}", { path: { user_id: userId }, body: change }, options);
  }

  removeUser(userId: string, options?: CallOptions): Promise<void> {
    return this.#api.delete("/api/v1/users/{user_id}", { path: { user_id: userId } }, options);
  }

  /** Have a mail sent with a link by which the person joins. */
  invite(invitation: NewInvitation, options?: CallOptions): Promise<Invitation> {
    return this.#api.once("/api/v1/auth/users/invite", { body: invitation }, options);
  }

  /** Return one page of the invitations that nobody has accepted yet. */
  invitations(page?: Query<"/api/v1/auth/invitations", "get">, options?: CallOptions): Promise<InvitationList> {
    return this.#api.get("/api/v1/auth/invitations", { query: page }, options);
  }

  withdrawInvitation(invitationId: string, options?: CallOptions): Promise<void> {
    const path = { invitation_id: invitationId };
    return this.#api.delete("/api/v1/auth/invitations/{invitation_id}", { path }, options);
  }

  /** Remove the organization and all that is in it; `confirm` is its slug. An owner's session alone may. */
  delete(confirm: string, options?: CallOptions): Promise<void> {
    return this.#api.delete("/api/v1/organization", { body: { confirm } }, options);
  }
}

/** The tenants of your organization. */
export class Tenants {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  list(page?: Query<"/api/v1/tenants", "get">, options?: CallOptions): Promise<TenantList> {
    return this.#api.get("/api/v1/tenants", { query: page }, options);
  }

  create(tenant: NewTenant, options?: CallOptions): Promise<Tenant> {
    return this.#api.once("/api/v1/tenants", { body: tenant }, options);
  }

  remove(tenantId: string, options?: CallOptions): Promise<void> {
    return this.#api.delete("/api/v1/tenants/{tenant_id}", { path: { tenant_id: tenantId } }, options);
  }

  /** Yield every tenant. */
  listAll(filter?: Query<"/api/v1/tenants", "get">, options?: CallOptions): AsyncGenerator<Tenant, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.tenants,
    );
  }

  addMember(tenantId: string, userId: string, options?: CallOptions): Promise<Membership> {
    return this.#api.put(MEMBER, { path: { tenant_id: tenantId, user_id: userId } }, options);
  }

  removeMember(tenantId: string, userId: string, options?: CallOptions): Promise<void> {
    return this.#api.delete(MEMBER, { path: { tenant_id: tenantId, user_id: userId } }, options);
  }
}
