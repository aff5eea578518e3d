import type { Deadline } from "./deadline.js";
import { ConnectionFailedError, errorOf, MalformedReplyError, type Problem } from "./errors.js";
import { masked, secretsIn } from "./masking.js";
import type { Retries } from "./retry.js";
import { problemOfRpc, rpcErrorIn } from "./rpc.js";

/** A request as it leaves, but for the credential. */
export interface Outgoing {
  method: string;
  /** From the base URL on, query and all. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Whether carrying it out twice is the same as once. */
  repeatable: boolean;
}

/** A reply that was not refused; `body` is an object, or undefined where there is none. */
export interface Incoming {
  status: number;
  body: unknown;
}

/** Sends requests, again where that is safe, and reads replies. */
export class Transport {
  constructor(
    readonly baseURL: string,
    readonly retries: Retries,
    readonly fetch: typeof globalThis.fetch,
  ) {}

  /** Return the reply; rejects with a DeveloperMeshError, or with the reason of the caller's signal. */
  async send(request: Outgoing, deadline: Deadline): Promise<Incoming> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(request, deadline.signal);
      } catch (error) {
        const delay = this.retries.delay(error, attempt, request.repeatable);
        // What would come too late is told now.
        if (delay === undefined || !deadline.allows(delay)) throw error;
        await deadline.sleep(delay);
      }
    }
  }

  async #attempt(request: Outgoing, signal: AbortSignal): Promise<Incoming> {
    let reply: Response;
    let text: string;
    try {
      reply = await this.fetch(this.baseURL + request.path, {
        method: request.method,
        headers: request.headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        signal,
        // Keys, passwords and bodies go where they were sent and nowhere else.
        redirect: "manual",
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
      });
      text = await reply.text();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new ConnectionFailedError("The server could not be reached, or its reply ended early.", {
        code: "connection_failed",
        hint: "Check baseURL, and that the server is up.",
        cause: error,
      });
    }
    return read(reply, text, request);
  }
}

function read(reply: Response, text: string, request: Outgoing): Incoming {
  const { status, headers } = reply;
  if (status === 0 || (status >= 300 && status < 400)) {
    throw malformed(reply, "redirects elsewhere", "Set baseURL to the address that it redirects to.");
  }
  if (status === 204) return { status, body: undefined };
  const body = parsed(text);
  const problem = problemOf(body);
  if (status >= 400 && (problem || isOfProxies(status))) {
    throw errorOf(status, problem ?? {}, headers, secretsOf(request));
  }
  if (status >= 400 || typeof body !== "object" || body === null || Array.isArray(body)) {
    const type = masked(headers.get("content-type")?.split(";")[0]) ?? "without a type";
    const what = `is no Developer Mesh (HTTP ${status}, ${type})`;
    throw malformed(reply, what, "Check baseURL; a proxy or a login page may answer in between.");
  }
  return { status, body };
}

/** Return what a request holds that no error may repeat, whoever answers. */
function secretsOf({ headers, body }: Outgoing): string[] {
  const token = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
  return [token, ...secretsIn(body === undefined ? undefined : JSON.parse(body))];
}

function malformed(reply: Response, what: string, hint: string): MalformedReplyError {
  return new MalformedReplyError(`What answers at baseURL ${what}.`, {
    code: "malformed_reply",
    status: reply.status,
    hint,
    requestId: masked(reply.headers.get("x-request-id") ?? undefined),
  });
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return what a refusal's body says, in the members of a problem document; undefined if none of ours says it. */
function problemOf(body: unknown): Partial<Problem> | undefined {
  const error = rpcErrorIn(body);
  const problem = error ? problemOfRpc(error) : (body as Partial<Problem> | null | undefined);
  return typeof problem?.code === "string" ? problem : undefined;
}

/** Return whether what stands before a Developer Mesh answers with the status in its own words: a proxy, a limiter. */
function isOfProxies(status: number): boolean {
  return status === 401 || status === 403 || status === 429 || status >= 500;
}
