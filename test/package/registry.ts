// A registry on this machine that has every package of the configured one, but none called vitrine, as npm before
// anybody publishes that name (D5). It notes who asks for that one.

import { createServer, type ServerResponse } from "node:http";
import { run } from "./run.ts";

type Answer = {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
};

const NOT_FOUND: Answer = {
  status: 404,
  type: "application/json",
  body: Buffer.from('{"error":"Not found"}'),
};

/** Its answer is the list of paths that were asked for and name vitrine. */
const REQUESTS = "/-/requests-for-us";

export async function startRegistry() {
  const { stdout } = await run("npm", ["config", "get", "registry"], { cwd: import.meta.dirname });
  const upstream = stdout.trim().replace(/\/$/, "");
  const requestsForUs: string[] = [];
  /** By path and accepted type: each is fetched once. */
  const answers = new Map<string, Promise<Answer>>();

  const server = createServer((request, response) => {
    const { method, url: path = "/", headers } = request;
    if (method !== "GET") return respond(response, NOT_FOUND);
    if (path === REQUESTS) {
      const body = Buffer.from(JSON.stringify(requestsForUs));
      return respond(response, { status: 200, type: "application/json", body });
    }
    if (/^\/(?:@[^/]*\/)?vitrine(?![\w-])/.test(decodeURIComponent(path))) {
      requestsForUs.push(path);
      return respond(response, NOT_FOUND);
    }

    const accept = headers.accept ?? "*/*";
    const key = `${path} ${accept}`;
    const answer = answers.get(key) ?? fetchAnswer(upstream + path, accept);
    answers.set(key, answer);
    answer.then(
      (fetched) => respond(response, fetched),
      () => response.destroy(),
    );
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));

  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

/** Returns who asked the registry at this URL for vitrine so far. */
export async function readRequestsForUs(registry: string): Promise<unknown> {
  const answer = await fetch(registry + REQUESTS);
  return answer.json();
}

async function fetchAnswer(url: string, accept: string): Promise<Answer> {
  const answer = await fetch(url, { headers: { accept } });
  const type = answer.headers.get("content-type") ?? "application/octet-stream";
  return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) };
}

function respond(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { "content-type": type }).end(body);
}
