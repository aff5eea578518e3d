// Measures the CPU of a call by the SDK and of the same request by fetch, in rounds that alternate; prints microseconds.
// Arguments: rounds, calls a round.
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { MCPClient } from "../sdk/typescript/dist/esm/index.js";

const REPLY = JSON.stringify({ id: "0192f000-0000-7000-8000-000000000000", email: "ada@acme.example", name: "Ada" });

if (process.send) {
  const server = createServer((_, reply) => reply.setHeader("content-type", "application/json").end(REPLY));
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
} else {
  const [rounds, calls] = process.argv.slice(2).map(Number);
  const server = fork(import.meta.filename);
  const baseURL = `http://127.0.0.1:${await new Promise((resolve) => server.once("message", resolve))}`;
  const client = new MCPClient({ baseURL, auth: { type: "api-key", apiKey: "usr_key" } });
  const headers = { authorization: "Bearer usr_key" };
  const ways = {
    fetch: async () => (await fetch(`${baseURL}/api/v1/auth/profile`, { headers })).json(),
    sdk: () => client.auth.profile(),
  };
  const took = { fetch: [], sdk: [] };
  // The first round warms both up and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const [name, call] of Object.entries(ways)) {
      const before = process.cpuUsage();
      for (let done = 0; done < calls; done++) await call();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) took[name].push((user + system) / calls);
    }
  }
  console.log(JSON.stringify(took));
  server.disconnect();
}
