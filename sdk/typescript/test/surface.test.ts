// Each method is its route of the HTTP contract, with what it was given in its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MCPClient } from "@developer-mesh/sdk";
import { serving } from "./server.ts";

const A = "a";
const B = "b";

for (const [route, call, body = ""] of [
  ["PATCH /auth/profile", (mesh) => mesh.auth.updateProfile({ name: A }), '{"name":"a"}'],
  ["GET /auth/sessions?limit=1", (mesh) => mesh.auth.sessions({ limit: 1 })],
  ["DELETE /auth/sessions/a", (mesh) => mesh.auth.endSession(A)],
  [
    "POST /auth/password/change",
    (mesh) => mesh.auth.changePassword({ current_password: A, new_password: B }),
    '{"current_password":"a","new_password":"b"}',
  ],
  ["POST /auth/password/reset", (mesh) => mesh.auth.askPasswordReset(A), '{"email":"a"}'],
  [
    "POST /auth/password/reset/confirm",
    (mesh) => mesh.auth.resetPassword({ token: A, new_password: B }),
    '{"token":"a","new_password":"b"}',
  ],
  ["POST /auth/email/verify", (mesh) => mesh.auth.verifyEmail(A), '{"token":"a"}'],
  ["POST /auth/email/resend", (mesh) => mesh.auth.resendVerification(A), '{"email":"a"}'],
  ["POST /keys/leaked", (mesh) => mesh.keys.reportLeaked(A), '{"key":"a"}'],
  ["GET /services", (mesh) => mesh.services.list()],
  ["GET /contexts/a/versions?limit=1", (mesh) => mesh.contexts.versions(A, { limit: 1 })],
  ["GET /contexts/a/versions/2", (mesh) => mesh.contexts.version(A, 2)],
  ["GET /organization/policies", (mesh) => mesh.organization.policies()],
  [
    "PUT /organization/policies",
    (mesh) => mesh.organization.setPolicies({ require_mfa: true, password_policy: "nist" }),
    '{"require_mfa":true,"password_policy":"nist"}',
  ],
  ["GET /auth/invitations", (mesh) => mesh.organization.invitations()],
  ["DELETE /auth/invitations/a", (mesh) => mesh.organization.withdrawInvitation(A)],
  ["DELETE /organization", (mesh) => mesh.organization.delete(A), '{"confirm":"a"}'],
  ["PUT /tenants/a/members/b", (mesh) => mesh.tenants.addMember(A, B)],
  ["DELETE /tenants/a/members/b", (mesh) => mesh.tenants.removeMember(A, B)],
] as [string, (mesh: MCPClient) => Promise<unknown>, string?][]) {
  test(route, async (t) => {
    const { url, asked } = await serving(t, () => [200, {}]);
    await call(new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: "usr_key" } }));
    const [one] = asked;
    assert.deepEqual([`${one?.method} ${one?.path}`, one?.body], [route.replace(" ", " /api/v1"), body]);
  });
}

test("every service and every tenant come page by page", async (t) => {
  const { url } = await serving(t, ({ path }, number) => {
    const name = path.includes("/services") ? "services" : "tenants";
    return [200, { [name]: [{ n: number }], count: 1, next_cursor: number % 2 ? "more" : null }];
  });
  const mesh = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: "usr_key" } });
  const found = [];
  for await (const service of mesh.services.listAll()) found.push(service);
  for await (const tenant of mesh.tenants.listAll()) found.push(tenant);
  assert.deepEqual(found, [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
});
