import { ConflictError, ConnectionFailedError, RateLimitError, ServerError } from "./errors.js";
import { checkedNumber, type RetryConfig } from "./options.js";

const FIRST_MS = 250;
const LONGEST_MS = 8_000;
const CONSTANT_MS = 500;
/** The statuses that say "not now"; a 500 may come of the request itself. */
const PASSING = new Set([502, 503, 504]);
/** A connection that failed with one of these was never made, so nothing was sent. */
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** When a failed request is sent again, and after how long. */
export class Retries {
  readonly #most: number;
  readonly #backoff: "exponential" | "constant";

  constructor(config: RetryConfig = {}) {
    this.#most = checkedNumber(config.maxRetries, 3, "retryConfig.maxRetries");
    this.#backoff = config.backoff ?? "exponential";
  }

  /**
   * Return how many milliseconds to wait before the next attempt, undefined if there must be none.
   *
   * `attempt` counts from 0. What is not `repeatable` is only repeated if it certainly was not carried out.
   */
  delay(error: unknown, attempt: number, repeatable: boolean): number | undefined {
    if (attempt >= this.#most || !(isUnsent(error) || (repeatable && isPassing(error)))) return undefined;
    const base = this.#backoff === "constant" ? CONSTANT_MS : Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
    const asked = 1000 * ((error as { retryAfter?: number }).retryAfter ?? 0);
    // Cut at random, so that many clients which failed together do not come back together.
    return asked + base * (asked ? Math.random() / 4 : 0.5 + Math.random() / 2);
  }
}

function isUnsent(error: unknown): boolean {
  if (error instanceof RateLimitError) return true;
  const cause = error instanceof ConnectionFailedError ? (error.cause as { cause?: { code?: string } }) : undefined;
  return UNSENT.has(cause?.cause?.code ?? "");
}

function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionFailedError) return true;
  if (error instanceof ServerError) return PASSING.has(error.status ?? 0);
  return error instanceof ConflictError && error.code === "request_in_progress";
}
