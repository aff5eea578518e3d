import { Deadline } from "../deadline.js";
import { AuthenticationError, UsageError } from "../errors.js";
import type { paths } from "../generated/openapi.js";
import { checkedNumber, type CallOptions } from "../options.js";
import type { Credential } from "../session.js";
import type { Incoming, Outgoing, Transport } from "../transport.js";
import type { Body, OncePaths, PathsOf, PathValues, Query, Reply } from "../types.js";

type Values = Readonly<Record<string, unknown>>;

/** What an operation is given. */
export interface Given<P = never, Q = never, B = never> {
  path?: P;
  query?: Q | undefined;
  body?: B | undefined;
}

/** Every operation of the HTTP contract by its method and path, typed by the OpenAPI document. */
export class Api {
  constructor(
    private readonly transport: Transport,
    private readonly credential: Credential,
    private readonly tenantId: string | undefined,
    private readonly timeout: number,
  ) {}

  /** Read; repeated where that may help. */
  get<P extends PathsOf<"get">>(
    path: P,
    given: Given<PathValues<P, "get">, Query<P, "get">> = {},
    options: CallOptions = {},
  ): Promise<Reply<P, "get">> {
    return this.#call("GET", path, given, options, true) as Promise<Reply<P, "get">>;
  }

  /** Act once, however often the request has to be sent: under an Idempotency-Key. */
  once<P extends OncePaths & PathsOf<"post">>(
    path: P,
    given: Given<PathValues<P, "post">, Query<P, "post">, Body<P, "post">> = {},
    options: CallOptions = {},
  ): Promise<Reply<P, "post">> {
    const idempotencyKey = options.idempotencyKey ?? newKey();
    return this.#call("POST", path, given, { ...options, idempotencyKey }, true) as Promise<Reply<P, "post">>;
  }

  /** Post where there is no Idempotency-Key; repeated only if it certainly was not carried out. */
  post<P extends Exclude<PathsOf<"post">, OncePaths>>(
    path: P,
    given: Given<PathValues<P, "post">, Query<P, "post">, Body<P, "post">> = {},
    options: CallOptions = {},
  ): Promise<Reply<P, "post">> {
    return this.#call("POST", path, given, options, false) as Promise<Reply<P, "post">>;
  }

  /** Replace; repeated only if it certainly was not carried out, as `patch` and `delete`. */
  put<P extends PathsOf<"put">>(
    path: P,
    given: Given<PathValues<P, "put">, Query<P, "put">, Body<P, "put">>,
    options: CallOptions = {},
  ): Promise<Reply<P, "put">> {
    return this.#call("PUT", path, given, options, false) as Promise<Reply<P, "put">>;
  }

  patch<P extends PathsOf<"patch">>(
    path: P,
    given: Given<PathValues<P, "patch">, Query<P, "patch">, Body<P, "patch">>,
    options: CallOptions = {},
  ): Promise<Reply<P, "patch">> {
    return this.#call("PATCH", path, given, options, false) as Promise<Reply<P, "patch">>;
  }

  delete<P extends PathsOf<"delete">>(
    path: P,
    given: Given<PathValues<P, "delete">, Query<P, "delete">, Body<P, "delete">> = {},
    options: CallOptions = {},
  ): Promise<Reply<P, "delete">> {
    return this.#call("DELETE", path, given, options, false) as Promise<Reply<P, "delete">>;
  }

  /** Send JSON beside the REST contract. */
  async exchange(path: string, body: unknown, repeatable: boolean, options: CallOptions = {}): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", path, headers, body: JSON.stringify(body), repeatable };
    return (await this.within(options, (deadline) => this.#authorized(request, deadline))).body;
  }

  /** Do the work within the time that one call has. */
  async within<T>(options: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = new Deadline(checkedNumber(options.timeout, this.timeout, "timeout"), options.signal);
    try {
      return await work(deadline);
    } finally {
      deadline.end();
    }
  }

  async #call(
    method: string,
    path: keyof paths,
    given: Given<unknown, unknown, unknown>,
    options: CallOptions,
    repeatable: boolean,
  ): Promise<unknown> {
    const headers: Record<string, string> = {};
    const { body } = given;
    if (body !== undefined) headers["content-type"] = "application/json";
    if (options.idempotencyKey !== undefined) headers["idempotency-key"] = options.idempotencyKey;
    if (options.ifMatch !== undefined) headers["if-match"] = options.ifMatch;
    const request = {
      method,
      path: filled(path, given.path as Values) + queryOf(given.query as Values),
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      repeatable,
    };
    return (await this.within(options, (deadline) => this.#authorized(request, deadline))).body;
  }

  async #authorized(request: Outgoing, deadline: Deadline): Promise<Incoming> {
    const token = await this.credential.token(deadline);
    try {
      return await this.transport.send(this.#as(token, request), deadline);
    } catch (error) {
      if (token === undefined || !isExpired(error)) throw error;
      const successor = await this.credential.renewed(token, deadline);
      if (successor === undefined) throw error;
      return this.transport.send(this.#as(successor, request), deadline);
    }
  }

  #as(token: string | undefined, request: Outgoing): Outgoing {
    if (token === undefined) return request;
    const headers: Record<string, string> = { ...request.headers, authorization: `Bearer ${token}` };
    if (this.tenantId !== undefined) headers["x-tenant-id"] = this.tenantId;
    return { ...request, headers };
  }
}

/** Yield the items of all pages. */
export async function* everyItem<P extends { next_cursor: string | null }, T>(
  page: (from: { cursor?: string }) => Promise<P>,
  items: (page: P) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  let next: string | null = null;
  do {
    const found: P = await page(next === null ? {} : { cursor: next });
    yield* items(found);
    next = found.next_cursor;
  } while (next !== null);
}

function isExpired(error: unknown): boolean {
  return error instanceof AuthenticationError && (error.code === "token_expired" || error.code === "invalid_token");
}

/** Return a key that nobody else makes; `randomUUID` is not there on pages without TLS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function filled(path: string, values: Values | undefined): string {
  if (values === undefined) return path;
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? "");
    // These would be another address: a URL's dots are resolved before it is sent.
    if (value === "" || value === "." || value === "..") {
      throw new UsageError(`${name} must not be '${value}'.`, "Name the object that you mean.");
    }
    return encodeURIComponent(value);
  });
}

function queryOf(query: Values | undefined): string {
  if (query === undefined) return "";
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) sent.append(name, String(each));
  }
  const text = sent.toString();
  return text && `?${text}`;
}
