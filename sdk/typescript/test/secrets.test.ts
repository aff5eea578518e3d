// Whatever answers may repeat what it was sent; errors end in logs, where no secret belongs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { DeveloperMeshError, MCPClient } from "@developer-mesh/sdk";
import { serving, type Asked } from "./server.ts";

const KEY = `agt_${"k".repeat(43)}`;
const SHORT = "usr_key";
const TOKEN = "ghp_secret";
const PASSWORD = "a sentence of mine";
const FORMED = [`rfr_${"r".repeat(43)}`, `eyJ${"h".repeat(20)}.${"p".repeat(20)}.${"s".repeat(20)}`];
const SECRETS = [KEY, SHORT, TOKEN, PASSWORD, ...FORMED];

/** A refusal that repeats the request wherever it can, in more levels than a stack has room for too. */
function echo({ headers, body, path }: Asked): string {
  const said = [headers.authorization, body, path, ...FORMED].join(" ");
  const errors = [{ field: said, message: said }];
  const text = JSON.stringify({ error: said, code: said, detail: said, hint: said, errors, [said]: [said] });
  return `${text.slice(0, -1)},"deep":${"[".repeat(20_000)}${JSON.stringify(said)}${"]".repeat(20_000)}}`;
}

async function failing(call: Promise<unknown>): Promise<DeveloperMeshError> {
  const met: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(met instanceof DeveloperMeshError, inspect(met));
  return met;
}

function holdsNone(error: DeveloperMeshError): void {
  const shown = [inspect(error, { depth: 50, showHidden: true }), JSON.stringify(error), `${error}`].join();
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), secret);
}

for (const [what, call] of Object.entries({
  "a read": (client: MCPClient) => client.auth.profile(),
  "a stored credential": (client: MCPClient) => client.credentials.connect("github", { token: TOKEN }),
  "a new password": (client: MCPClient) =>
    client.auth.changePassword({ current_password: PASSWORD, new_password: PASSWORD }),
  "a reported key": (client: MCPClient) => client.keys.reportLeaked(KEY),
  "a registration": (client: MCPClient) =>
    client.organization.register({
      organization_name: "Acme",
      organization_slug: "acme",
      admin_email: "ada@acme.example",
      admin_name: "Ada",
      admin_password: PASSWORD,
    }),
})) {
  for (const apiKey of [KEY, SHORT]) {
    test(`an error repeats no secret of ${what}, sent with ${apiKey.slice(0, 7)}`, async (t) => {
      const { url, asked } = await serving(t, (one) => [422, echo(one), { "x-request-id": apiKey }]);
      const client = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey } });
      const error = await failing(call(client));
      assert.match(asked[0]!.headers.authorization!, /^Bearer (agt|usr)_/);
      holdsNone(error);
      assert.ok(error.message.includes("[secret]"));
    });
  }
}

test("a login that is refused repeats no password", async (t) => {
  const { url } = await serving(t, (one) => [401, echo(one)]);
  const auth = { type: "jwt", username: "ada@acme.example", password: PASSWORD } as const;
  holdsNone(await failing(new MCPClient({ baseURL: url, auth }).auth.profile()));
});

test("a tool that failed and a JSON-RPC error repeat no key", async (t) => {
  const { url } = await serving(t, ({ path, headers }) => {
    const said = `${headers.authorization} ${FORMED.join(" ")}`;
    return path === "/mcp"
      ? [200, { jsonrpc: "2.0", id: 1, error: { code: -32602, message: said, data: { hint: said } } }]
      : [200, { result: said, is_error: true, receipt: null, meta: { code: "upstream_error" } }];
  });
  const client = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: KEY } });
  holdsNone(await failing(client.tools.call("github.get_issue")));
  holdsNone(await failing(client.mcp.callTool("github.get_issue")));
});

test("an answer that is no JSON repeats no key", async (t) => {
  const { url } = await serving(t, () => [
    200,
    `<p>${KEY}</p>`,
    { "content-type": `text/${KEY}`, "x-request-id": KEY },
  ]);
  const client = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: KEY } });
  holdsNone(await failing(client.auth.profile()));
});

test("what is no secret stays in an error", async (t) => {
  const detail = "There is no key 'a' here: gw_short, agt_x, eyJ.a.b.";
  const { url } = await serving(t, () => [404, { detail, code: "key_not_found", required_scopes: ["keys:read"] }]);
  const client = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: KEY } });
  await assert.rejects(client.keys.get("a"), { code: "key_not_found", message: `404 HTTP error: ${detail}` });
});
