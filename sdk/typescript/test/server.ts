// A server that answers as a test tells it to, and keeps what it was asked.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A status with a body and headers, or what is done to the connection instead. */
export type Answer = [status: number, body?: unknown, headers?: Record<string, string>] | "cut" | "hang";

/** Serve for the length of a test. */
export async function serving(
  t: TestContext,
  answer: (asked: Asked, number: number) => Answer | Promise<Answer>,
): Promise<{ url: string; asked: Asked[]; server: Server }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
    asked.push(one);
    const told = await answer(one, asked.length);
    if (told === "cut") request.socket.destroy();
    if (typeof told === "string") return;
    const [status, body, more] = told;
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    reply.writeHead(status, { "content-type": "application/json", ...more }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

export const PROFILE = { name: "Ada" };

/** A problem document. */
export function problem(status: number, code: string, more: object = {}): [number, object] {
  return [status, { status, code, error: code, detail: "It is so.", hint: "Do otherwise.", request_id: "r1", ...more }];
}
