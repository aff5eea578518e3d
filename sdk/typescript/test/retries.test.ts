import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionFailedError, MCPClient, RateLimitError, ServerError, TimedOutError } from "@developer-mesh/sdk";
import { PROFILE, problem, serving, type Answer } from "./server.ts";

const KEY = { type: "api-key", apiKey: "usr_key" } as const;

function client(baseURL: string, more: object = {}): MCPClient {
  return new MCPClient({ baseURL, auth: KEY, retryConfig: { maxRetries: 2 }, ...more });
}

for (const [how, answer] of Object.entries({
  "502": problem(502, "upstream_failed"),
  "503": problem(503, "unavailable"),
  "504": problem(504, "timed_out_upstream"),
  "a connection cut off": "cut",
} satisfies Record<string, Answer>)) {
  test(`a read is repeated after ${how}`, async (t) => {
    const { url, asked } = await serving(t, (_, number) => (number < 3 ? answer : [200, PROFILE]));
    assert.deepEqual(await client(url).auth.profile(), PROFILE);
    assert.equal(asked.length, 3);
  });

  test(`a change without an Idempotency-Key is not repeated after ${how}`, async (t) => {
    const { url, asked } = await serving(t, () => answer);
    for (const change of [
      () => client(url).keys.update("k1", { name: "new" }),
      () => client(url).keys.revoke("k1"),
      () => client(url).contexts.update("c1", {}),
      () => client(url).mcp.callTool("github.create_issue"),
      () => client(url).organization.register({} as never),
    ]) {
      asked.length = 0;
      await assert.rejects(change(), answer === "cut" ? ConnectionFailedError : ServerError);
      assert.equal(asked.length, 1);
    }
  });
}

test("a POST is repeated under the same Idempotency-Key, and another one has another", async (t) => {
  const { url, asked } = await serving(t, (_, number) => (number === 1 ? "cut" : [201, { version: 1 }]));
  const { contexts } = client(url);
  await contexts.create({ name: "one" });
  await contexts.create({ name: "one" });
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(keys.length, 3);
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[1], keys[2]);
  assert.ok(keys.every((key) => /^[0-9a-f]{32}$/.test(String(key))));
  assert.equal(asked[0]?.body, asked[1]?.body);
});

test("an Idempotency-Key of one's own is sent as it is", async (t) => {
  const { url, asked } = await serving(t, () => [201, {}]);
  await client(url).tools.call("github.create_issue", {}, { idempotencyKey: "deploy-42" });
  assert.equal(asked[0]?.headers["idempotency-key"], "deploy-42");
});

test("a request that is still running elsewhere is waited for", async (t) => {
  const running = problem(409, "request_in_progress", { retry_after: 0 });
  const { url, asked } = await serving(t, (_, number) => (number === 1 ? running : [201, { version: 1 }]));
  assert.equal((await client(url).contexts.create({})).version, 1);
  assert.equal(asked.length, 2);
});

test("any other conflict is told at once", async (t) => {
  const { url, asked } = await serving(t, () => problem(409, "already_done", { id: "k1" }));
  const error = await client(url)
    .keys.create({ name: "one" })
    .catch((met) => met);
  assert.equal(error.code, "already_done");
  assert.equal(error.problem.id, "k1");
  assert.equal(asked.length, 1);
});

test("a refused request is repeated whatever it is, not before Retry-After", async (t) => {
  const limited: Answer = [...problem(429, "rate_limit_exceeded"), { "retry-after": "1" }];
  const { url, asked } = await serving(t, (_, number) => (number === 1 ? limited : [200, {}]));
  const began = performance.now();
  await client(url).keys.revoke("k1");
  assert.equal(asked.length, 2);
  assert.ok(performance.now() - began >= 1000);
});

test("a wait that the call has no time for is told at once", async (t) => {
  const { url, asked } = await serving(t, () => problem(429, "rate_limit_exceeded", { retry_after: 120 }));
  const began = performance.now();
  const error = await client(url)
    .auth.profile()
    .catch((met) => met);
  assert.ok(error instanceof RateLimitError);
  assert.equal(error.retryAfter, 120);
  assert.equal(asked.length, 1);
  assert.ok(performance.now() - began < 20_000);
});

test("Retry-After may be a date", async (t) => {
  const header = { "retry-after": new Date(Date.now() + 90_000).toUTCString() };
  const { url } = await serving(t, () => [503, "<h1>Service Unavailable</h1>", header]);
  const error = await client(url, { timeout: 5000 })
    .auth.profile()
    .catch((met) => met);
  assert.ok(error instanceof ServerError);
  assert.equal(error.code, "http_503");
  assert.ok(error.retryAfter! > 85 && error.retryAfter! <= 90);
});

test("a server that is down is tried again for changes too: nothing was sent", async (t) => {
  const { url, server } = await serving(t, () => [200, {}]);
  await new Promise((resolve) => server.close(resolve));
  const port = Number(new URL(url).port);
  const again = setTimeout(() => server.listen(port, "127.0.0.1"), 300);
  t.after(() => clearTimeout(again));
  await client(url, { retryConfig: { maxRetries: 5, backoff: "constant" } }).keys.revoke("k1");
});

test("retries end", async (t) => {
  const { url, asked } = await serving(t, () => problem(503, "unavailable"));
  await assert.rejects(client(url).auth.profile(), ServerError);
  assert.equal(asked.length, 3);
  asked.length = 0;
  await assert.rejects(client(url, { retryConfig: { maxRetries: 0 } }).auth.profile(), ServerError);
  assert.equal(asked.length, 1);
});

test("a call has a time, attempts and waits together", async (t) => {
  const { url } = await serving(t, () => "hang");
  const began = performance.now();
  await assert.rejects(client(url, { timeout: 200 }).auth.profile(), TimedOutError);
  await assert.rejects(client(url).auth.profile({ timeout: 200 }), TimedOutError);
  assert.ok(performance.now() - began < 20_000);
});

test("a time may be longer than a timer takes", async (t) => {
  const { url } = await serving(t, () => [200, PROFILE]);
  assert.deepEqual(await client(url, { timeout: 2 ** 40 }).auth.profile(), PROFILE);
});

test("a body that never ends is cut off by the time too", async (t) => {
  const { url } = await serving(t, () => [200, "{", { "content-length": "10" }]);
  await assert.rejects(client(url, { timeout: 200 }).auth.profile(), TimedOutError);
});

test("the caller's own signal ends a call with its reason, also while it waits", async (t) => {
  const { url, asked } = await serving(t, () => problem(503, "unavailable", { retry_after: 20 }));
  const controller = new AbortController();
  const called = client(url).auth.profile({ signal: controller.signal });
  while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  setTimeout(() => controller.abort(new Error("changed my mind")), 100);
  await assert.rejects(called, { message: "changed my mind" });
  await assert.rejects(client(url).auth.profile({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(asked.length, 1);
});
