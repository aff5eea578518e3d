// Builds dist/: one ES module and one CommonJS module, each beside its types.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
for (const [format, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  const outfile = `dist/${format}/index.js`;
  await build({ entryPoints: ["src/index.ts"], outfile, format, bundle: true, target: ["es2022", "node20"] });
  writeFileSync(`dist/${format}/package.json`, `${JSON.stringify({ type })}\n`);
}
const declarations = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", "dist/esm"];
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", ".", ...declarations], { stdio: "inherit" });
// A declaration says by the package.json beside it which kind of module it describes.
cpSync("dist/esm", "dist/cjs", { recursive: true, filter: (path) => !/\.js$|package\.json$/.test(path) });
