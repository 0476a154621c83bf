// Cloudflare's API on loopback, for wrangler and for the program, and the hosts of what was deployed by it: the uploaded
// script runs on the emulators. A call that it does not know is an error, and is noted.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { findSignatureFault } from "../../src/emulator/s3/signature.ts";
import { tableOf } from "../../src/worker/util/json.ts";
import { otherName } from "./account.ts";
import { createEmulated, type Emulated, type WorkerModule } from "./emulated-world.ts";
import { CLOCK_HOST, URL_HEADER } from "./network.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const ZONE_ID = "fedcba9876543210fedcba9876543210";
const TOKEN = "a-token-of-the-stub-that-is-in-no-output";
const TOKEN_ID = "00112233445566778899aabbccddeeff";
const VERSION = "00000000-0000-0000-0000-000000000001";
const WORKERS_MODULE = join(import.meta.dirname, "../../src/emulator/cloudflare-workers.ts");
const S3 = { endpoint: `https://${ACCOUNT}.r2.cloudflarestorage.com`, region: "auto" };
const CREDENTIALS = {
  accessKeyId: TOKEN_ID,
  secretAccessKey: createHash("sha256").update(TOKEN).digest("hex"),
};

type Api = {
  readonly result?: unknown;
  readonly data?: unknown;
  readonly status?: number;
  readonly code?: number;
};
type Call = {
  readonly name: string;
  readonly url: URL;
  readonly body: Buffer;
  readonly type: string;
};

export type Stub = {
  readonly env: Readonly<Record<string, string>>;
  /** What no output may have: the token, the key that is made of it, and the tokens of Workers. */
  readonly secrets: string[];
  /** All calls of the API: `PUT /workers/scripts/NAME`. */
  readonly calls: string[];
  readonly unknownCalls: string[];
  /** What the account has: `worker NAME`, sorted. */
  resources(): string[];
  addBucket(name: string): void;
  /** Is called before each call and visit. With a status, the call fails. A test may replace it. */
  intervene: (call: string, agent: string) => number | undefined | Promise<number | undefined>;
  /** Is called with the emulators of each new Worker. A test may plant a fault there. */
  prepare: (emulated: Emulated) => void;
  close(): Promise<void>;
};

export async function startStub(): Promise<Stub> {
  const folder = mkdtempSync(join(tmpdir(), "stub-"));
  const workers = new Map<string, Emulated>();
  const buckets = new Map<string, Emulated | undefined>();
  const domains = new Map<string, string>();
  let clock = Date.now();
  const now = () => clock;
  const notFound = { status: 404, code: 10007 };

  async function readUpload({ body, type }: Call) {
    const headers = { "content-type": type };
    const form = await new Response(new Uint8Array(body), { headers }).formData();
    const metadata = tableOf(form.get("metadata"));
    const isCrossVersion = tableOf(metadata["cache_options"])["cross_version_cache"] === true;
    return { form, metadata, isCrossVersion };
  }

  async function upload(call: Call): Promise<Api> {
    const { name } = call;
    const { form, metadata, isCrossVersion } = await readUpload(call);
    const bindings = [metadata["bindings"]].flat().map(tableOf);
    const bindingOf = (kind: string) => bindings.find((binding) => binding["type"] === kind) ?? {};
    const bucket = `${bindingOf("r2_bucket")["bucket_name"]}`;
    if (!buckets.has(bucket)) return { status: 400, code: 10085 };
    const result = { id: name, deployment_id: VERSION.replaceAll("-", ""), startup_time_ms: 1 };
    const first = workers.get(otherName(name));
    if (first !== undefined && buckets.get(bucket) === first) {
      workers.set(name, first); // it plays both
      return { result };
    }
    const token = `${bindingOf("secret_text")["text"]}`;
    stub.secrets.push(token);
    const source = form.get(`${metadata["main_module"]}`);
    const text = typeof source === "string" ? source : await source?.text();
    const file = join(folder, `${workers.size}-${stub.calls.length}.mjs`);
    const runnable = `${text}`
      .replace('"cloudflare:workers"', JSON.stringify(WORKERS_MODULE))
      .replace(/\/\/# sourceMappingURL=.*/, "");
    writeFileSync(file, runnable);
    const module: WorkerModule = await import(/* @vite-ignore */ file);
    const hosts = {
      ...{ host: `${name}.images.example`, devHost: `${name}.acme.workers.dev` },
      otherHost: `${otherName(name)}.images.example`,
    };
    const s3 = { ...S3, bucket, credentials: CREDENTIALS };
    const emulated = createEmulated({ ...hosts, module, token, now, s3 });
    const cached = tableOf(tableOf(metadata["exports"])["Cached"])["cache"];
    emulated.cache.switches.enabled = tableOf(cached)["enabled"] === true;
    emulated.cache.switches.crossVersion = isCrossVersion;
    workers.set(name, emulated);
    buckets.set(bucket, emulated);
    stub.prepare(emulated);
    return { result };
  }

  async function createVersion(call: Call): Promise<Api> {
    const emulated = workers.get(call.name);
    if (emulated === undefined) return notFound;
    emulated.cache.switches.crossVersion = (await readUpload(call)).isCrossVersion;
    emulated.redeploy();
    const resources = { script: { etag: VERSION } };
    return { result: { id: VERSION, startup_time_ms: 1, resources } };
  }

  function setDomains({ name, body }: Call): Api {
    for (const { hostname } of [tableOf(`${body}`)["origins"]].flat().map(tableOf)) {
      domains.set(`${hostname}`, name);
    }
    return {};
  }

  function listDomains({ url }: Call): Api {
    const filter = url.searchParams.get("hostname");
    const all = [...domains].map(([hostname, service]) => ({ id: hostname, hostname, service }));
    const result = all.filter(({ hostname }) => filter === null || hostname === filter);
    return { result: result.map((domain) => ({ ...domain, zone_id: ZONE_ID })) };
  }

  function purgeZone({ body }: Call): Api {
    for (const file of [tableOf(`${body}`)["files"]].flat()) {
      for (const { edge } of workers.values()) edge.purge(`${file}`);
    }
    return {};
  }

  function countTransformations(): Api {
    const counts = [...new Set(workers.values())].map(({ edge }) => edge.transformations.size);
    const days = counts.map((transformations) => ({ transformations }));
    return { data: { viewer: { accounts: [{ imagesUniqueTransformations: days }] } } };
  }

  function deleteBucket({ name }: Call): Api {
    if (!buckets.has(name)) return notFound;
    if (buckets.get(name)?.r2.objects.size) return { status: 409, code: 10008 };
    return { result: buckets.delete(name) };
  }

  const ifThere = ({ name }: Call, result: unknown): Api =>
    workers.has(name) ? { result } : notFound;
  const script = { tag: "t", last_deployed_from: "wrangler" };
  const service = { default_environment: { environment: "production", script } };
  const versions = [{ version_id: VERSION, percentage: 100 }];
  const settings = { bindings: [{ name: "BUCKET", type: "r2_bucket" }] };
  const changeset = { added: [], removed: [], updated: [], conflicting: [] };
  const list = (names: Iterable<string>, key: string) =>
    [...names].map((name) => ({ [key]: name }));
  /** What the API can be called for, by wrangler and by the program. `*` is a name. */
  const routes: Readonly<Record<string, (call: Call) => Api | Promise<Api>>> = {
    "GET /workers/services/*": (call) => ifThere(call, service),
    "GET /workers/scripts/*/secrets": (call) => ifThere(call, []),
    "GET /workers/scripts/*/deployments": (call) =>
      ifThere(call, { deployments: [{ versions, source: "wrangler" }] }),
    "GET /workers/scripts/*/settings": (call) => ifThere(call, settings),
    "GET /workers/workers/*": () => ({ result: { subdomain: { enabled: false } } }),
    "PUT /workers/scripts/*": upload,
    "POST /workers/scripts/*/versions": createVersion,
    "POST /workers/scripts/*/deployments": () => ({ result: { id: VERSION } }),
    "PATCH /workers/scripts/*/script-settings": () => ({}),
    "POST /workers/scripts/*/subdomain": () => ({ result: { enabled: true } }),
    "POST /workers/scripts/*/domains/changeset": () => ({ result: changeset }),
    "PUT /workers/scripts/*/domains/records": setDomains,
    "POST /r2/buckets": ({ body }) => addBucket(`${tableOf(`${body}`)["name"]}`),
    "GET /r2/buckets": () => ({ result: { buckets: list(buckets.keys(), "name") } }),
    "GET /r2/buckets/*": ({ name }) => (buckets.has(name) ? { result: { name } } : notFound),
    "GET /r2/buckets/*/domains/managed": () => ({ result: { enabled: false } }),
    "GET /r2/buckets/*/domains/custom": () => ({ result: { domains: [] } }),
    "GET /workers/subdomain": () => ({ result: { subdomain: "acme" } }),
    "GET /user/tokens/verify": () => ({ result: { id: TOKEN_ID, status: "active" } }),
    "GET /tokens/verify": () => ({ result: { id: TOKEN_ID, status: "active" } }),
    "GET /workers/domains": listDomains,
    "GET /workers/scripts": () => ({ result: list(workers.keys(), "id") }),
    "DELETE /workers/domains/*": ({ name }) => (domains.delete(name) ? {} : notFound),
    "DELETE /workers/scripts/*": ({ name }) => (workers.delete(name) ? {} : notFound),
    "DELETE /r2/buckets/*": deleteBucket,
    "POST /graphql": countTransformations,
    [`POST /zones/${ZONE_ID}/purge_cache`]: purgeZone,
  };

  function addBucket(name: string): Api {
    buckets.set(name, undefined);
    return { result: { name } };
  }

  async function answerApi(message: IncomingMessage, body: Buffer): Promise<Response> {
    const { method, url = "", headers } = message;
    const path = url.replace(/\?.*/, "").replace(`/accounts/${ACCOUNT}`, "");
    const call = `${method} ${path}`;
    stub.calls.push(call);
    const failure = await stub.intervene(call, `${headers["user-agent"]}`);
    const isAllowed = headers.authorization === `Bearer ${TOKEN}`;
    const [, name = ""] = /^\w+ \/(?:workers|r2)\/\w+\/([\w.-]+)/.exec(call) ?? [];
    const handle = routes[call] ?? routes[call.replace(`/${name}`, "/*")];
    if (handle === undefined) stub.unknownCalls.push(call);
    const type = headers["content-type"] ?? "";
    let answer: Api = { status: 400, code: 9109 };
    if (failure !== undefined) answer = { status: failure, code: 10001 };
    else if (handle !== undefined && isAllowed)
      answer = await handle({ name, url: new URL(url, "http://stub"), body, type });
    const { status = 200, code, result = {}, data } = answer;
    const errors = code === undefined ? [] : [{ code, message: "the stub refuses it" }];
    return Response.json({ success: !code, errors, messages: [], result, data }, { status });
  }

  /** Answers for a host of the world outside of the API. */
  async function answerHost(url: URL, { method, headers }: IncomingMessage, body: Buffer) {
    if (url.host === CLOCK_HOST) {
      clock += Number(url.pathname.slice(1));
      for (const { cache } of workers.values()) await cache.settled();
      return new Response(`${clock}`);
    }
    await stub.intervene(`${method} ${url.host}`, "visit");
    const hopByHop = [URL_HEADER, "host", "connection", "content-length", "transfer-encoding"];
    const forwarded = Object.entries(headers).filter(([name]) => !hopByHop.includes(name));
    const sent = forwarded.map(([name, value]): [string, string] => [name, `${value}`]);
    const content = body.length > 0 ? { body: new Uint8Array(body) } : {};
    const request = new Request(url, { method: `${method}`, headers: sent, ...content });
    if (url.origin === S3.endpoint) return answerS3(request, url.pathname);
    const worker = workers.get(url.host.replace(/\..*/, ""));
    return worker?.fetchAsVisitor(request) ?? new Response("no such Worker", { status: 530 });
  }

  async function answerS3(request: Request, path: string): Promise<Response> {
    const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    const emulated = buckets.get(bucket);
    if (emulated === undefined)
      return new Response(null, { status: buckets.has(bucket) ? 200 : 404 });
    if (request.method !== "DELETE") return emulated.network(request);
    const keys = new Map([[CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey]]);
    const signatureSettings = { keys, region: S3.region, now: clock, dialect: "r2" } as const;
    if (findSignatureFault(request, signatureSettings)) return new Response(null, { status: 403 });
    emulated.r2.objects.delete(decodeURIComponent(key));
    return new Response(null, { status: 204 });
  }

  const server = createServer(async (message, response) => {
    try {
      const body = await buffer(message);
      const url = message.headers[URL_HEADER];
      const answer = await (url === undefined
        ? answerApi(message, body)
        : answerHost(new URL(`${url}`), message, body));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(new Uint8Array(await answer.arrayBuffer()));
    } catch {
      response.destroy();
    }
  });
  const { url, close } = await listenLocally(server, 0);
  const stub: Stub = {
    env: {
      ...{ CLOUDFLARE_API_BASE_URL: url, VITRINE_PROBE_STUB: url },
      ...{ CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: ACCOUNT },
      CLOUDFLARE_ZONE: "images.example",
    },
    secrets: [TOKEN, CREDENTIALS.secretAccessKey],
    ...{ calls: [], unknownCalls: [] },
    resources: () =>
      [
        ...[...domains.keys()].map((name) => `domain ${name}`),
        ...[...workers.keys()].map((name) => `worker ${name}`),
        ...[...buckets.keys()].map((name) => `bucket ${name}`),
      ].toSorted(),
    addBucket,
    ...{ intervene: () => undefined, prepare: () => {} },
    async close() {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
  return stub;
}
