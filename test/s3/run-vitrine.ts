// Runs the built Worker in workerd. Its image requests go to the strict edge, which runs in this process
// and asks the real S3.

import { type IncomingHttpHeaders, request } from "node:http";
import { createEdge } from "../../src/emulator/create-edge.ts";
import type { Network } from "../../src/emulator/fetch.ts";
import { serveEdge } from "../../src/emulator/serve.ts";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { BUILT_LOCAL, ROOT } from "../support/built.ts";
import { createHarness } from "../support/harness.ts";
import { REGION, theWorld } from "./world.ts";

type Settings = {
  readonly bucket: string;
  readonly prefix?: string;
  readonly addressing?: "virtual" | "path";
  readonly current: Credentials;
};

/** The vars of a Worker with one bucket of the server. */
export function varsFor({ bucket, prefix = "", addressing = "path" }: Omit<Settings, "current">) {
  const service = { endpoint: theWorld().endpoint, region: REGION, addressing };
  return {
    BUCKETS: { media: { ...service, bucket, ...(prefix && { prefix }) } },
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: { card: { width: 32, height: 32, fit: "cover" } },
    ANSWERS: { timeout: 15 },
  };
}

export function secretsOf(current: Credentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: current.accessKeyId,
    AWS_SECRET_ACCESS_KEY: current.secretAccessKey,
  };
}

export type Vitrine = Awaited<ReturnType<typeof runVitrine>>;

export async function runVitrine(settings: Settings) {
  const vars = varsFor(settings);
  const { host } = new URL(theWorld().endpoint);
  const s3Host = settings.addressing === "virtual" ? `${settings.bucket}.${host}` : host;
  const edge = createEdge({
    ...{ zone: "images.example", sources: [s3Host], httpHosts: [s3Host], cache: false },
    ...{ quota: Number.POSITIVE_INFINITY, fetch: fetchHere },
  });
  const edgeServer = await serveEdge(edge);
  const worker = {
    ...{ configPath: "test/support/wrangler.toml", prebuiltWorkerDir: BUILT_LOCAL },
    ...{ secrets: secretsOf(settings.current), vars: { ...vars, LOCAL_EDGE: edgeServer.url } },
  };
  const fetchElsewhere = globalThis.fetch;
  // The requests of the Worker come here, too: the harness sends them by this fetch.
  globalThis.fetch = async (input, init) => {
    const sent = new Request(input, init);
    const isHere = new URL(sent.url).host === s3Host && s3Host !== host;
    const { method, headers } = sent;
    return isHere ? fetchHere(sent.url, { method, headers }) : fetchElsewhere(input, init);
  };
  const server = createHarness({ root: ROOT, workers: [worker] });
  await server.listen();
  return {
    /** Fetches the image of an object. @param path its key, encoded */
    fetch: async (path: string) => {
      const answer = await server.fetch(`/images/card/${path}`, { headers: { accept: "*/*" } });
      return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
    },
    close: async () => {
      globalThis.fetch = fetchElsewhere;
      await edgeServer.close();
      await server.close();
    },
  };
}

/** `fetch` for hosts of this machine: not every resolver knows names below localhost. */
const fetchHere: Network = (input, { method = "GET", headers, signal } = {}) => {
  const { host, port, origin } = new URL(`${input}`);
  const path = `${input}`.slice(origin.length); // as it was signed
  const sent = { ...Object.fromEntries(new Headers(headers)), host };
  return new Promise((settle, fail) => {
    const options = { method, path, port, headers: sent, ...(signal && { signal }) };
    const asking = request({ host: "127.0.0.1", ...options }, async (answer) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      const { statusCode: status = 500 } = answer;
      settle(new Response(Buffer.concat(chunks), { status, headers: readHeaders(answer.headers) }));
    });
    asking.on("error", fail);
    asking.end();
  });
};

function readHeaders(headers: IncomingHttpHeaders): Headers {
  const read = new Headers();
  for (const [name, value] of Object.entries(headers)) read.set(name, `${value}`);
  return read;
}
