import type { CallOptions } from "../options.js";
import type {
  Invitation,
  NewInvitation,
  NewOrganization,
  NewTenant,
  Organization,
  OrganizationChange,
  Query,
  Registered,
  Tenant,
  TenantList,
  Usage,
  User,
  UserChange,
  UserList,
} from "../types.js";
import type { Api } from "./api.js";

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
}
