import type { CallOptions } from "../options.js";
import type { AuditEntry, AuditFilter, AuditList } from "../types.js";
import { everyItem, type Api } from "./api.js";

/** What was done, by whom, and what came of it. */
export class Audit {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Return one page of entries, the latest first. */
  list(filter?: AuditFilter, options?: CallOptions): Promise<AuditList> {
    return this.#api.get("/api/v1/audit", { query: filter }, options);
  }

  /** Yield every entry. */
  listAll(filter?: AuditFilter, options?: CallOptions): AsyncGenerator<AuditEntry, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.entries,
    );
  }
}
