import type { CallOptions } from "../options.js";
import { resultOf } from "../rpc.js";
import type { Api } from "./api.js";

/** A tool as MCP describes it. */
export interface McpTool {
  name: string;
  title?: string;
  description?: string;
  inputSchema: Record<string, unknown>;
  annotations?: Record<string, unknown>;
}

export interface McpToolList {
  tools: McpTool[];
  nextCursor?: string;
}

/** What a tool answered; look at `isError` before the rest. */
export interface McpToolResult {
  content: ({ type: string } & Record<string, unknown>)[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

/** The gateway as an MCP server, spoken to without a handshake. */
export class Mcp {
  readonly #api: Api;
  #last = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Return one page of tools. */
  listTools(page: { cursor?: string } = {}, options?: CallOptions): Promise<McpToolList> {
    return this.request("tools/list", page, true, options) as Promise<McpToolList>;
  }

  /** Call a tool; sent again only if it certainly was not called. For calls that happen once, see `tools.call`. */
  callTool(name: string, args: Record<string, unknown> = {}, options?: CallOptions): Promise<McpToolResult> {
    return this.request("tools/call", { name, arguments: args }, false, options) as Promise<McpToolResult>;
  }

  /** Send any request of the protocol and return its result. */
  async request(method: string, params: object, repeatable: boolean, options?: CallOptions): Promise<unknown> {
    const message = { jsonrpc: "2.0", id: ++this.#last, method, params };
    return resultOf(await this.#api.exchange("/mcp", message, repeatable, options));
  }
}
