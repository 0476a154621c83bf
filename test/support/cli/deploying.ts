// A stub of Cloudflare's API on loopback, for the real wrangler: it takes a Worker and says what it got.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { isPlainObject, parseJson } from "../../../src/worker/base/json.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const VERSION = "00000000-0000-0000-0000-000000000001";
const SUBDOMAIN = { enabled: false, previews_enabled: false };
/** The account's subdomain of workers.dev. */
const OF_ACCOUNT = { subdomain: "acme" };

/** A Worker as it was uploaded: its name, and its secrets by their names. */
export type Uploaded = {
  readonly worker: string;
  readonly secrets: Readonly<Record<string, string>>;
};

export type Stub = {
  /** The environment in which wrangler asks this stub. */
  readonly env: Readonly<Record<string, string>>;
  readonly uploaded: readonly Uploaded[];
  /** The bodies of the requests that put a Worker on domains. */
  readonly domains: readonly string[];
};

/** Starts the API of an account without Workers. */
export async function startCloudflare(): Promise<Stub> {
  const uploaded: Uploaded[] = [];
  const domains: string[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const body = await buffer(request);
    const path = url.replace(/^\/accounts\/[0-9a-f]+\/workers\//, "").replace(/\?.*/, "");
    const [, worker = ""] = /^(?:services|scripts)\/([\w-]+)$/.exec(path) ?? [];
    if (method === "PUT" && worker !== "") {
      uploaded.push({ worker, secrets: secretsIn(body.toString("latin1")) });
    }
    if (method === "PUT" && path.endsWith("/domains/records")) domains.push(body.toString());
    const isAbsent = method === "GET" && /^(?:services|scripts)\//.test(path);
    const result =
      path === "subdomain"
        ? OF_ACCOUNT
        : path.endsWith("/changeset")
          ? { added: [], removed: [], updated: [], conflicting: [] }
          : { id: VERSION, deployment_id: VERSION.replaceAll("-", ""), subdomain: SUBDOMAIN };
    const errors = isAbsent ? [{ code: 10007, message: "This Worker does not exist" }] : [];
    response.writeHead(isAbsent ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: !isAbsent, errors, messages: [], result }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const env = {
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`,
    CLOUDFLARE_API_TOKEN: "made-up",
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    NO_COLOR: "1",
  };
  return { env, uploaded, domains };
}

/** The secrets in the first part of an upload, which is JSON. */
function secretsIn(form: string): Record<string, string> {
  const metadata = parseJson(/name="metadata"\r\n\r\n(.*?)\r\n--/s.exec(form)?.[1] ?? "");
  const bindings: unknown = isPlainObject(metadata) ? metadata["bindings"] : [];
  const found = (Array.isArray(bindings) ? bindings : []).filter(
    (binding: unknown) => isPlainObject(binding) && binding["type"] === "secret_text",
  );
  return Object.fromEntries(found.map(({ name, text }) => [name, text]));
}
