import { UsageError } from "./errors.js";

/** An API key. */
export interface ApiKeyAuth {
  type: "api-key";
  /** May be undefined only so that `process.env.…` can stand here; the client then refuses to be made. */
  apiKey: string | undefined;
}

/** A person's login; the session's tokens stay in memory. */
export interface JwtAuth {
  type: "jwt";
  /** The e-mail address. */
  username: string | undefined;
  password: string | undefined;
  /** Slug or id, where the address belongs to several organizations. */
  organization?: string | undefined;
  /** Whether expired access tokens are renewed, and ended sessions begun anew. Default: true. */
  autoRefresh?: boolean | undefined;
}

export interface RetryConfig {
  /** How often a call is tried again. Default: 3. */
  maxRetries?: number | undefined;
  /** Between attempts: `exponential` (default; 0.25 s doubled up to 8 s) or `constant` (0.5 s), cut at random. */
  backoff?: "exponential" | "constant" | undefined;
}

export interface MCPClientOptions {
  /** Where the gateway is, such as `https://mesh.example.com`. */
  baseURL: string;
  /** Without it only what needs no credential can be called. */
  auth?: ApiKeyAuth | JwtAuth | undefined;
  /** Id or slug of the tenant to act in. Default: the credential's own. */
  tenantId?: string | undefined;
  retryConfig?: RetryConfig | undefined;
  /** Milliseconds that a call may take, all its attempts and waits together. Default: 60 000. */
  timeout?: number | undefined;
  /** What sends requests. Default: the platform's `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** What every method takes beside its own arguments. */
export interface CallOptions {
  /** Ends the call when it aborts; the call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds, in place of the client's. */
  timeout?: number | undefined;
  /** Your own name for this one action, so that it happens once even if your program is started anew. */
  idempotencyKey?: string | undefined;
  /** Act only if the object still has this ETag: for a context `"` + its version + `"`. */
  ifMatch?: string | undefined;
}

/** Return the base URL without a slash at its end. */
export function checkedBaseURL(baseURL: string): string {
  const hint = "Name where the gateway is, such as https://mesh.example.com.";
  let url: URL;
  try {
    url = new URL(baseURL);
  } catch {
    throw new UsageError("baseURL is not an absolute URL.", hint);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new UsageError("baseURL is neither http nor https.", hint);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new UsageError("baseURL holds a user name, a query or a fragment.", "Credentials belong in auth.");
  }
  return url.href.replace(/\/+$/, "");
}

/** Return what says who calls; a bare key, or whatever else is none of the two, is refused and not told. */
export function checkedAuth(auth: ApiKeyAuth | JwtAuth | undefined): ApiKeyAuth | JwtAuth | undefined {
  // Plain JavaScript gives anything; what is no credential must not go out as nobody's call, or as a wrong one.
  const type = (auth as { type?: unknown } | null | undefined)?.type;
  if (auth === undefined || type === "api-key" || type === "jwt") return auth;
  throw new UsageError(
    "auth is neither an API key nor a login.",
    "Give auth: { type: 'api-key', apiKey } or auth: { type: 'jwt', username, password }, or leave it out.",
  );
}

/** Return the value of an option that must be there, and fit for a header. */
export function required(value: string | undefined, option: string): string {
  if (!value) {
    throw new UsageError(`${option} is missing.`, "If it comes from the environment, check that the variable is set.");
  }
  if (typeof value !== "string") {
    throw new UsageError(`${option} is no text, but of type ${typeof value}.`, "Give it as a string.");
  }
  if (!/^[\x21-\x7e]+$/.test(value) && option !== "auth.password" && option !== "auth.username") {
    throw new UsageError(`${option} holds blanks, line ends or other characters that it cannot.`, "Copy it anew.");
  }
  return value;
}

/** Return the number, or the default if there is none; it must be finite and not negative. */
export function checkedNumber(value: number | undefined, otherwise: number, option: string): number {
  const number = value ?? otherwise;
  if (!Number.isFinite(number) || number < 0) throw new UsageError(`${option} is no number from 0 on.`, "");
  return number;
}
