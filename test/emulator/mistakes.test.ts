// Mistakes in a test of somebody's Worker, which no compiler has seen: each throws, and says what is right.

import { expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdge } from "../../src/emulator/create-edge.ts";
import { STRICT } from "../../src/emulator/edge/switches.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";

const credentials = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
const S3 = { endpoint: "https://s3.example", bucket: "media", region: "eu", credentials };
const EDGE = { zone: "images.example", fetch };
const CACHE = { ...createCache().switches };

/** Calls a function with what its types do not allow. */
const call = (one: unknown, ...args: unknown[]): unknown => Reflect.apply(Object(one), null, args);

function thrownBy(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return expect.unreachable("nothing was thrown");
}

const createEmptyR2 = (settings: object) => call(createR2, {}, settings);

const KEYS = "is not { accessKeyId: text; secretAccessKey: text }";

/** A wrong or unknown setting, and how its message begins. */
const OF_EDGE: [settings: object, message: string][] = [
  [{ source: [], cahce: true }, "unknown: source, cahce. Known: zone, fetch, now, workers, transf"],
  ...["a.example", ["https://a.example"], ["A.example"], [undefined], ["*"]].map(
    (sources): [object, string] => [{ sources }, "is not a list of hosts, each with"],
  ),
  [{ quota: -1 }, "quota: -1 is not"],
  [{ limits: { bytes: 1 } }, "limits: is not { bytes: a whole number"],
  [{ zone: "https://images.example" }, "zone: this text is not"],
  [{ fetch: createS3(S3) }, "fetch: is not a function"],
  [{ now: 5 }, "now: 5 is not"],
  [{ workers: { "https://a.example": fetch } }, "workers: is not"],
];

const OF_S3: typeof OF_EDGE = [
  [{ endpoint: "s3.example" }, 'endpoint: "s3.example" is not'],
  [{ bucket: "a/b" }, 'bucket: "a/b" is not'],
  [{ credentials: { ...credentials, token: "a" } }, `credentials: ${KEYS}`],
  [{ dialect: "minio" }, 'dialect: "minio" is not one of aws, r2'],
  [{ readable: 1 }, "readable: 1 is not"],
];

test.each([
  ["createEdge", createEdge, EDGE, OF_EDGE],
  ["createCache", createCache, {}, [[{ enable: false }, "unknown: enable. Known: now, enabled"]]],
  ["createR2", createEmptyR2, {}, [[{ limitsWrites: ["get"] }, "limitsWrites: [get] is not"]]],
  ["createS3", createS3, S3, OF_S3],
] as const)("%s refuses a setting that is wrong or unknown", (name, create, usual, rows) => {
  for (const [settings, message] of rows) {
    const thrown = thrownBy(() => call(create, { ...usual, ...settings }));
    expect(thrown).toContain(message);
    expect(thrown.split("\n")).toEqual([expect.stringMatching(`^${name}: `)]);
  }
});

test("all mistakes are reported, each in a line, and no credentials are repeated", () => {
  const edge = thrownBy(() => call(createEdge, { fetch, zones: ["a"], sources: "a" }));
  expect(edge.split("\n")).toEqual([
    expect.stringContaining("createEdge: unknown: zones. "),
    expect.stringContaining("createEdge: zone: undefined "),
    expect.stringContaining('createEdge: sources: "a" is '),
  ]);
  const { credentials: _, ...rest } = S3;
  const thrown = thrownBy(() => call(createS3, { ...rest, ...credentials }));
  expect(thrown).toContain("createS3: unknown: accessKeyId, secretAccessKey. Known: ");
  expect(thrown).toContain(`createS3: credentials: undefined ${KEYS}`);
  expect(thrown).not.toContain("a-secret");
});

test("a switch that is wrong, unknown or no switch throws, and changes nothing", () => {
  const edge = createEdge(EDGE);
  for (const [changed, message] of [
    [{ transformation: false }, "switches: unknown: transformation. Known: transformations, "],
    [{ constructor: Object }, "switches: unknown: constructor. Known: "],
    [{ failure: "9999" }, 'switches.failure: "9999" is not'],
  ] as const) {
    expect(thrownBy(() => Object.assign(edge.switches, changed))).toContain(message);
  }
  const { sources, limits } = edge.switches; // those of all edges
  thrownBy(() => call(Array.prototype.push.bind(sources), "a.example"));
  thrownBy(() => Object.assign(limits, { bytes: 1 }));
  expect({ ...edge.switches }).toEqual(STRICT);
  const { switches } = createCache();
  const message = 'switches.loopback: "lost" is not one of transformed';
  expect(thrownBy(() => Object.assign(switches, { loopback: "lost" }))).toContain(message);
  thrownBy(() => Object.defineProperty(switches, "enable", { value: false }));
  expect(Reflect.deleteProperty(switches, "enabled")).toBe(false);
  expect({ ...switches }).toEqual(CACHE);
});

test("a fault or a grant that S3 does not know is refused", () => {
  const { faults, grants } = createS3(S3);
  const ofFault = thrownBy(() => call(faults.add.bind(faults), "slow-down"));
  expect(ofFault).toContain("s3.faults: unknown: slow-down. Known: no-list-bucket, ");
  const ofGrant = thrownBy(() => call(grants.add.bind(grants), "x"));
  expect(ofGrant).toBe("s3.grants: unknown: x. Known: all-read, all-list, write");
  expect([...faults, ...grants]).toEqual([]);
});

test("an object that is none is refused by its key", () => {
  const { objects } = createS3(S3);
  const body = Buffer.from("a");
  for (const object of [body, { body: "a", type: "image/jpeg" }, { body }, undefined]) {
    expect(thrownBy(() => call(objects.set.bind(objects), "a.jpg", object))).toContain(
      's3.objects: "a.jpg" is not { body: bytes, type: "image/jpeg" }, where bytes are a',
    );
  }
  const pendingBody = { body: Promise.resolve(body), type: "image/jpeg" };
  const thrown = thrownBy(() => call(objects.set.bind(objects), "a.jpg", pendingBody));
  expect(thrown).toContain("The body is a Promise: await it");
  const slash = thrownBy(() => objects.set("/a.jpg", { body, type: "image/jpeg" }));
  expect(slash).toBe('s3.objects: "/a.jpg" begins with a slash: no key does');
  expect(objects.size).toBe(0);
});
