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
  /** The R2 buckets that wrangler makes: `name`, or `name in eu`. Undefined: R2 is not switched on. */
  buckets: string[] | undefined;
};

/** Starts the API of an account without Workers. */
export async function startCloudflare(): Promise<Stub> {
  const uploaded: Uploaded[] = [];
  const stub: Pick<Stub, "buckets"> = { buckets: [] };
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const body = await buffer(request);
    const answer = (result: object, status = 200, error?: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      const errors = error ? [error] : [];
      response.end(JSON.stringify({ success: !error, errors, messages: [], result }));
    };
    const path = url.replace(/^\/accounts\/[0-9a-f]+\/workers\//, "").replace(/\?.*/, "");
    if (path.startsWith("/accounts/") && path.endsWith("/r2/buckets")) {
      const where = request.headers["cf-r2-jurisdiction"];
      const made = parseJson(body.toString());
      const name = isPlainObject(made) ? `${made["name"]}` : "";
      if (method === "POST") stub.buckets?.push(where === undefined ? name : `${name} in ${where}`);
      const message = "Please enable R2 through the Cloudflare Dashboard.";
      return stub.buckets ? answer({ buckets: [] }) : answer({}, 403, { code: 10042, message });
    }
    const [, worker = ""] = /^(?:services|scripts)\/([\w-]+)$/.exec(path) ?? [];
    const [, inherited] = /"name":"(\w+)","type":"inherit"/.exec(body.toString("latin1")) ?? [];
    if (method === "PUT" && body.includes('"type":"r2_bucket"') && !stub.buckets) {
      return answer({}, 400, { code: 10085, message: "R2 bucket not found" });
    }
    if (method === "PUT" && worker !== "" && inherited) {
      const message = `inherit binding '${inherited}' is invalid`; // wrangler asks for strict ones
      return answer({}, 400, { code: 10057, message });
    }
    if (method === "PUT" && worker !== "") {
      uploaded.push({ worker, secrets: secretsIn(body.toString("latin1")) });
    }
    const isAbsent = method === "GET" && /^(?:services|scripts)\//.test(path);
    const result =
      path === "subdomain"
        ? OF_ACCOUNT
        : path.endsWith("/changeset")
          ? { added: [], removed: [], updated: [], conflicting: [] }
          : { id: VERSION, deployment_id: VERSION.replaceAll("-", ""), subdomain: SUBDOMAIN };
    if (isAbsent) answer(result, 404, { code: 10007, message: "This Worker does not exist" });
    else answer(result);
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
  return Object.assign(stub, { env, uploaded });
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
