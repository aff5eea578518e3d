import type { CallOptions } from "../options.js";
import type {
  Context,
  ContextList,
  ContextListed,
  ContextVersion,
  ContextVersions,
  NewContext,
  Query,
} from "../types.js";
import { everyItem, type Api } from "./api.js";

const CONTEXTS = "/api/v1/contexts";
const CONTEXT = "/api/v1/contexts/{context_id}";
const VERSIONS = "/api/v1/contexts/{context_id}/versions";
const VERSION = "/api/v1/contexts/{context_id}/versions/{version}";
export type ContextFilter = Query<typeof CONTEXTS, "get">;

/** JSON documents that agents of a tenant share. */
export class Contexts {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  create(context: NewContext, options?: CallOptions): Promise<Context> {
    return this.#api.once(CONTEXTS, { body: context }, options);
  }

  /** Return one page of contexts, without their content. */
  list(filter?: ContextFilter, options?: CallOptions): Promise<ContextList> {
    return this.#api.get(CONTEXTS, { query: filter }, options);
  }

  /** Yield every context, without its content. */
  listAll(filter?: ContextFilter, options?: CallOptions): AsyncGenerator<ContextListed, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.contexts,
    );
  }

  get(contextId: string, options?: CallOptions): Promise<Context> {
    return this.#api.get(CONTEXT, { path: { context_id: contextId } }, options);
  }

  /** Replace the whole context; with `ifMatch` in the options only if it is still that version. */
  update(contextId: string, context: NewContext, options?: CallOptions): Promise<Context> {
    return this.#api.put(CONTEXT, { path: { context_id: contextId }, body: context }, options);
  }

  delete(contextId: string, options?: CallOptions): Promise<void> {
    return this.#api.delete(CONTEXT, { path: { context_id: contextId } }, options);
  }

  /** Return one page of the versions that are kept, without their content. */
  versions(contextId: string, page?: Query<typeof VERSIONS, "get">, options?: CallOptions): Promise<ContextVersions> {
    return this.#api.get(VERSIONS, { path: { context_id: contextId }, query: page }, options);
  }

  version(contextId: string, version: number, options?: CallOptions): Promise<ContextVersion> {
    return this.#api.get(VERSION, { path: { context_id: contextId, version } }, options);
  }
}
