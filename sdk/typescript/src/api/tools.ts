import { ToolError } from "../errors.js";
import { masked } from "../masking.js";
import type { CallOptions } from "../options.js";
import type { Query, Tool, ToolCall, ToolList } from "../types.js";
import { everyItem, type Api } from "./api.js";

const TOOLS = "/api/v1/tools";
const TOOL = "/api/v1/tools/{name}";
type Page = Query<typeof TOOLS, "get">;

/** What an agent may do. */
export class Tools {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Return one page of the tools that you may call. */
  list(page?: Page, options?: CallOptions): Promise<ToolList> {
    return this.#api.get(TOOLS, { query: page }, options);
  }

  /** Yield every tool that you may call. */
  listAll(options?: CallOptions): AsyncGenerator<Tool, void, undefined> {
    return everyItem(
      (from) => this.list({ limit: 200, ...from }, options),
      (page) => page.tools,
    );
  }

  /** Return the tools in which every word occurs, those first in whose name most of them do. */
  async search(words: string, options?: CallOptions): Promise<Tool[]> {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const found: { tool: Tool; hits: number }[] = [];
    for await (const tool of this.listAll(options)) {
      const name = `${tool.name} ${tool.title}`.toLowerCase();
      const text = `${name} ${tool.description.toLowerCase()}`;
      if (!wanted.every((word) => text.includes(word))) continue;
      found.push({ tool, hits: wanted.filter((word) => name.includes(word)).length });
    }
    const shorter = (one: Tool, other: Tool): number => one.name.length - other.name.length;
    return found.sort((a, b) => b.hits - a.hits || shorter(a.tool, b.tool)).map(({ tool }) => tool);
  }

  /** Return one tool and what arguments it takes. */
  describe(name: string, options?: CallOptions): Promise<Tool> {
    return this.#api.get(TOOL, { path: { name } }, options);
  }

  /** Call a tool, once however often the request has to be sent; ToolError if the tool failed. */
  async call(name: string, args: Record<string, unknown> = {}, options?: CallOptions): Promise<ToolCall> {
    const done = await this.#api.once(`${TOOL}/execute`, { path: { name }, body: { arguments: args } }, options);
    if (done.is_error) throw failureOf(name, masked(done));
    return done;
  }
}

function failureOf(name: string, failed: ToolCall): ToolError {
  const { result, meta } = failed;
  const said = typeof result === "string" ? result : JSON.stringify(result);
  // The gateway says what went wrong, and in the last line what to do next.
  const lines = said.split("\n");
  const hint = lines.length > 1 ? lines.pop() : "See the result for what the service said.";
  const { code, request_id, retry_after } = meta as { code?: string; request_id?: string; retry_after?: number };
  const known = { code: code ?? "tool_failed", status: 200, hint, requestId: request_id, retryAfter: retry_after };
  return new ToolError(`${name} failed: ${lines.join("\n")}`, known, failed);
}
