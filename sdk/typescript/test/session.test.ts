import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { inspect } from "node:util";
import {
  AuthenticationError,
  ConnectionFailedError,
  MCPClient,
  MfaRequiredError,
  UsageError,
} from "@developer-mesh/sdk";
import { PROFILE, problem, serving, type Answer, type Asked } from "./server.ts";

const PASSWORD = "SecurePass123!";
const JWT = { type: "jwt", username: "ada@acme.example", password: PASSWORD } as const;
const EXPIRED = problem(401, "token_expired");

/** A server whose access tokens are `access-1`, `access-2`, …; `live` is the one that is taken. */
async function meshing(
  t: TestContext,
  special: (asked: Asked) => Answer | Promise<Answer> | undefined = () => undefined,
) {
  const state = { issued: 0, live: "", logins: 0, refreshes: 0 };
  function tokens(): Answer {
    state.live = `access-${++state.issued}`;
    return [200, { access_token: state.live, refresh_token: `refresh-${state.issued}`, expires_in: 900 }];
  }
  const { url } = await serving(t, async (asked) => {
    if (asked.path.endsWith("/login")) state.logins++;
    if (asked.path.endsWith("/refresh")) state.refreshes++;
    const told = await special(asked);
    if (told) return told;
    if (asked.path.endsWith("/login") || asked.path.endsWith("/refresh") || asked.path.endsWith("/mfa"))
      return tokens();
    return asked.headers.authorization === `Bearer ${state.live}` ? [200, PROFILE] : EXPIRED;
  });
  const client = new MCPClient({ baseURL: url, auth: JWT, retryConfig: { maxRetries: 1 } });
  return { state, client, url };
}

function atOnce<T>(times: number, call: () => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: times }, call));
}

test("fifty first calls log in once, and fifty later ones refresh once", async (t) => {
  const { state, client } = await meshing(t);
  const first = await atOnce(50, () => client.auth.profile());
  state.live = "none";
  const later = await atOnce(50, () => client.auth.profile());
  assert.ok([...first, ...later].every(({ status }) => status === "fulfilled"));
  assert.deepEqual([state.logins, state.refreshes], [1, 1]);
});

test("a call that learns late of the expiry takes the token that is there by then", async (t) => {
  let release = (): void => undefined;
  const refreshed = new Promise<void>((resolve) => (release = resolve));
  const { state, client } = await meshing(t, ({ path, headers }) => {
    const late = path.endsWith("/tenants") && headers.authorization === "Bearer access-1";
    return late ? refreshed.then(() => EXPIRED) : undefined;
  });
  await client.auth.profile();
  state.live = "none";
  const slow = client.tenants.list();
  await client.auth.profile();
  release();
  await slow;
  assert.deepEqual([state.logins, state.refreshes], [1, 1]);
});

test("a token that is about to expire is renewed before it is sent", async (t) => {
  const sent: (string | undefined)[] = [];
  const { state, client } = await meshing(t, ({ path, headers }) => {
    if (path.endsWith("/profile")) sent.push(headers.authorization);
    if (!path.endsWith("/login")) return undefined;
    return [200, { access_token: "short", refresh_token: "refresh-0", expires_in: 5 }];
  });
  await client.auth.login();
  await client.auth.profile();
  assert.deepEqual(sent, [`Bearer ${state.live}`]);
  assert.deepEqual([state.logins, state.refreshes], [1, 1]);
});

test("without autoRefresh an expired token is told", async (t) => {
  const { state, url } = await meshing(t);
  const client = new MCPClient({ baseURL: url, auth: { ...JWT, autoRefresh: false } });
  await client.auth.profile();
  state.live = "none";
  await assert.rejects(client.auth.profile(), { name: "AuthenticationError", code: "token_expired" });
  assert.equal(state.refreshes, 0);
  await client.auth.refresh();
  assert.deepEqual(await client.auth.profile(), PROFILE);
});

for (const [how, answer] of [
  ["has ended", problem(401, "invalid_refresh_token")],
  ["was spent by a request whose answer was lost", problem(409, "refresh_already_used")],
] as const) {
  test(`a session whose refresh token ${how} is begun anew`, async (t) => {
    const { state, client } = await meshing(t, ({ path }) => (path.endsWith("/refresh") ? answer : undefined));
    await client.auth.profile();
    state.live = "none";
    assert.deepEqual(await client.auth.profile(), PROFILE);
    assert.deepEqual([state.logins, state.refreshes], [2, 1]);
  });
}

test("a token that is refused again is told, not renewed for ever", async (t) => {
  const { state, client } = await meshing(t, ({ path }) => (path.endsWith("/profile") ? EXPIRED : undefined));
  await assert.rejects(client.auth.profile(), AuthenticationError);
  assert.deepEqual([state.logins, state.refreshes], [1, 1]);
});

test("a wrong password is sent once, until somebody logs in", async (t) => {
  let wrong = true;
  const { state, client } = await meshing(t, ({ path }) => {
    return wrong && path.endsWith("/login") ? problem(401, "invalid_login") : undefined;
  });
  const met = [...(await atOnce(20, () => client.auth.profile())), ...(await atOnce(2, () => client.keys.list()))];
  assert.ok(met.every((one) => one.status === "rejected" && one.reason.code === "invalid_login"));
  assert.equal(state.logins, 1);
  wrong = false;
  await client.auth.login();
  assert.deepEqual(await client.auth.profile(), PROFILE);
});

test("a login whose answer was lost is not repeated by itself", async (t) => {
  const { state, client } = await meshing(t, ({ path }) => (path.endsWith("/login") ? "cut" : undefined));
  await assert.rejects(client.auth.profile(), ConnectionFailedError);
  assert.equal(state.logins, 1);
});

test("one caller's end is not the others'", async (t) => {
  const { client } = await meshing(t);
  const controller = new AbortController();
  const impatient = client.auth.profile({ signal: controller.signal });
  const patient = client.auth.profile();
  controller.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  assert.deepEqual(await patient, PROFILE);
});

test("a failed login that nobody waits for any more harms nobody", async (t) => {
  const { client } = await meshing(t, ({ path }) => (path.endsWith("/login") ? "cut" : undefined));
  const controller = new AbortController();
  const called = client.auth.profile({ signal: controller.signal });
  controller.abort();
  await assert.rejects(called, { name: "AbortError" });
  // An unhandled rejection in this time fails the test.
  await new Promise((resolve) => setTimeout(resolve, 100));
});

test("a second factor is asked for in an error that shows no token", async (t) => {
  const asks: Answer = [200, { mfa_required: true, mfa_token: "mfa_secret", methods: ["totp"] }];
  const { client } = await meshing(t, ({ path }) => (path.endsWith("/login") ? asks : undefined));
  const error = await client.auth.profile().catch((met) => met);
  assert.ok(error instanceof MfaRequiredError);
  assert.deepEqual(error.methods, ["totp"]);
  assert.ok(!`${inspect(error, { showHidden: true })}${JSON.stringify(error)}`.includes("mfa_secret"));
  await client.auth.loginMfa({ mfa_token: error.mfaToken, code: "123456" });
  assert.deepEqual(await client.auth.profile(), PROFILE);
});

test("after a logout nothing of the session is left, even if nobody was there to hear it", async (t) => {
  const { state, client } = await meshing(t, ({ path }) => (path.endsWith("/logout") ? "cut" : undefined));
  await client.auth.logout();
  await client.auth.profile();
  await assert.rejects(client.auth.logout(), ConnectionFailedError);
  await client.auth.profile();
  assert.deepEqual([state.logins, state.refreshes], [2, 0]);
});

test("a client with a key does not log in", async (t) => {
  const { url } = await meshing(t);
  const client = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: "usr_key" } });
  await assert.rejects(client.auth.login(), UsageError);
  await assert.rejects(client.auth.profile(), { name: "AuthenticationError", code: "token_expired" });
});

test("a client shows neither its key nor its password nor its tokens", async (t) => {
  const { url, client } = await meshing(t);
  await client.auth.profile();
  const keyed = new MCPClient({ baseURL: url, auth: { type: "api-key", apiKey: "usr_key" } });
  const shown = [client, keyed].map((one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).join();
  for (const secret of [PASSWORD, "access-1", "refresh-1", "usr_key"]) assert.ok(!shown.includes(secret), secret);
});
