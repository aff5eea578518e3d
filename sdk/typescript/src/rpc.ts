import { errorLike, MalformedReplyError, type DeveloperMeshError, type Problem } from "./errors.js";

/** A JSON-RPC error; a Developer Mesh's has the members of a problem document in `data`. */
interface RpcError {
  code: number;
  message?: unknown;
  data?: unknown;
}

/** JSON-RPC's own numbers, as the statuses that HTTP has for the same; a Developer Mesh's others are statuses. */
const STATUSES: Readonly<Record<number, number>> = {
  [-32700]: 400,
  [-32600]: 400,
  [-32601]: 404,
  [-32602]: 422,
  [-32603]: 500,
};

/** Return the result of a JSON-RPC message, or throw the error that it is. */
export function resultOf(message: unknown): object {
  const { result } = (message ?? {}) as { result?: unknown };
  if (typeof result === "object" && result !== null) return result;
  const error = rpcErrorIn(message);
  if (error) throw errorOfRpc(error);
  throw new MalformedReplyError("What answers at baseURL gave no JSON-RPC message.", {
    code: "malformed_reply",
    hint: "Check that baseURL is a Developer Mesh.",
  });
}

/** Return the error of a JSON-RPC message; other servers' JSON has an `error` too, and says not "2.0". */
export function rpcErrorIn(body: unknown): RpcError | undefined {
  const { jsonrpc, error } = (body ?? {}) as { jsonrpc?: unknown; error?: Partial<RpcError> | null };
  return jsonrpc === "2.0" && typeof error?.code === "number" ? (error as RpcError) : undefined;
}

/** Return a JSON-RPC error in the members of a problem document. */
export function problemOfRpc({ code, message, data }: RpcError): Partial<Problem> {
  const told: Partial<Problem> = { code: `json_rpc_${code}`, ...(typeof data === "object" ? data : {}) };
  if (typeof message !== "string") return told;
  const { hint } = told;
  // Developer Mesh's message ends with the hint, for those who show nothing else.
  const repeated = typeof hint === "string" && message.endsWith(hint) ? hint.length : 0;
  return { ...told, detail: message.slice(0, message.length - repeated).trimEnd() };
}

/** Return the error for a reply that HTTP did not refuse, of the class that HTTP would have had for it. */
function errorOfRpc(error: RpcError): DeveloperMeshError {
  const problem = problemOfRpc(error);
  // An unknown tool is an invalid parameter to MCP, and what is not there to everybody else.
  const like = problem.code === "unknown_tool" ? 404 : (STATUSES[error.code] ?? error.code);
  return errorLike(like, problem);
}
