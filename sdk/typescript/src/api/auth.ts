import type { CallOptions } from "../options.js";
import { sessionOf, Session, type Credential } from "../session.js";
import type {
  Login,
  LoginMfa,
  PasswordChange,
  PasswordReset,
  Profile,
  ProfileChange,
  Query,
  SessionList,
  SignedIn,
  Validation,
} from "../types.js";
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

  updateProfile(change: ProfileChange, options?: CallOptions): Promise<Profile> {
    return this.#api.patch("/api/v1/auth/profile", { body: change }, options);
  }

  /** Return one page of your sessions. */
  sessions(page?: Query<"/api/v1/auth/sessions", "get">, options?: CallOptions): Promise<SessionList> {
    return this.#api.get("/api/v1/auth/sessions", { query: page }, options);
  }

  endSession(sessionId: string, options?: CallOptions): Promise<void> {
    return this.#api.delete("/api/v1/auth/sessions/{session_id}", { path: { session_id: sessionId } }, options);
  }

  /** Replace your password; your other sessions end. */
  async changePassword(change: PasswordChange, options?: CallOptions): Promise<void> {
    await this.#api.once("/api/v1/auth/password/change", { body: change }, options);
  }

  /** Have a mail sent by which a forgotten password is replaced, if there is such a person. */
  async askPasswordReset(email: string, options?: CallOptions): Promise<void> {
    await this.#api.post("/api/v1/auth/password/reset", { body: { email } }, options);
  }

  /** Replace a forgotten password, with the token of that mail's link. */
  async resetPassword(reset: PasswordReset, options?: CallOptions): Promise<void> {
    await this.#api.post("/api/v1/auth/password/reset/confirm", { body: reset }, options);
  }

  /** Show that you read mail at your address, with the token of a mail's link. */
  async verifyEmail(token: string, options?: CallOptions): Promise<void> {
    await this.#api.post("/api/v1/auth/email/verify", { body: { token } }, options);
  }

  /** Have another such mail sent, if there is such a person. */
  async resendVerification(email: string, options?: CallOptions): Promise<void> {
    await this.#api.post("/api/v1/auth/email/resend", { body: { email } }, options);
  }
}
