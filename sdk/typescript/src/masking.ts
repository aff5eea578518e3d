const MASK = "[secret]";
// The shortest text that is looked for: a shorter one stands in half of all sentences.
const SHORTEST = 6;
// Nobody answers with more levels; whoever does shall not exhaust the stack.
const DEEPEST = 32;
// API keys, refresh tokens, tokens of a login's second step, and access tokens.
const FORMS = /(?:adm|usr|agt|gw|rfr|mfa)_[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;
const NAMES = /password|token|secret|credential|key$|code$/i;

/** Return the JSON value without these secrets, and without anything that has the form of one of the gateway's. */
export function masked<T>(value: T, secrets: Iterable<string> = []): T {
  const known = [...new Set(secrets)].filter((one) => one.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return without(value, known, 0) as T;
}

/** Yield the texts of a request's body that stand under a name such as `password` or `credentials`. */
export function* secretsIn(value: unknown, named = false): Generator<string> {
  if (typeof value === "string" && named) yield value;
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) yield* secretsIn(inner, named || NAMES.test(name));
}

function without(value: unknown, secrets: readonly string[], depth: number): unknown {
  if (typeof value === "string") {
    return secrets.reduce((text, secret) => text.replaceAll(secret, MASK), value).replace(FORMS, MASK);
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth === DEEPEST) return MASK;
  const inside = (inner: unknown): unknown => without(inner, secrets, depth + 1);
  if (Array.isArray(value)) return value.map(inside);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [inside(name), inside(inner)]));
}
