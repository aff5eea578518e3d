import type { CallOptions } from "../options.js";
import type {
  CreatedKey,
  Key,
  KeyChange,
  KeyList,
  KeyListed,
  KeyRotation,
  NewKey,
  Query,
  RevokedKey,
} from "../types.js";
import { everyItem, type Api } from "./api.js";

const KEYS = "/api/v1/api-keys";
const KEY = "/api/v1/api-keys/{key_id}";
type Page = Query<typeof KEYS, "get">;

/** API keys. */
export class Keys {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Make a key; `api_key` of the reply is shown this once. */
  create(key: NewKey, options?: CallOptions): Promise<CreatedKey> {
    return this.#api.once(KEYS, { body: key }, options);
  }

  /** Return one page of keys. */
  list(page?: Page, options?: CallOptions): Promise<KeyList> {
    return this.#api.get(KEYS, { query: page }, options);
  }

  /** Yield every key. */
  listAll(filter?: Page, options?: CallOptions): AsyncGenerator<KeyListed, void, undefined> {
    return everyItem(
      (from) => this.list({ ...filter, ...from }, options),
      (page) => page.api_keys,
    );
  }

  get(keyId: string, options?: CallOptions): Promise<Key> {
    return this.#api.get(KEY, { path: { key_id: keyId } }, options);
  }

  /** Change the members that are given. */
  update(keyId: string, change: KeyChange, options?: CallOptions): Promise<Key> {
    return this.#api.patch(KEY, { path: { key_id: keyId }, body: change }, options);
  }

  /** Give the key a new secret, shown this once; the former one lives on for `grace_seconds`. */
  rotate(keyId: string, rotation: KeyRotation = {}, options?: CallOptions): Promise<CreatedKey> {
    return this.#api.once(`${KEY}/rotate`, { path: { key_id: keyId }, body: rotation }, options);
  }

  /** End the key for good. */
  revoke(keyId: string, options?: CallOptions): Promise<RevokedKey> {
    return this.#api.delete(KEY, { path: { key_id: keyId } }, options);
  }

  /** Report a key that has got away, of whomever: a real one ends. Needs no credential, and tells nothing. */
  async reportLeaked(key: string, options?: CallOptions): Promise<void> {
    await this.#api.post("/api/v1/keys/leaked", { body: { key } }, options);
  }
}
