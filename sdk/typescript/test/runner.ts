// Takes the steps of ../../scenarios.json; SCENARIOS.md beside it says what they mean.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { DeveloperMeshError, MCPClient, PermissionDeniedError, ValidationError } from "@developer-mesh/sdk";
import type { MCPClientOptions } from "@developer-mesh/sdk";

type Json = Record<string, unknown>;

interface Refusal {
  type: string;
  code?: string;
  status?: number;
  retry_after_at_least?: number;
  field?: string;
  hint?: string;
}

interface Auth {
  type: "api-key" | "jwt";
  key: string;
  username: string;
  password: string;
}

export interface Step {
  client?: string;
  auth?: Auth;
  base_url?: string;
  tenant?: string;
  retries?: number;
  timeout_seconds?: number;
  as?: string;
  call?: string;
  of?: unknown[];
  with?: Json;
  expect?: Json;
  save?: Record<string, string>;
  error?: Refusal;
  times?: number;
  control?: string;
  during?: Step;
  workers?: number;
  steps?: Step[];
}

export class Runner {
  readonly #clients = new Map<string, MCPClient>();
  readonly #values: Json;

  constructor(values: Json) {
    this.#values = { ...values };
  }

  async take(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.during) await this.#during(step);
      else await this.#take(this.#filled(step) as Step);
    }
  }

  async #take(step: Step): Promise<void> {
    if (step.client) this.#clients.set(step.client, this.#client(step));
    else if (step.control) this.#judge(step, await this.#control(step.control, step.with ?? {}));
    else await Promise.all(Array.from({ length: step.times ?? 1 }, () => this.#call(step)));
  }

  #client({ auth, base_url, tenant, retries, timeout_seconds }: Step): MCPClient {
    const options: MCPClientOptions = { baseURL: base_url ?? (this.#values["base_url"] as string) };
    if (auth) {
      const { username, password, key } = auth;
      options.auth = auth.type === "jwt" ? { type: "jwt", username, password } : { type: "api-key", apiKey: key };
    }
    if (tenant !== undefined) options.tenantId = tenant;
    if (retries !== undefined) options.retryConfig = { maxRetries: retries };
    if (timeout_seconds !== undefined) options.timeout = timeout_seconds * 1000;
    return new MCPClient(options);
  }

  async #control(action: string, body: Json): Promise<unknown> {
    const reply = await fetch(`${this.#values["control_url"]}/${action}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    assert.equal(reply.status, 200, `control ${action}`);
    return reply.json();
  }

  async #call(step: Step): Promise<void> {
    const [area, method] = step.call!.split(".") as [keyof MCPClient, string];
    const owner = this.#clients.get(step.as!)![area] as unknown as Record<
      string,
      (...given: unknown[]) => Promise<unknown>
    >;
    assert.equal(typeof owner?.[method], "function", `there is no ${step.call}`);
    const called = owner[method]!(...(step.of ?? []), ...(step.with ? [step.with] : []));
    if (step.error)
      this.#judgeRefusal(
        step,
        await called.then(
          () => assert.fail(`${step.call} succeeded`),
          (error) => error,
        ),
      );
    else this.#judge(step, await called);
  }

  #judge({ call, control, expect, save }: Step, reply: unknown): void {
    const name = call ?? control;
    for (const [path, expected] of Object.entries(expect ?? {})) compare(at(reply, path), expected, `${name}: ${path}`);
    for (const [value, path] of Object.entries(save ?? {})) this.#values[value] = at(reply, path);
  }

  #judgeRefusal({ call, error }: Step, met: unknown): void {
    assert.ok(met instanceof DeveloperMeshError, `${call}: ${inspect(met)}`);
    const { type, code, status, retry_after_at_least, field, hint } = error!;
    assert.equal(met.name, type, `${call}: ${inspect(met)}`);
    if (code !== undefined) assert.equal(met.code, code);
    if (status !== undefined) assert.equal(met.status, status);
    if (retry_after_at_least !== undefined) assert.ok(met.retryAfter! >= retry_after_at_least);
    if (field !== undefined)
      assert.ok(met instanceof ValidationError && met.fields.some((each) => each.field === field));
    if (code === "insufficient_scope") assert.ok(met instanceof PermissionDeniedError && met.requiredScopes.length > 0);
    if (hint !== undefined) assert.match(met.hint, new RegExp(hint));
    assert.notEqual(met.hint, "", `${call}: no hint`);
    const told = `${met.message}\n${met.stack}\n${inspect(met, { depth: 9, showHidden: true })}\n${JSON.stringify(met)}`;
    for (const [name, value] of Object.entries(this.#values)) {
      if (/api_key$|password|_token$/.test(name)) assert.ok(!told.includes(value as string), `${call} tells ${name}`);
    }
  }

  async #during({ during, workers, steps }: Step): Promise<void> {
    const load = this.#filled(during) as Step;
    let over = false;
    const work = async (): Promise<void> => {
      do await this.#call(load);
      while (!over);
    };
    const loads = Promise.all(Array.from({ length: workers! }, work));
    const done = this.take(steps!).finally(() => {
      over = true;
    });
    await Promise.all([loads, done]);
  }

  /** Return the value with every `${name}` in it replaced. */
  #filled(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.#filled(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#filled(each)]));
  }

  #text(text: string): unknown {
    const whole = /^\$\{(\w+)\}$/.exec(text);
    if (whole) return this.#value(whole[1]!);
    return text.replace(/\$\{(\w+)\}/g, (_, name: string) => String(this.#value(name)));
  }

  #value(name: string): unknown {
    assert.ok(name in this.#values, `nothing saved ${name}`);
    return this.#values[name];
  }
}

function at(reply: unknown, path: string): unknown {
  if (path === "") return reply;
  return path.split(".").reduce<unknown>((value, name) => (value as Json | undefined)?.[name], reply);
}

function compare(found: unknown, expected: unknown, where: string): void {
  const { matches, at_least, absent } = (expected ?? {}) as { matches?: string; at_least?: number; absent?: boolean };
  if (matches !== undefined) assert.match(String(found), new RegExp(matches), where);
  else if (at_least !== undefined) assert.ok((found as number) >= at_least, where);
  else if (absent) assert.equal(found, undefined, where);
  else assert.deepEqual(found, expected, where);
}
