import type { components } from "./generated/openapi.js";
import { masked } from "./masking.js";
import type { ToolCall } from "./types.js";

/** The problem document (RFC 9457) that a failed request was answered with. */
export type Problem = components["schemas"]["Problem"];

/** One wrong field: `field` is its dotted path. */
export interface Fault {
  field: string;
  message: string;
}

/** What is known of a failure beside its text. */
export interface Known {
  code: string;
  status?: number | undefined;
  hint?: string | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  problem?: Partial<Problem> | undefined;
  cause?: unknown;
}

/**
 * Base of everything this package throws, save the abort of your own signal. Holds no secret.
 *
 * `code` is stable and meant for programs, `hint` is the next step, `status` the HTTP status if there was a reply,
 * `requestId` what an administrator finds the request by, `retryAfter` how many seconds to wait.
 */
export class DeveloperMeshError extends Error {
  override readonly name: string = "DeveloperMeshError";
  readonly code: string;
  readonly hint: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;
  /** The whole problem document, for members that only some problems have. */
  readonly problem: Partial<Problem> | undefined;

  constructor(message: string, known: Known) {
    super(message, known.cause === undefined ? undefined : { cause: known.cause });
    this.code = known.code;
    this.hint = known.hint ?? "";
    this.status = known.status;
    this.requestId = known.requestId;
    this.retryAfter = known.retryAfter;
    this.problem = known.problem;
  }
}

/** An option or argument cannot be right; nothing was sent. */
export class UsageError extends DeveloperMeshError {
  override readonly name = "UsageError";

  constructor(message: string, hint: string) {
    super(message, { code: "usage", hint });
  }
}

/** 401: no credential, or one that is not valid (any more). */
export class AuthenticationError extends DeveloperMeshError {
  override readonly name = "AuthenticationError";
}

/** 403: you are known and may not do this. */
export class PermissionDeniedError extends DeveloperMeshError {
  override readonly name = "PermissionDeniedError";
  /** Every scope that the request needs; empty where no scope was missing. */
  readonly requiredScopes: readonly string[];

  constructor(message: string, known: Known) {
    super(message, known);
    this.requiredScopes = known.problem?.required_scopes ?? [];
  }
}

/** 404: no such thing for you. */
export class NotFoundError extends DeveloperMeshError {
  override readonly name = "NotFoundError";
}

/** 409 or 412: the present state stands against it. */
export class ConflictError extends DeveloperMeshError {
  override readonly name = "ConflictError";
}

/** 422: `fields` names all that is wrong at once. */
export class ValidationError extends DeveloperMeshError {
  override readonly name = "ValidationError";
  readonly fields: readonly Fault[];

  constructor(message: string, known: Known) {
    super(message, known);
    this.fields = known.problem?.errors ?? [];
  }
}

/** 429: a limit is used up; `retryAfter` is never less than the real wait. */
export class RateLimitError extends DeveloperMeshError {
  override readonly name = "RateLimitError";
}

/** Any other 4xx. */
export class RequestError extends DeveloperMeshError {
  override readonly name = "RequestError";
}

/** 5xx: the gateway, something before it, or the service behind it failed. */
export class ServerError extends DeveloperMeshError {
  override readonly name = "ServerError";
}

/** No reply, or one that ended early. */
export class ConnectionFailedError extends DeveloperMeshError {
  override readonly name = "ConnectionFailedError";
}

/** The time for the call ran out; whether it was carried out is not known. */
export class TimedOutError extends DeveloperMeshError {
  override readonly name = "TimedOutError";
}

/** A reply that no Developer Mesh gives: a proxy's page, a redirection, broken JSON. */
export class MalformedReplyError extends DeveloperMeshError {
  override readonly name = "MalformedReplyError";
}

/** The person has a second factor: prove it with `auth.loginMfa`. */
export class MfaRequiredError extends DeveloperMeshError {
  override readonly name = "MfaRequiredError";
  readonly methods: readonly string[];
  readonly #token: string;

  constructor(methods: readonly string[], token: string) {
    super("The login waits for a second factor.", {
      code: "mfa_required",
      hint: "Call auth.loginMfa with this error's mfaToken and a code.",
    });
    this.methods = methods;
    this.#token = token;
  }

  /** For `auth.loginMfa`: five tries, one success. Not shown when the error is printed. */
  get mfaToken(): string {
    return this.#token;
  }
}

/** The tool was called and failed: `result` is what it said, `code` why. */
export class ToolError extends DeveloperMeshError {
  override readonly name = "ToolError";
  readonly result: unknown;
  /** What the call's audit entry is found and verified by. */
  readonly receipt: Readonly<Record<string, string>> | null;
  readonly meta: Readonly<Record<string, unknown>>;

  constructor(message: string, known: Known, { result, receipt, meta }: ToolCall) {
    super(message, known);
    this.result = result;
    this.receipt = receipt;
    this.meta = meta;
  }
}

const KINDS: Readonly<Record<number, new (message: string, known: Known) => DeveloperMeshError>> = {
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  412: ConflictError,
  422: ValidationError,
  429: RateLimitError,
};

/** Return the error for a reply of that status; `told` is what could be read of its body. None of `secrets` is in it. */
export function errorOf(
  status: number,
  told: Partial<Problem>,
  headers: Headers,
  secrets: Iterable<string> = [],
): DeveloperMeshError {
  const problem = masked(told, secrets);
  const what = problem.detail ?? problem.title ?? "The server refused without saying why.";
  return new (kindOf(status))(`${status} ${problem.error ?? "HTTP error"}: ${what}`, {
    code: problem.code ?? `http_${status}`,
    status,
    hint: hintOf(status, problem),
    requestId: problem.request_id ?? masked(headers.get("x-request-id") ?? undefined, secrets),
    retryAfter: problem.retry_after ?? secondsOf(headers.get("retry-after")),
    problem,
  });
}

/** Return the error for what is like a reply of that status, though its own was another. */
export function errorLike(status: number, told: Partial<Problem>): DeveloperMeshError {
  const problem = masked(told);
  return new (kindOf(status))(problem.detail ?? "The server refused without saying why.", {
    code: problem.code ?? `http_${status}`,
    hint: hintOf(status, problem),
    requestId: problem.request_id,
    retryAfter: problem.retry_after,
    problem,
  });
}

function kindOf(status: number): new (message: string, known: Known) => DeveloperMeshError {
  return KINDS[status] ?? (status >= 500 ? ServerError : RequestError);
}

function hintOf(status: number, { code, hint }: Partial<Problem>): string {
  if (hint) return hint;
  if (status >= 500) return "Try again later.";
  return code === undefined ? "Check that baseURL is a Developer Mesh." : "Change the request as this says.";
}

/** Return the seconds that Retry-After asks for, as a number or a date (RFC 9110, section 10.2.3). */
function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}
