// The types of `vitrine/testing` in projects of others: whichever runtime's types they have, with all
// checks on, and without sharp.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { compile, STRICT } from "../client/compile.ts";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const folder = createTemporaryFolder("vitrine-declarations-");
const PACKAGE = join(folder, "node_modules/vitrine");

function write(file: string, content: string | object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

function link(name: string): void {
  const at = join(folder, "node_modules", name);
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", name), at);
}

beforeAll(() => {
  const config = join(folder, "build.json");
  write(config, {
    extends: join(ROOT, "src/tsconfig.json"),
    compilerOptions: {
      declaration: true,
      rootDir: join(ROOT, "src"),
      outDir: join(PACKAGE, "dist"),
      typeRoots: [join(ROOT, "node_modules/@types"), join(ROOT, "node_modules")],
    },
    include: [],
    files: ["index.ts", "worker.ts"].map((file) => join(ROOT, "src/emulator", file)),
  });
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
  const entry = (name: string) => ({
    types: `./dist/emulator/${name}.d.ts`,
    default: `./dist/emulator/${name}.js`,
  });
  write(join(PACKAGE, "package.json"), {
    name: "vitrine",
    type: "module",
    exports: { "./testing": entry("index"), "./testing/worker": entry("worker") },
  });
  for (const name of ["@types/node", "@cloudflare/workers-types"]) link(name);
});

/** What a test of somebody's Worker does. The marked lines must not compile. */
const APP = `
import {
  type Cache, type CacheSettings, type CacheSwitches, createCache, createEdge, createIssuer, createR2, createS3, deployedEnv,
  type Edge, type EdgeInit, type EdgeSettings, type Fault, type ImageOptions, type Issuer, type IssuerAlgorithm,
  type IssuerSettings, type IssuerSwitches, type Network, type R2, type R2Fault, type R2Stored, type Run,
  type RunContext, type S3, type S3Answer, type S3Fault, type S3Grant, type S3Settings, type Served, serveEdge,
  serveS3, type Session, type Stored, type Switches, type TokenOptions,
} from "vitrine/testing";
import { throughEdge, throughImages } from "vitrine/testing/worker";

const settings: S3Settings = {
  endpoint: "https://s3.eu-west-1.amazonaws.com",
  bucket: "acme-media",
  region: "eu-west-1",
  credentials: { accessKeyId: "an-id", secretAccessKey: "a-secret" },
};
export const s3: S3 = createS3(settings);
const object: Stored = { body: new Uint8Array(3), type: "image/jpeg" };
s3.objects.set("fig.jpg", object);
s3.faults.add("reset" satisfies S3Fault);
s3.grants.add("all-read" satisfies S3Grant);
export const answers: readonly S3Answer[] = s3.answers;

// One \`fetch\` is as good as another.
export const edge: Edge = createEdge({ zone: "images.example", fetch: s3.fetch });
export const outside = createEdge({ zone: "images.example", fetch });
export const network: Network = (input, init) =>
  s3.matches(input) ? s3.fetch(input, init) : fetch(input, init);
export const mixed = createEdge({ zone: "images.example", fetch: network });
export const stubs: (typeof fetch)[] = [edge.fetch, s3.fetch, throughEdge(fetch, "http://a.example")];
globalThis.fetch = edge.fetch;
globalThis.fetch = (input, init) => edge.fetch(input, init);

const image: ImageOptions = { width: 160, fit: "aspect-crop", gravity: { x: 0.5 } };
const init: EdgeInit = { method: "GET", headers: { a: "b" }, cf: { image } };
export const asked: Promise<Response>[] = [
  edge.fetch("https://images.example/a", init),
  edge.fetch(new URL("https://images.example/a"), { signal: AbortSignal.timeout(1) }),
  edge.fetch(new Request("https://images.example/a"), { headers: new Headers() }),
];
edge.switches.transformations = false;
edge.switches.failure = { code: 9522, status: 503 } satisfies Fault;
export const changed: Partial<Switches> = { quota: 1 };
export const edgeSettings: EdgeSettings = { zone: "images.example", fetch, ...changed };

export const far = throughImages(fetch, "http://a.example");

const session: Session = { secretAccessKey: "a", sessionToken: "b", expires: 0 };
export const withSessions = createS3({ ...settings, sessions: new Map([["ASIA1", session]]) });

const stored: R2Stored = { body: new Uint8Array(3), type: "image/jpeg" };
export const r2: R2 = createR2({ "fig.jpg": stored }, { now: () => 0, limitsWrites: ["put"] });
r2.faults.add("throws" satisfies R2Fault);
export const puts = r2.put("a", "b", { onlyIf: { etagDoesNotMatch: "*" } });
export const found = r2.get("fig.jpg").then((object) => object?.text());
export const asks: readonly unknown[] = r2.calls.map(({ method, key }) => [method, key]);

const broken: Partial<IssuerSwitches> = { slow: 2000 };
const issuerSettings: IssuerSettings = { issuer: "https://login.example.com/", ...broken };
export const issuer: Issuer = createIssuer(issuerSettings);
const alg: IssuerAlgorithm = "ES256";
const over: TokenOptions = { alg, expiresIn: -60 };
export const token: Promise<string> = issuer.token({ sub: "alice", aud: ["images"] }, over);
issuer.rotate({ forget: true });
issuer.switches.down = true;
stubs.push(issuer.fetch, (input, init) => (issuer.matches(input) ? issuer : s3).fetch(input, init));
export const withLogin = createEdge({
  zone: "images.example",
  fetch: (input, init) => (issuer.matches(input) ? issuer : s3).fetch(input, init),
});

export const env: { readonly GREETING: string } = deployedEnv({ GREETING: "Hello" });

const cacheSettings: CacheSettings = { now: () => 0, enabled: true };
export const cache: Cache = createCache(cacheSettings);
const make = (context: RunContext) => ({
  fetch: () => new Response(),
  purge: () => context.cache.purge({ tags: ["pages"] }),
});
export const pages = cache.entrypoint(make, { name: "Pages", version: "2" });
export const isPurged: Promise<boolean> = pages.purge({}).then(({ success }) => success);
export const others = cache.entrypoint(({ waitUntil }) => ({
  fetch: (request) => {
    waitUntil(Promise.resolve());
    return new Response(request.url);
  },
}));
export const runs: readonly Run[] = cache.runs;
export const { isBehindCache, isBackground, dataCenter } = cache.where();
export const transforms: boolean = cache.transforms();
export const switches: CacheSwitches = cache.switches;

export const alone = serveEdge({ fetch: (url, init) => edge.fetch(url, init) });
const failed = (reason: unknown) => String(reason);
export const servers: Promise<Served>[] = [serveEdge(edge, { failed }), serveEdge(edge), serveS3(s3)];

// @ts-expect-error an option that is misspelt
export const misspelt: ImageOptions = { widht: 160 };
// @ts-expect-error a fault that S3 does not have
s3.faults.add("asleep");
// @ts-expect-error an algorithm whose key is no pair
issuer.token({}, { alg: "HS256" });
// @ts-expect-error no switch of the edge
createEdge({ zone: "images.example", fetch, makeRendition: undefined });
`;

/** A Worker's own class needs the runtime's types. */
const WORKER = `
import { WorkerEntrypoint } from "cloudflare:workers";
import { cache, edge, far, r2 } from "./app.ts";

class Pages extends WorkerEntrypoint<{ readonly EDGE: string }> {
  override fetch(): Response {
    return new Response(this.env.EDGE);
  }
}
export const pages = cache.entrypoint(
  (context: ExecutionContext) => new Pages(context, { EDGE: "a" }),
);
const init: RequestInit<RequestInitCfProperties> = { cf: { image: { width: 1 }, cacheTtl: 1 } };
export const answer = edge.fetch("https://images.example/a", init);
export const bindings: ImagesBinding[] = [edge.images, far];
// @ts-expect-error an option that only cf.image has
export const onlyOfEdge = edge.images.input(new Blob([]).stream()).transform({ dpr: 2 });
export const bucket: R2Bucket = r2;
`;

type Environment = [name: string, lib: readonly string[], types: readonly string[], more: string];

const ENVIRONMENTS: Environment[] = [
  ["the types of Node.js alone", ["ES2022"], ["node"], ""],
  ["the types of Workers alone", ["ES2022"], ["@cloudflare/workers-types"], WORKER],
  ["the types of a browser alone", ["ES2022", "DOM", "DOM.Iterable"], [], ""],
  ["the types of Node.js and a browser", ["ES2022", "DOM", "DOM.Iterable"], ["node"], ""],
  ["the types of Node.js and Workers", ["ES2022"], ["node", "@cloudflare/workers-types"], WORKER],
];

describe.each(ENVIRONMENTS)("with %s", (_name, lib, types, more) => {
  test.each([
    ["bundler", "ESNext"],
    ["node16", "node16"],
  ])("a test of somebody's Worker compiles by moduleResolution %s", async (resolution, module) => {
    const project = mkdtempSync(join(folder, "project-"));
    write(join(project, "package.json"), { type: "module" });
    write(join(project, "app.ts"), APP);
    if (more !== "") write(join(project, "worker.ts"), more);
    // Without the types of Workers there is no ImagesBinding, and two kinds of types contradict each other.
    const skipLibCheck = types.join() !== "@cloudflare/workers-types";
    const here = { lib, types, module, moduleResolution: resolution, skipLibCheck };
    const compilerOptions = { ...STRICT, ...here, allowImportingTsExtensions: true };
    write(join(project, "tsconfig.json"), { compilerOptions });
    expect(await compile(project)).toEqual([]);
  });
});
