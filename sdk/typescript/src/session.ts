import { Deadline } from "./deadline.js";
import { AuthenticationError, ConflictError, MalformedReplyError, MfaRequiredError, UsageError } from "./errors.js";
import { required, type ApiKeyAuth, type JwtAuth } from "./options.js";
import type { Transport } from "./transport.js";
import type { Login, LoginMfa, SignedIn } from "./types.js";

/** An access token counts as expired so long before its time, so that it does not expire on its way. */
const EARLY_MS = 10_000;
const LOGIN = "/api/v1/auth/login";

/** What calls are made with: a credential that may be renewed. */
export interface Credential {
  /** Return what to send after `Bearer`; undefined if nothing. */
  token(deadline: Deadline): Promise<string> | string | undefined;
  /** Return the token that took the place of `refused`; undefined if that cannot be. */
  renewed(refused: string, deadline: Deadline): Promise<string | undefined>;
}

interface Tokens {
  access: string;
  refresh: string;
  /** On the clock of `performance.now()`. */
  until: number;
}

/** A key, or nothing: it stays as it is. */
export class FixedCredential implements Credential {
  readonly #key: string | undefined;

  constructor(auth: ApiKeyAuth | undefined) {
    this.#key = auth && required(auth.apiKey, "auth.apiKey");
  }

  token(): string | undefined {
    return this.#key;
  }

  async renewed(): Promise<undefined> {
    return undefined;
  }
}

/** A person's session: begun by the first call, renewed once for all calls that find it expired. */
export class Session implements Credential {
  readonly #transport: Transport;
  readonly #timeout: number;
  readonly #login: Login;
  readonly #autoRefresh: boolean;
  #tokens: Tokens | undefined;
  #underWay: Promise<Tokens> | undefined;
  #wrong: AuthenticationError | undefined;

  constructor(auth: JwtAuth, transport: Transport, timeout: number) {
    this.#transport = transport;
    this.#timeout = timeout;
    this.#login = {
      email: required(auth.username, "auth.username"),
      password: required(auth.password, "auth.password"),
      ...(auth.organization === undefined ? {} : { organization: auth.organization }),
    };
    this.#autoRefresh = auth.autoRefresh ?? true;
  }

  get isOpen(): boolean {
    return this.#tokens !== undefined;
  }

  async token(deadline: Deadline): Promise<string> {
    const tokens = this.#tokens;
    if (tokens && (!this.#autoRefresh || performance.now() < tokens.until)) return tokens.access;
    return (await deadline.bound(this.#renew())).access;
  }

  async renewed(refused: string, deadline: Deadline): Promise<string | undefined> {
    if (!this.#autoRefresh) return undefined;
    if (this.#tokens && this.#tokens.access !== refused) return this.#tokens.access;
    return (await deadline.bound(this.#renew())).access;
  }

  /** Log in as the options say, or as `login` does. */
  async login(login: Partial<Login>, deadline: Deadline): Promise<SignedIn> {
    this.#wrong = undefined;
    return this.#begin({ ...this.#login, ...login }, deadline);
  }

  /** Finish a login that waited for a second factor. */
  async loginMfa(proof: LoginMfa, deadline: Deadline): Promise<SignedIn> {
    return this.#keep(await this.#post(`${LOGIN}/mfa`, proof, false, deadline));
  }

  /** Renew the tokens now. */
  async refresh(deadline: Deadline): Promise<void> {
    await deadline.bound(this.#renew());
  }

  /** Forget the tokens; the next call logs in. */
  forget(): void {
    this.#tokens = undefined;
  }

  /** One renewal at a time, whoever asks; it has its own time, so that no caller's end is another's. */
  #renew(): Promise<Tokens> {
    this.#underWay ??= this.#renewal().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #renewal(): Promise<Tokens> {
    const deadline = new Deadline(this.#timeout, undefined);
    try {
      const tokens = this.#tokens;
      return (tokens && (await this.#successor(tokens, deadline))) ?? (await this.#anew(deadline));
    } finally {
      deadline.end();
    }
  }

  /** Return the successor of the tokens; undefined if the session is over. */
  async #successor(tokens: Tokens, deadline: Deadline): Promise<Tokens | undefined> {
    try {
      // Repeatable: a token that was spent by a request whose answer was lost is told so, and then the login follows.
      const body = await this.#post("/api/v1/auth/refresh", { refresh_token: tokens.refresh }, true, deadline);
      return this.#hold(body);
    } catch (error) {
      if (!(error instanceof AuthenticationError || error instanceof ConflictError)) throw error;
      this.#tokens = undefined;
      return undefined;
    }
  }

  async #anew(deadline: Deadline): Promise<Tokens> {
    // A password that was refused once is not tried again by itself: that would only slow its owner's logins down.
    if (this.#wrong) throw this.#wrong;
    try {
      await this.#begin(this.#login, deadline);
    } catch (error) {
      if (error instanceof AuthenticationError) this.#wrong = error;
      throw error;
    }
    return this.#tokens!;
  }

  async #begin(login: Login, deadline: Deadline): Promise<SignedIn> {
    return this.#keep(await this.#post(LOGIN, login, false, deadline));
  }

  #keep(body: unknown): SignedIn {
    const { mfa_required, methods, mfa_token } = body as {
      mfa_required?: boolean;
      methods: string[];
      mfa_token: string;
    };
    if (mfa_required) throw new MfaRequiredError(methods, mfa_token);
    this.#hold(body);
    return body as SignedIn;
  }

  #hold(body: unknown): Tokens {
    const { access_token, refresh_token, expires_in } = (body ?? {}) as Partial<SignedIn>;
    if (!access_token || !refresh_token || !expires_in) {
      throw new MalformedReplyError("What answers at baseURL gave no tokens.", {
        code: "malformed_reply",
        hint: "Check that baseURL is a Developer Mesh.",
      });
    }
    const until = performance.now() + expires_in * 1000 - EARLY_MS;
    this.#tokens = { access: access_token, refresh: refresh_token, until };
    return this.#tokens;
  }

  async #post(path: string, body: unknown, repeatable: boolean, deadline: Deadline): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", path, headers, body: JSON.stringify(body), repeatable };
    return (await this.#transport.send(request, deadline)).body;
  }
}

/** Return the session of a client that logs in. */
export function sessionOf(credential: Credential): Session {
  if (credential instanceof Session) return credential;
  throw new UsageError("This client does not log in.", "Make it with auth: { type: 'jwt', username, password }.");
}
