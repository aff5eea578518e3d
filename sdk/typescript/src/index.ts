export { MCPClient } from "./client.js";
export {
  AuthenticationError,
  ConflictError,
  ConnectionFailedError,
  DeveloperMeshError,
  MalformedReplyError,
  MfaRequiredError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  RequestError,
  ServerError,
  TimedOutError,
  ToolError,
  UsageError,
  ValidationError,
} from "./errors.js";
export type { Fault, Known, Problem } from "./errors.js";
export type { ApiKeyAuth, CallOptions, JwtAuth, MCPClientOptions, RetryConfig } from "./options.js";
export type { Api, Given } from "./api/api.js";
export type { Which, WouldBeCall } from "./api/credentials.js";
export type { ContextFilter } from "./api/contexts.js";
export type { McpTool, McpToolList, McpToolResult } from "./api/mcp.js";
export type { components, paths } from "./generated/openapi.js";
export type * from "./types.js";
