import type { CallOptions } from "../options.js";
import type { Query, Service, ServiceList } from "../types.js";
import { everyItem, type Api } from "./api.js";

const SERVICES = "/api/v1/services";
type Page = Query<typeof SERVICES, "get">;

/** The services that there are, each with the fields of a credential for it. */
export class Services {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Return one page of services. */
  list(page?: Page, options?: CallOptions): Promise<ServiceList> {
    return this.#api.get(SERVICES, { query: page }, options);
  }

  /** Yield every service. */
  listAll(filter?: Page, options?: CallOptions): AsyncGenerator<Service, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.services,
    );
  }
}
