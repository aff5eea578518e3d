// A stand-in for a browser's document, just large enough for our pages: their elements, events, and a server.
// Reads {elements, script, hash, replies, steps} from its input; prints what the steps leave in `seen`, and what was asked.
const fs = require("node:fs");
const { elements, script, hash, replies, steps } = JSON.parse(fs.readFileSync(0, "utf8"));

const asked = [], seen = [], forbidden = [];
let focused = null;
function made(given) {
  const handlers = {};
  const one = {
    textContent: "", value: "", hidden: false, checked: false, disabled: false, children: [], ...given,
    addEventListener(kind, handler) { handlers[kind] = handler; },
    fire(kind) { return handlers[kind]({ preventDefault() {} }); },
    requestSubmit() { this.fire("submit"); },
    querySelector(name) { return (this.buttons ??= {})[name] ??= made({}); },
    replaceChildren(...children) { this.children = children; },
    focus() { focused = this.id; },
    select() { this.selected = true; },
  };
  return one;
}
const all = Object.fromEntries(elements.map((given) => [given.id, made(given)]));
globalThis.document = { getElementById: (id) => all[id] ?? null, createElement: () => made({}) };
globalThis.addEventListener = () => {};
globalThis.location = { hash, pathname: "/page", origin: "http://localhost:8081", reload() {} };
globalThis.history = { replaceState: (_, __, path) => { location.shown = path; } };
for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore"])
  Object.defineProperty(globalThis, name, { configurable: true, get() { forbidden.push(name); return {}; } });
globalThis.fetch = async (path, sent) => {
  asked.push({ path, body: JSON.parse(sent.body), authorization: sent.headers.Authorization ?? null, credentials: sent.credentials });
  const reply = replies[path].shift();
  if (!reply) throw new TypeError("no network");
  return { ok: reply.status < 400, json: async () => reply.body };
};
const settled = () => new Promise((done) => setTimeout(done, 5));
const submit = async (id) => { all[id].fire("submit"); await settled(); };
const look = () => seen.push({
  told: all.told.textContent,
  faults: (all.faults?.children ?? []).map((child) => child.textContent),
  hidden: elements.filter(({ id }) => all[id].hidden).map(({ id }) => id),
  focused,
});
(0, eval)(script);
(async () => {
  await settled();
  await new (Object.getPrototypeOf(async () => {}).constructor)("all", "submit", "look", steps)(all, submit, look);
  process.stdout.write(JSON.stringify({ seen, asked, forbidden, shown: location.shown, elements: all }));
})();
