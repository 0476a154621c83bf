// Mistakes in a test of somebody's Worker, which no compiler has seen: each throws, and says what is right.

import { expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdge } from "../../src/emulator/create-edge.ts";
import { STRICT } from "../../src/emulator/edge/switches.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";

const credentials = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
const S3 = { endpoint: "https://s3.example", bucket: "media", region: "eu", credentials };
const EDGE = { zone: "images.example", fetch };
const CACHE = { ...createCache().switches };

/** Calls a function with what its types do not allow. */
const call = (one: unknown, ...args: unknown[]): unknown => Reflect.apply(Object(one), null, args);

/** Returns what a function throws. It must be a TypeError. */
function thrownBy(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return expect.unreachable("nothing was thrown");
}

const HOST = "is not a host in lower case, without https:// and without a path, such as";
const SOURCES = "is not a list of hosts, each with or without a path, such as *.example/photos";

test.each([
  [{ transformation: false }, "unknown: transformation. Known: zone, fetch, now, workers, transf"],
  [{ source: [], cahce: true }, "unknown: source, cahce. Known: zone, fetch, "],
  [{ constructor: 1 }, "unknown: constructor. Known: "],
  [{ transformations: "off" }, 'transformations: "off" is not one of true, false'],
  [{ unplayable: "ignored" }, 'unplayable: "ignored" is not one of refused, left-out'],
  [{ sources: "a.example" }, `sources: "a.example" ${SOURCES}`],
  [{ sources: ["https://a.example"] }, `sources: [https://a.example] ${SOURCES}`],
  [{ sources: ["A.example"] }, `sources: [A.example] ${SOURCES}`],
  [{ sources: [undefined] }, `sources: [] ${SOURCES}`],
  [{ sources: ["*"] }, `sources: [*] ${SOURCES}`],
  [
    { plain: ["http://a.example"] },
    "plain: [http://a.example] is not a list of hosts, without http://",
  ],
  [{ quota: -1 }, "quota: -1 is not a whole number, 0 or more"],
  [{ quota: Number.NaN }, "quota: NaN is not a whole number, 0 or more"],
  [{ patience: "1s" }, 'patience: "1s" is not a whole number, 0 or more'],
  [
    { trouble: "9999" },
    'trouble: "9999" is not a failure of the edge, such as { code: 9522, status: 503 }',
  ],
  [{ trouble: "constructor" }, 'trouble: "constructor" is not a failure of the edge'],
  [{ limits: { bytes: 1 } }, "limits: is not { bytes: a whole number, 0 or more; pixels: "],
  [{ limits: null }, "limits: null is not { bytes: "],
  [{ originalIsSmaller: { of: "bytes", sent: "x" } }, "originalIsSmaller: is not { of: one of "],
  [{ zone: undefined }, `zone: undefined ${HOST} images.example`],
  [{ zone: "https://a.b" }, `zone: "https://a.b" ${HOST} images.example`],
  [{ zone: "a.example/" }, `zone: "a.example/" ${HOST} images.example`],
  [{ zone: "https://images.example" }, `zone: this text ${HOST} images.example`],
  [{ fetch: undefined }, "fetch: undefined is not a function"],
  [{ fetch: createS3(S3) }, "fetch: is not a function"],
  [{ now: 5 }, "now: 5 is not a function, or left out"],
  [
    { workers: { "https://a.example": fetch } },
    "workers: is not a table of functions by the hosts",
  ],
  [{ workers: { "a.example": 1 } }, "workers: is not a table of functions by the hosts"],
])("createEdge refuses %o", (given, message) => {
  const thrown = thrownBy(() => call(createEdge, { ...EDGE, ...given }));
  expect(thrown).toContain(`createEdge: ${message}`);
  expect(thrown.split("\n")).toHaveLength(1);
});

test.each([
  [undefined, ["createEdge: zone: undefined is not ", "createEdge: fetch: undefined is not "]],
  [
    { fetch, zones: ["a"], sources: "a" },
    [
      "createEdge: unknown: zones. ",
      "createEdge: zone: undefined ",
      'createEdge: sources: "a" is ',
    ],
  ],
])("createEdge tells all mistakes of %o, each in a line", (given, messages) => {
  const lines = thrownBy(() => call(createEdge, given)).split("\n");
  expect(lines).toEqual(messages.map((message) => expect.stringContaining(message)));
});

test.each([
  [{ enable: false }, "unknown: enable. Known: now, enabled, crossVersion, runsIn, loopback"],
  [{ enabled: "no" }, 'enabled: "no" is not one of true, false'],
  [{ runsIn: "lower" }, 'runsIn: "lower" is not one of upper, visitor'],
  [{ now: 5 }, "now: 5 is not a function, or left out"],
])("createCache refuses %o", (given, message) => {
  expect(thrownBy(() => call(createCache, given))).toBe(`createCache: ${message}`);
});

const ENDPOINT =
  "is not the URL of an S3 without a path, such as https://s3.eu-west-1.amazonaws.com";
const KEYS = "credentials: is not { accessKeyId: text; secretAccessKey: text }";

test.each([
  [{ endpoint: "s3.example" }, `endpoint: "s3.example" ${ENDPOINT}`],
  [{ endpoint: "https://a.b/c" }, `endpoint: "https://a.b/c" ${ENDPOINT}`],
  [{ endpoint: undefined }, `endpoint: undefined ${ENDPOINT}`],
  [{ bucket: "" }, 'bucket: "" is not the name of a bucket, without a slash'],
  [{ bucket: "a/b" }, 'bucket: "a/b" is not the name of a bucket, without a slash'],
  [{ region: undefined }, "region: undefined is not text"],
  [{ credentials: {} }, KEYS],
  [{ credentials: { ...credentials, secretAccessKey: "" } }, KEYS],
  [{ credentials: { ...credentials, token: "a" } }, KEYS],
  [{ credentials: undefined }, KEYS.replace(":", ": undefined")],
  [{ dialect: "minio" }, 'dialect: "minio" is not one of aws, r2, or left out'],
  [
    { prefix: "a/" },
    "unknown: prefix. Known: endpoint, bucket, region, credentials, sessions, dialect, read",
  ],
  [{ readable: 1 }, "readable: 1 is not a prefix of keys, or left out"],
])("createS3 refuses %o", (given, message) => {
  expect(thrownBy(() => call(createS3, { ...S3, ...given }))).toContain(`createS3: ${message}`);
});

test("credentials beside the settings are refused, and not repeated", () => {
  const { credentials: _, ...rest } = S3;
  const thrown = thrownBy(() => call(createS3, { ...rest, ...credentials }));
  expect(thrown).toContain("createS3: unknown: accessKeyId, secretAccessKey. Known: ");
  expect(thrown).toContain("createS3: credentials: undefined is not { accessKeyId: text; ");
  expect(thrown).not.toContain("a-secret");
});

test.each([
  ["transformation", false, "switches: unknown: transformation. Known: transformations, "],
  ["zone", "a.example", "switches: unknown: zone. Known: transformations, "],
  ["constructor", Object, "switches: unknown: constructor. Known: "],
  [
    "trouble",
    "9999",
    'switches.trouble: "9999" is not a failure of the edge, such as { code: 9522, status: 503 }',
  ],
  ["transformations", "off", 'switches.transformations: "off" is not one of true, false'],
  ["sources", ["https://a.b"], `switches.sources: [https://a.b] ${SOURCES}`],
])("edge.switches.%s = %o throws, and changes nothing", (name, value, message) => {
  const { switches } = createEdge(EDGE);
  expect(thrownBy(() => Object.assign(switches, { [name]: value }))).toContain(message);
  expect({ ...switches }).toEqual(STRICT);
});

test("no switch of the cache can be misspelt, taken away or added", () => {
  const { switches } = createCache();
  const set = (changed: object) => thrownBy(() => Object.assign(switches, changed));
  expect(set({ enable: false })).toBe(
    "switches: unknown: enable. Known: enabled, crossVersion, runsIn, loopback",
  );
  expect(set({ loopback: "lost" })).toContain(
    'switches.loopback: "lost" is not one of transformed',
  );
  thrownBy(() => Object.defineProperty(switches, "enable", { value: false }));
  expect(Reflect.deleteProperty(switches, "enabled")).toBe(false);
  expect({ ...switches }).toEqual(CACHE);
});

test("a list or table of one edge is not changed for all edges", () => {
  const { sources, limits } = createEdge(EDGE).switches;
  thrownBy(() => call(Array.prototype.push.bind(sources), "a.example"));
  thrownBy(() => Object.assign(limits, { bytes: 1 }));
});

test("each default is one that may be set, and a switch that was set counts", async () => {
  const edge = createEdge({ ...EDGE, ...STRICT, fetch: async () => new Response("whole") });
  Object.assign(edge.switches, STRICT, {
    quota: Number.POSITIVE_INFINITY,
    trouble: { code: 9408, status: 403 },
  });
  const ask = () => edge.fetch("https://images.example/a", { cf: { image: { width: 8 } } });
  expect((await ask()).headers.get("cf-resized")).toBe("err=9408");
  edge.switches.transformations = false;
  expect(await (await ask()).text()).toBe("whole");
  Object.assign(createCache({ ...CACHE }).switches, CACHE);
});

test("a fault or a grant that S3 does not know is refused", () => {
  const { faults, grants } = createS3(S3);
  expect(thrownBy(() => call(faults.add.bind(faults), "slow-down"))).toMatch(
    /^s3\.faults: unknown: slow-down\. Known: no-list-bucket, .*, stall-midway$/,
  );
  expect(thrownBy(() => call(grants.add.bind(grants), "x"))).toBe(
    "s3.grants: unknown: x. Known: all-read, all-list, write",
  );
  expect([...faults, ...grants]).toEqual([]);
});

const WRONG = 's3.objects: "a.jpg" is not { body: bytes, type: "image/jpeg" }, where bytes are a';

test.each([
  ["bare bytes", Buffer.from("a"), WRONG],
  ["a body of text", { body: "a", type: "image/jpeg" }, WRONG],
  ["a body without a type", { body: Buffer.from("a") }, WRONG],
  ["nothing", undefined, WRONG],
  [
    "a Promise of a body",
    { body: Promise.resolve(Buffer.from("a")), type: "image/jpeg" },
    "The body is a Promise: await it",
  ],
])("an object that is %s is refused by its key", (_, object, message) => {
  const { objects } = createS3(S3);
  expect(thrownBy(() => call(objects.set.bind(objects), "a.jpg", object))).toContain(message);
  expect(objects.size).toBe(0);
});
