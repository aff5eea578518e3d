import { Api } from "./api/api.js";
import { Audit } from "./api/audit.js";
import { Auth } from "./api/auth.js";
import { Contexts } from "./api/contexts.js";
import { Credentials } from "./api/credentials.js";
import { Keys } from "./api/keys.js";
import { Mcp } from "./api/mcp.js";
import { OrganizationManager, Tenants } from "./api/organization.js";
import { Services } from "./api/services.js";
import { Tools } from "./api/tools.js";
import { checkedAuth, checkedBaseURL, checkedNumber, required, type MCPClientOptions } from "./options.js";
import { Retries } from "./retry.js";
import { FixedCredential, Session } from "./session.js";
import { Transport } from "./transport.js";

const TIMEOUT_MS = 60_000;

/** A client of one Developer Mesh. Throws UsageError at once for options that cannot be right. */
export class MCPClient {
  readonly auth: Auth;
  readonly keys: Keys;
  readonly services: Services;
  readonly credentials: Credentials;
  readonly contexts: Contexts;
  readonly tools: Tools;
  readonly audit: Audit;
  readonly organization: OrganizationManager;
  readonly tenants: Tenants;
  readonly mcp: Mcp;
  /** Every other operation of the HTTP contract, by its path. */
  readonly api: Api;

  constructor({ baseURL, auth, tenantId, retryConfig, timeout, fetch }: MCPClientOptions) {
    const limit = checkedNumber(timeout, TIMEOUT_MS, "timeout");
    // Called as a function: a platform's fetch refuses to be a method of something else.
    const send: typeof globalThis.fetch = fetch ?? ((...request) => globalThis.fetch(...request));
    const transport = new Transport(checkedBaseURL(baseURL), new Retries(retryConfig), send);
    const shown = checkedAuth(auth);
    const credential = shown?.type === "jwt" ? new Session(shown, transport, limit) : new FixedCredential(shown);
    const tenant = tenantId === undefined ? undefined : required(tenantId, "tenantId");
    this.api = new Api(transport, credential, tenant, limit);
    this.auth = new Auth(this.api, credential);
    this.keys = new Keys(this.api);
    this.services = new Services(this.api);
    this.credentials = new Credentials(this.api);
    this.contexts = new Contexts(this.api);
    this.tools = new Tools(this.api);
    this.audit = new Audit(this.api);
    this.organization = new OrganizationManager(this.api);
    this.tenants = new Tenants(this.api);
    this.mcp = new Mcp(this.api);
  }
}
