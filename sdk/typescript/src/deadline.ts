import { TimedOutError } from "./errors.js";

/** The longest that a timer takes; a longer time would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The end of one call: by its time, or by the caller's own signal. `end()` must be called in any case. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #until: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    outer?.throwIfAborted();
    this.#until = performance.now() + milliseconds;
    this.#outer = outer;
    const timer = Math.min(milliseconds, LONGEST_MS);
    this.#timer = setTimeout(() => this.#controller.abort(timedOut(milliseconds)), timer);
    outer?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Aborts when the time is over; its reason is a TimedOutError or the caller's own. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Return whether there is time to wait so long. */
  allows(milliseconds: number): boolean {
    return performance.now() + milliseconds < this.#until;
  }

  /** Wait so long; reject at the end of the call. */
  sleep(milliseconds: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    return this.bound(slept).finally(() => clearTimeout(timer));
  }

  /** Wait for what others wait for as well; reject at the end of this call, which ends nothing for them. */
  bound<T>(shared: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(signal.reason);
      shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}

function timedOut(milliseconds: number): TimedOutError {
  return new TimedOutError(`No answer came within ${milliseconds} ms.`, {
    code: "timed_out",
    hint: "Try again, or allow more time: the option timeout is in milliseconds.",
  });
}
