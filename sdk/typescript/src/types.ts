import type { paths } from "./generated/openapi.js";

/** A method of the HTTP contract, as the OpenAPI document names it. */
export type Method = "get" | "post" | "put" | "patch" | "delete";

/** An operation's JSON reply; void where it has none. */
export type Reply<P extends keyof paths, M extends Method> = ReplyOf<paths[P][M]>;

/** An operation's JSON body; never where it takes none. */
export type Body<P extends keyof paths, M extends Method> = BodyOf<paths[P][M]>;

/** An operation's query. */
export type Query<P extends keyof paths, M extends Method> = QueryOf<paths[P][M]>;

/** The paths on which there is such a method. */
export type PathsOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];

/** The paths on which a POST under an Idempotency-Key happens once. */
export type OncePaths = {
  [P in keyof paths]: paths[P]["post"] extends { parameters: { header?: { "Idempotency-Key"?: string } } }
    ? paths[P]["post"] extends { parameters: { header?: never } }
      ? never
      : P
    : never;
}[keyof paths];

/** The values of a path's `{names}`. */
export type PathValues<P extends keyof paths, M extends Method> = paths[P][M] extends {
  parameters: { path: infer Values };
}
  ? Values
  : never;

type ReplyOf<O> = O extends { responses: infer R }
  ? R extends { 200: infer S } | { 201: infer S } | { 202: infer S }
    ? S extends { content: { "application/json": infer T } }
      ? T
      : void
    : void
  : never;

type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer T } } } ? T : never;

type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;

export type Login = Body<"/api/v1/auth/login", "post">;
export type LoginMfa = Body<"/api/v1/auth/login/mfa", "post">;
export type SignedIn = Reply<"/api/v1/auth/login/mfa", "post">;
export type Validation = Reply<"/api/v1/auth/validate", "post">;
export type Profile = Reply<"/api/v1/auth/profile", "get">;

export type ProfileChange = Body<"/api/v1/auth/profile", "patch">;
export type SessionList = Reply<"/api/v1/auth/sessions", "get">;
export type PasswordChange = Body<"/api/v1/auth/password/change", "post">;
export type PasswordReset = Body<"/api/v1/auth/password/reset/confirm", "post">;

export type NewKey = Body<"/api/v1/api-keys", "post">;
export type CreatedKey = Reply<"/api/v1/api-keys", "post">;
export type KeyList = Reply<"/api/v1/api-keys", "get">;
export type Key = Reply<"/api/v1/api-keys/{key_id}", "get">;
export type KeyListed = KeyList["api_keys"][number];
export type KeyChange = Body<"/api/v1/api-keys/{key_id}", "patch">;
export type KeyRotation = Body<"/api/v1/api-keys/{key_id}/rotate", "post">;
export type RevokedKey = Reply<"/api/v1/api-keys/{key_id}", "delete">;

export type ServiceList = Reply<"/api/v1/services", "get">;
export type Service = ServiceList["services"][number];

export type NewCredential = Body<"/api/v1/credentials", "post">;
export type CredentialList = Reply<"/api/v1/credentials", "get">;
export type CredentialListed = CredentialList["credentials"][number];
export type StoredCredential = Reply<"/api/v1/credentials", "post">;
export type CredentialVerdict = Reply<"/api/v1/credentials/{service}/validate", "post">;
export type CredentialChoice = Reply<"/api/v1/credentials/{service}/explain", "get">;

/** Other members than these are kept under `content`. */
export type NewContext = Body<"/api/v1/contexts", "post"> & Record<string, unknown>;
export type Context = Reply<"/api/v1/contexts", "post">;
export type ContextList = Reply<"/api/v1/contexts", "get">;
export type ContextListed = ContextList["contexts"][number];

export type ContextVersions = Reply<"/api/v1/contexts/{context_id}/versions", "get">;
export type ContextVersion = Reply<"/api/v1/contexts/{context_id}/versions/{version}", "get">;

export type ToolList = Reply<"/api/v1/tools", "get">;
export type Tool = Reply<"/api/v1/tools/{name}", "get">;
export type ToolCall = Reply<"/api/v1/tools/{name}/execute", "post">;

export type AuditList = Reply<"/api/v1/audit", "get">;
export type AuditEntry = AuditList["entries"][number];
export type AuditFilter = Query<"/api/v1/audit", "get">;

export type NewOrganization = Body<"/api/v1/auth/register/organization", "post">;
export type Registered = Reply<"/api/v1/auth/register/organization", "post">;
export type Organization = Reply<"/api/v1/organization", "get">;
export type OrganizationChange = Body<"/api/v1/organization", "patch">;
export type Usage = Reply<"/api/v1/organization/usage", "get">;
export type Policies = Reply<"/api/v1/organization/policies", "get">;
export type PolicyChange = Body<"/api/v1/organization/policies", "put">;
export type UserList = Reply<"/api/v1/users", "get">;
export type User = UserList["users"][number];
export type UserChange = Body<"/api/v1/users/{user_id}", "patch">;
export type NewInvitation = Body<"/api/v1/auth/users/invite", "post">;
export type Invitation = Reply<"/api/v1/auth/users/invite", "post">;
export type InvitationList = Reply<"/api/v1/auth/invitations", "get">;

export type TenantList = Reply<"/api/v1/tenants", "get">;
export type NewTenant = Body<"/api/v1/tenants", "post">;
export type Tenant = Reply<"/api/v1/tenants", "post">;
export type Membership = Reply<"/api/v1/tenants/{tenant_id}/members/{user_id}", "put">;
