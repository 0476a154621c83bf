// Cloudflare as the emulators play it, around the module of a probe Worker: the image edge, R2 with its S3 API, the
// Images binding and Workers Cache. The stub of Cloudflare's API runs what was uploaded here; the tests of the probes
// run worker.ts itself. Nothing leaves the process.

import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { createCache } from "../../src/emulator/cache/cache.ts";
import type { Edge } from "../../src/emulator/create-edge.ts";
import type { EdgeInit } from "../../src/emulator/edge/settings.ts";
import type { FetchInput, Network } from "../../src/emulator/fetch.ts";
import { inputUrlOf } from "../../src/emulator/fetch.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { createEdgeOnce } from "../support/render-once.ts";
import { askWorker } from "./operation.ts";
import { measure, readVisitorResponse, type World } from "./probe.ts";
import * as probeWorker from "./worker.ts";

export type WorkerModule = Pick<typeof probeWorker, "default" | "Cached">;

export type EmulatedSettings = {
  readonly module: WorkerModule;
  /** The hosts of the Worker. The second one plays another Worker with the same script (E9). */
  readonly host: string;
  readonly otherHost?: string;
  readonly devHost?: string;
  readonly token: string;
  readonly s3: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** ms since 1970. */
  readonly now: () => number;
};

export type Emulated = ReturnType<typeof createEmulated>;

/** What planted faults replace: how a `fetch` with `cf.image` is answered, one without, and a call of the cache. */
export type Seams = {
  edge: (input: FetchInput, init: EdgeInit, next: Edge["fetch"]) => Promise<Response>;
  network: (input: string | Request, init: EdgeInit, next: Network) => Promise<Response>;
  cached: (request: Request, next: (request: Request) => Promise<Response>) => Promise<Response>;
};

/** Whose `fetch` a running Worker has. Other code of the process keeps its own. */
const running = new AsyncLocalStorage<typeof fetch>();
const processFetch = globalThis.fetch;
globalThis.fetch = (input, init) => (running.getStore() ?? processFetch)(input, init);

export function createEmulated(settings: EmulatedSettings) {
  const { module, host, otherHost, devHost, token, now } = settings;
  const r2 = createR2({}, { now, limitsWrites: ["put"] });
  const s3 = createS3({ ...settings.s3, dialect: "r2", now });
  const cache = createCache({ now });
  const storeHost = new URL(settings.s3.endpoint).host;
  let version = 1;

  const seams: Seams = {
    edge: (input, init, next) => next(input, init),
    network: (input, init, next) => next(input, init),
    cached: (request, next) => next(request),
  };

  /** The network as the edge and the Worker reach it: the Worker's own hosts, and R2's S3 API. */
  const reach: Network = async (input, init) => {
    const url = inputUrlOf(input);
    const ownEdge = edges.get(URL.parse(url)?.host ?? "");
    if (ownEdge !== undefined) return runWorker(new Request(input, init), ownEdge);
    s3.objects.clear();
    for (const [key, { body, type = "", uploaded, customMetadata = {} }] of r2.objects) {
      const date = uploaded && { lastModified: uploaded };
      s3.objects.set(key, { body, type, metadata: customMetadata, ...date });
    }
    return s3.fetch(input, init);
  };
  const network: Network = (input, init = {}) => seams.network(input, init, reach);

  const shared = { sources: [storeHost], fetch: network, now };
  const visitOther = (request: Request) => fetchAsVisitor(request);
  const workers = otherHost === undefined ? {} : { [otherHost]: visitOther };
  const edge = createEdgeOnce({ zone: host, workers, ...shared });
  const edges = new Map([[host, edge]]);
  for (const zone of [otherHost, devHost]) {
    if (zone !== undefined) edges.set(zone, createEdgeOnce({ zone, ...shared }));
  }

  async function fetchAsVisitor(request: Request): Promise<Response> {
    const edgeOfHost = edges.get(new URL(request.url).host);
    if (edgeOfHost === undefined) return new Response("no such host", { status: 530 });
    return (await edgeOfHost.visit(request)) ?? runWorker(request, edgeOfHost);
  }

  function runWorker(request: Request, edgeOfHost: Edge): Promise<Response> {
    const env = { BUCKET: r2, IMAGES: edgeOfHost.images, PROBE_TOKEN: token };
    const fetchInWorker: typeof fetch = (input, init) => {
      const { cf, ...rest }: EdgeInit = Object(init);
      if (cf?.image === undefined) return network(inputUrlOf(input), rest);
      return seams.edge(inputUrlOf(input), { ...rest, cf }, (...request) =>
        edgeOfHost.fetch(...request),
      );
    };
    const createEntrypoint = (context: ExecutionContext) => {
      const entrypoint = new module.Cached(context, env);
      const answer = (call: Request) => running.run(fetchInWorker, () => entrypoint.fetch(call));
      return {
        fetch: answer,
        purge: async (options: CachePurgeOptions) =>
          (await entrypoint.purge(options)) ?? { success: false, errors: [] },
      };
    };
    const options = { name: "Cached", version: `${version}` };
    const { fetch: fetchCached, purge } = cache.entrypoint(createEntrypoint, options);
    const Cached = {
      ...{ purge, invalidate: async () => null },
      fetch: (url: string, { cf, ...init }: RequestInit) => {
        const call = Object.assign(new Request(url, init), { cf }); // Node.js drops it
        return seams.cached(call, fetchCached);
      },
    };
    return running.run(fetchInWorker, () =>
      cache.at("here", () => module.default.fetch(request, env, { exports: { Cached } })),
    );
  }

  return {
    ...{ r2, s3, edge, cache, network, seams },
    fetchAsVisitor,
    redeploy: () => void version++,
  };
}

/**
 * The world of the probes in this process: worker.ts, with a clock that goes on only in a pause.
 * @param isInZone false: the Worker is on workers.dev alone
 * @returns the world, and the emulators behind it
 */
export function createEmulatedWorld({ isInZone = true } = {}): World & {
  readonly emulated: Emulated;
} {
  let clock = Date.now();
  const now = () => clock;
  const token = randomBytes(32).toString("hex");
  const devHost = "probe.acme.workers.dev";
  const host = isInZone ? "probe.example" : devHost;
  const otherHosts = isInZone ? { otherHost: "other.example", devHost } : {};
  const access = { accessKeyId: "0".repeat(32), secretAccessKey: "1".repeat(64) };
  const endpoint = `https://${"a".repeat(32)}.r2.cloudflarestorage.com`;
  const bucketSettings = { endpoint, bucket: "vitrine-probe-bucket", region: "auto" };
  const s3 = { ...bucketSettings, credentials: access };
  const emulated = createEmulated({ module: probeWorker, host, token, s3, now, ...otherHosts });
  emulated.cache.switches.crossVersion = false;

  const sendTo =
    (url: string): World["send"] =>
    async (operation) => {
      const send = (init: RequestInit) => emulated.fetchAsVisitor(new Request(`${url}/`, init));
      return measure(await askWorker(operation, token, send));
    };
  const url = `https://${host}`;
  const devUrl = `https://${devHost}`;
  return {
    ...{ emulated, url, now, zone: isInZone ? host : undefined },
    ...(isInZone && { otherUrl: `https://${otherHosts.otherHost}` }),
    ...(isInZone && { workersDev: { url: devUrl, send: sendTo(devUrl) } }),
    run: randomBytes(6).toString("hex"),
    s3: { ...bucketSettings, ...access },
    bucketAddresses: async () => [],
    send: sendTo(url),
    countTransformations: async () => emulated.edge.transformations.size,
    fetchAsVisitor: async (path, init) =>
      readVisitorResponse(emulated.fetchAsVisitor(new Request(url + path, init))),
    redeploy: async ({ crossVersion }) => {
      emulated.cache.switches.crossVersion = crossVersion;
      emulated.redeploy();
    },
    purgeZone: async (urls) => {
      for (const one of urls) emulated.edge.purge(one);
      return isInZone;
    },
    pause: async (ms) => {
      clock += ms;
      await emulated.cache.settled();
    },
  };
}
