import type { CallOptions } from "../options.js";
import { sessionOf, Session, type Credential } from "../session.js";
import type { Login, LoginMfa, Profile, SignedIn, Validation } from "../types.js";
import type { Api } from "./api.js";

/** Who the client is, and its session if it logs in. */
export class Auth {
  readonly #api: Api;
  readonly #credential: Credential;

  constructor(api: Api, credential: Credential) {
    this.#api = api;
    this.#credential = credential;
  }

  /** Log in now, as the client's options say or with other values; MfaRequiredError if a second factor is asked for. */
  async login(login: Partial<Login> = {}, options: CallOptions = {}): Promise<SignedIn> {
    const session = sessionOf(this.#credential);
    return this.#api.within(options, (deadline) => session.login(login, deadline));
  }

  /** Show the second factor that the login waits for. */
  async loginMfa(proof: LoginMfa, options: CallOptions = {}): Promise<SignedIn> {
    const session = sessionOf(this.#credential);
    return this.#api.within(options, (deadline) => session.loginMfa(proof, deadline));
  }

  /** Renew the session's tokens now; otherwise it happens by itself. */
  async refresh(options: CallOptions = {}): Promise<void> {
    const session = sessionOf(this.#credential);
    await this.#api.within(options, (deadline) => session.refresh(deadline));
  }

  /** End the session; the client's next call begins another one. */
  async logout(options: CallOptions = {}): Promise<void> {
    const session: Session = sessionOf(this.#credential);
    if (!session.isOpen) return;
    try {
      await this.#api.post("/api/v1/auth/logout", {}, options);
    } finally {
      session.forget();
    }
  }

  /** Return what the client's credential stands for. */
  validate(options?: CallOptions): Promise<Validation> {
    return this.#api.post("/api/v1/auth/validate", {}, options);
  }

  /** Return whose the client's credential is. */
  profile(options?: CallOptions): Promise<Profile> {
    return this.#api.get("/api/v1/auth/profile", {}, options);
  }
}
