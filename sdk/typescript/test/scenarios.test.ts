import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Runner, type Step } from "./runner.ts";

const WORLD = JSON.parse(process.env["DEVMESH_WORLD"]!);
const SCENARIOS = new URL("../../scenarios.json", import.meta.url);

for (const { name, steps } of JSON.parse(readFileSync(SCENARIOS, "utf8")) as { name: string; steps: Step[] }[]) {
  test(name, async () => {
    await fetch(`${WORLD.control_url}/reset`, { method: "POST" });
    await new Runner({ ...WORLD, unique: randomBytes(6).toString("hex") }).take(steps);
  });
}
