import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  DeveloperMeshError,
  MalformedReplyError,
  MCPClient,
  UsageError,
  type MCPClientOptions,
} from "@developer-mesh/sdk";
import { PROFILE, problem, serving, type Answer } from "./server.ts";

const KEY = { type: "api-key", apiKey: "usr_key" } as const;

test("a request holds the key, the tenant and the body, and no cookie", async (t) => {
  const { url, asked } = await serving(t, () => [201, {}]);
  const client = new MCPClient({ baseURL: `${url}/`, auth: KEY, tenantId: "acme" });
  await client.keys.create({ name: "one" });
  const { method, path, headers, body } = asked[0]!;
  assert.deepEqual([method, path, body], ["POST", "/api/v1/api-keys", '{"name":"one"}']);
  assert.equal(headers.authorization, "Bearer usr_key");
  assert.equal(headers["x-tenant-id"], "acme");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers.cookie, undefined);
});

test("a base URL may have a path", async (t) => {
  const { url, asked } = await serving(t, () => [200, PROFILE]);
  await new MCPClient({ baseURL: `${url}/mesh/`, auth: KEY }).auth.profile();
  assert.equal(asked[0]?.path, "/mesh/api/v1/auth/profile");
});

test("what stands in a path or a query stays there", async (t) => {
  const { url, asked } = await serving(t, () => [200, {}]);
  const client = new MCPClient({ baseURL: url, auth: KEY });
  await client.keys.get("a/../b?c#d");
  await client.contexts.list({ tag: ["a&b", "c"], name: "ü", cursor: null });
  assert.deepEqual(
    asked.map(({ path }) => path),
    ["/api/v1/api-keys/a%2F..%2Fb%3Fc%23d", "/api/v1/contexts?tag=a%26b&tag=c&name=%C3%BC"],
  );
  for (const id of ["", ".", ".."]) await assert.rejects(client.keys.revoke(id), UsageError);
  assert.equal(asked.length, 2);
});

test("a redirection is not followed, and the key not sent on", async (t) => {
  const elsewhere = await serving(t, () => [200, PROFILE]);
  const { url } = await serving(t, () => [307, "", { location: `${elsewhere.url}/api/v1/auth/profile` }]);
  await assert.rejects(new MCPClient({ baseURL: url, auth: KEY }).auth.profile(), MalformedReplyError);
  assert.equal(elsewhere.asked.length, 0);
});

test("every page is asked for until there is none", async (t) => {
  const { url, asked } = await serving(t, (_, number) => {
    return [200, { tools: [{ name: `t${number}` }], count: 1, next_cursor: number < 3 ? `c${number}` : null }];
  });
  const names = [];
  for await (const { name } of new MCPClient({ baseURL: url, auth: KEY }).tools.listAll()) names.push(name);
  assert.deepEqual(names, ["t1", "t2", "t3"]);
  assert.deepEqual(
    asked.map(({ path }) => path.split("?")[1]),
    ["limit=200", "limit=200&cursor=c1", "limit=200&cursor=c2"],
  );
});

test("a JSON-RPC error is typed by the code in its data", async (t) => {
  const data = { code: "rate_limit_exceeded", hint: "Wait.", request_id: "r2", retry_after: 99 };
  const refused = { jsonrpc: "2.0", id: 1, error: { code: 429, message: "Rate Limit Exceeded", data } };
  const unknown = { jsonrpc: "2.0", id: 2, error: { code: -32602, message: "Unknown tool" } };
  const { url } = await serving(t, (_, number) => (number === 1 ? [429, refused] : [200, unknown]));
  const { mcp } = new MCPClient({ baseURL: url, auth: KEY });
  await assert.rejects(mcp.listTools(), { name: "RateLimitError", code: data.code, requestId: "r2", retryAfter: 99 });
  await assert.rejects(mcp.callTool("nothing"), { name: "ValidationError", code: "json_rpc_-32602" });
});

test("an unknown tool is not found over MCP too, with the server's hint and without HTTP's words", async (t) => {
  const hint = "Did you mean github.get_issue?";
  const message = `Unknown tool. There is no tool 'github.nope'. ${hint}`;
  const data = { code: "unknown_tool", hint, nearest: ["github.get_issue"] };
  const { url } = await serving(t, () => [200, { jsonrpc: "2.0", id: 1, error: { code: -32602, message, data } }]);
  await assert.rejects(new MCPClient({ baseURL: url, auth: KEY }).mcp.callTool("github.nope"), {
    name: "NotFoundError",
    message: "Unknown tool. There is no tool 'github.nope'.",
    code: "unknown_tool",
    hint,
  });
});

for (const [what, number, name] of [
  ["an error of the server's", -32603, "ServerError"],
  ["a method that there is not", -32601, "NotFoundError"],
  ["a refusal by its status", 403, "PermissionDeniedError"],
  ["a number that nobody knows", -32020, "RequestError"],
] as const) {
  for (const status of [200, 400]) {
    test(`a JSON-RPC error for ${what} under ${status} does not doubt the address`, async (t) => {
      const error = { code: number, message: "It is so." };
      const { url } = await serving(t, () => [status, { jsonrpc: "2.0", id: 1, error }]);
      const met = await new MCPClient({ baseURL: url, auth: KEY }).mcp.listTools().catch((met) => met);
      assert.deepEqual([met.name, met.code], [status === 200 ? name : "RequestError", `json_rpc_${number}`]);
      assert.ok(met.hint && !met.hint.includes("baseURL"), met.hint);
    });
  }
}

test("what is no JSON-RPC message is a malformed reply", async (t) => {
  const answers = [
    {},
    { error: { code: 404, message: "No." } },
    { jsonrpc: "2.0", error: "no" },
    { jsonrpc: "2.0", error: { code: "x" } },
  ];
  const { url } = await serving(t, (_, number) => [200, answers[number - 1]]);
  const { mcp } = new MCPClient({ baseURL: url, auth: KEY });
  for (const _ of answers) await assert.rejects(mcp.listTools(), MalformedReplyError);
});

for (const [what, answer, name, code] of [
  ["HTML with status 200", [200, "<html>", { "content-type": "text/html" }], "MalformedReplyError", "malformed_reply"],
  ["broken JSON", [200, '{"name": '], "MalformedReplyError", "malformed_reply"],
  ["an empty reply", [200, ""], "MalformedReplyError", "malformed_reply"],
  ["a list", [200, "[]"], "MalformedReplyError", "malformed_reply"],
  ["HTML with status 404", [404, "<html>", { "content-type": "text/html" }], "MalformedReplyError", "malformed_reply"],
  ["another server's JSON", [404, { message: "Not Found" }], "MalformedReplyError", "malformed_reply"],
  ["another server's error", [404, { error: { code: 404, message: "No." } }], "MalformedReplyError", "malformed_reply"],
  ["a JSON text that is no object", [400, '"no"'], "MalformedReplyError", "malformed_reply"],
  ["a teapot", [418, "null"], "MalformedReplyError", "malformed_reply"],
  ["a proxy's 401", [401, "<html>"], "AuthenticationError", "http_401"],
  ["a proxy's 403", [403, "<html>"], "PermissionDeniedError", "http_403"],
  ["a server's 500 without words", [500, ""], "ServerError", "http_500"],
  ["an unknown route", problem(404, "not_found"), "NotFoundError", "not_found"],
  ["a wrong method", problem(405, "method_not_allowed"), "RequestError", "method_not_allowed"],
  ["a stale version", problem(412, "precondition_failed"), "ConflictError", "precondition_failed"],
] satisfies [string, Answer, string, string][]) {
  test(`${what} is one clear error`, async (t) => {
    const { url, asked } = await serving(t, () => answer);
    const error = await new MCPClient({ baseURL: url, auth: KEY }).auth.profile().catch((met) => met);
    assert.ok(error instanceof DeveloperMeshError);
    assert.deepEqual([error.name, error.code, error.status], [name, code, answer[0]]);
    assert.ok(error.hint && error.message);
    assert.equal(asked.length, 1);
  });
}

for (const [what, auth] of Object.entries({
  "a bare key": "usr_secret",
  "an empty text": "",
  null: null,
  "a type that there is not": { type: "bearer", apiKey: "usr_secret" },
  "no type": { apiKey: "usr_secret" },
  "a list": ["usr_secret"],
  "a function": () => "usr_secret",
})) {
  test(`an auth that is ${what} is refused at once with what it is to be, and not told on`, () => {
    const make = (): MCPClient => new MCPClient({ baseURL: "https://mesh.example", auth: auth as never });
    assert.throws(make, (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.hint, /\{ type: 'api-key', apiKey \}/);
      return !inspect(error).includes("usr_secret");
    });
  });
}

test("a client without an auth calls as nobody", async (t) => {
  const { url, asked } = await serving(t, () => [200, PROFILE]);
  await new MCPClient({ baseURL: url }).auth.profile();
  assert.equal(asked[0]?.headers.authorization, undefined);
});

for (const [what, options] of Object.entries({
  "a missing key": { auth: { type: "api-key", apiKey: undefined } },
  "an empty key": { auth: { type: "api-key", apiKey: "" } },
  "a key that is no text": { auth: { type: "api-key", apiKey: ["usr_secret"] as never } },
  "a key with a line end": { auth: { type: "api-key", apiKey: "usr_secret\n" } },
  "a missing password": { auth: { type: "jwt", username: "ada", password: undefined } },
  "no URL": { baseURL: "usr_secret" },
  "a URL of another kind": { baseURL: "ftp://mesh.example" },
  "a URL with a password": { baseURL: "https://ada:usr_secret@mesh.example" },
  "a URL with a query": { baseURL: "https://mesh.example?key=usr_secret" },
  "a time that is none": { timeout: Number.NaN },
  "retries that are none": { retryConfig: { maxRetries: -1 } },
  "a tenant with a line end": { tenantId: "acme\r\nx-evil: usr_secret" },
} satisfies Record<string, Partial<MCPClientOptions>>)) {
  test(`${what} is refused at once, and not told on`, () => {
    const make = (): MCPClient => new MCPClient({ baseURL: "https://mesh.example", auth: KEY, ...options });
    assert.throws(make, (error) => error instanceof UsageError && !inspect(error).includes("usr_secret"));
  });
}
