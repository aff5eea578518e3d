import type { CallOptions } from "../options.js";
import type {
  CredentialChoice,
  CredentialList,
  CredentialListed,
  CredentialVerdict,
  NewCredential,
  Query,
  StoredCredential,
} from "../types.js";
import { everyItem, type Api } from "./api.js";

const CREDENTIALS = "/api/v1/credentials";
const CREDENTIAL = "/api/v1/credentials/{service}";
type Page = Query<typeof CREDENTIALS, "get">;
/** Which of several credentials for one service. */
export type Which = Query<typeof CREDENTIAL, "get">;
/** The call whose credential is asked for. */
export interface WouldBeCall {
  tool?: string;
  arguments?: Record<string, unknown>;
}

/** What the gateway calls the services with. */
export class Credentials {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Store a service's credential, sealed; one that was there is replaced. */
  connect(
    service: string,
    fields: Record<string, string>,
    more: Omit<NewCredential, "service_type" | "credentials"> = {},
    options?: CallOptions,
  ): Promise<StoredCredential> {
    return this.#api.once(CREDENTIALS, { body: { ...more, service_type: service, credentials: fields } }, options);
  }

  /** Return one page of what is stored, without the secrets. */
  list(page?: Page, options?: CallOptions): Promise<CredentialList> {
    return this.#api.get(CREDENTIALS, { query: page }, options);
  }

  /** Yield all that is stored. */
  listAll(filter?: Page, options?: CallOptions): AsyncGenerator<CredentialListed, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.credentials,
    );
  }

  get(service: string, which?: Which, options?: CallOptions): Promise<StoredCredential> {
    return this.#api.get(CREDENTIAL, { path: { service }, query: which }, options);
  }

  /** Have the service asked whether it accepts the credential. */
  validate(service: string, which?: Which, options?: CallOptions): Promise<CredentialVerdict> {
    return this.#api.once(`${CREDENTIAL}/validate`, { path: { service }, query: which }, options);
  }

  /** Return which credential a call would be made with, and why. */
  explain(service: string, call: WouldBeCall = {}, options?: CallOptions): Promise<CredentialChoice> {
    const sent = call.arguments && JSON.stringify(call.arguments);
    const query = { tool: call.tool ?? null, arguments: sent ?? null };
    return this.#api.get(`${CREDENTIAL}/explain`, { path: { service }, query }, options);
  }

  /** Destroy the stored credential. */
  disconnect(service: string, which?: Which, options?: CallOptions): Promise<void> {
    return this.#api.delete(CREDENTIAL, { path: { service }, query: which }, options);
  }
}
