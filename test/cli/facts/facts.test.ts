// vitrine facts: what it reads, what it writes, and what it says.

import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { http } from "msw";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BOUND, createFolder, createProject, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { runFast } from "../../support/clock.ts";
import { createEmulators, file, network } from "../../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, NEXT, SECRETS, VARS } from "../../support/env.ts";
import { s3Error } from "../../support/network.ts";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const env = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

/** The bucket, and the folder of the project. */
const at = { ...createEmulators(), folder: "" };

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => {
  Object.assign(at, createEmulators(), { folder: createFolder() });
  at.s3.objects.clear();
});

/** Puts an object below the bucket's prefix. */
function put(key: string, body: Uint8Array): void {
  at.s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });
}

const facts = (args: readonly string[] = [], world: WorldOptions = {}) =>
  vitrine(["facts", ...args], { folder: at.folder, env, ...world });

const read = (file: string) => readFileSync(join(at.folder, file), "utf8");

/** Answers some requests in place of S3. Undefined: S3 answers. */
function instead(answer: (key: string, headers: Headers) => Response | undefined): void {
  network.use(
    http.get(`${BUCKET_URL}*`, ({ request }) => {
      const url = new URL(request.url);
      const key = url.searchParams.has("list-type") ? "" : decodeURIComponent(url.pathname);
      return answer(key.replace("/published/", ""), request.headers);
    }),
  );
}

/** The keys that S3 was asked for, in order; "" for each page of a list. */
function requestedKeys(): string[] {
  return at.s3.requests.map(({ url }) => {
    const { pathname, searchParams } = new URL(url);
    return searchParams.has("list-type")
      ? ""
      : decodeURIComponent(pathname.slice("/published/".length));
  });
}

const key = file("made/key.jpg");
const ring = file("made/transparent.png");
const KEY = { width: 120, height: 120, type: "image/jpeg", bytes: key.length };

test("it prints the facts of the only bucket as JSON, by key, and nothing of the bucket", async () => {
  put("b/key.jpg", key);
  put("a ring.png", ring);
  put("__proto__", key);
  put("constructor", key);
  put("photos/", new Uint8Array());
  at.s3.objects.set("secret/other.jpg", { body: key, type: "image/jpeg" });
  const { code, out, err } = await facts();
  expect(code).toBe(0);
  const printed = JSON.parse(out);
  expect(Object.keys(printed)).toEqual(["__proto__", "a ring.png", "b/key.jpg", "constructor"]);
  expect(Object.getOwnPropertyDescriptor(printed, "__proto__")?.value).toMatchObject(KEY);
  expect(printed["b/key.jpg"]).toEqual({
    ...KEY,
    ...{ color: "#384848", thumbhash: "V+gNLwIIl4d4d3hwi4aHl2h4iIAHCHgA" },
    version: expect.stringMatching(/^[\w-]{12}$/),
  });
  expect(printed["a ring.png"]).toMatchObject({ type: "image/png", alpha: true });
  // Not its ETag either: that may be the MD5 of a private original.
  expect(out).not.toMatch(/acme|published|media|etag|[\da-f]{32}/i);
  expect(out.trim().split("\n")).toHaveLength(6);
  expect(err).toContain("Left out: 1 object with keys that Vitrine cannot show.");
  expect(err).toContain("Facts of 4 originals. Asked for now: 4 objects.");
});

const keysIn = (file: string) => Object.keys(JSON.parse(read(file)));

const two = () =>
  createFolder({
    BUCKETS: { ...VARS.BUCKETS, more: { ...VARS.BUCKETS.media, prefix: "more/" } },
    ROUTES: [...VARS.ROUTES, { path: "/more/:preset/*", object: "more/*" }],
  });

test("it lists what begins with a prefix of a bucket", async () => {
  for (const one of ["b.jpg", "c.jpg", "photos/a.jpg"]) put(one, key);
  for (const [args, folder, keys] of [
    [["photos/"], at.folder, ["photos/a.jpg"]],
    [["media/"], two(), ["b.jpg", "c.jpg", "photos/a.jpg"]],
    [["media/photos/a"], two(), ["photos/a.jpg"]],
  ] as const) {
    const { code, out } = await facts(args, { folder });
    expect([code, Object.keys(JSON.parse(out))]).toEqual([0, keys]);
  }
});

describe("in the local run", () => {
  const SAMPLES = { "photos/fig.jpg": "photos/fig.jpg", "keys/100%.jpg": "made/key.jpg" };
  const BROKEN = {
    "broken/truncated.jpg": "broken/truncated.jpg",
    "broken/page.jpg": "broken/page.jpg",
  };
  const filesOf = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(([name, path]) => [name, file(path)] as const);

  /** Puts objects into the local bucket, and reads the facts of the keys that begin with a prefix. */
  async function localFacts(objects: readonly (readonly [string, Uint8Array])[], prefix = "") {
    const signingKeys = `URL_SIGNING_KEYS='${SECRETS.URL_SIGNING_KEYS}'`;
    writeFileSync(join(at.folder, ".dev.vars"), signingKeys);
    const bodies = new Map(objects);
    network.use(
      http.get("http://localhost:8787/cdn-cgi/local/r2/s3/:bucket/*", ({ request, params }) => {
        const { searchParams } = new URL(request.url);
        if (!searchParams.has("list-type")) {
          const name = `${params[0]}`.replace("published/", "");
          return new Response(Uint8Array.from(bodies.get(name) ?? []));
        }

        const items = objects.map(([objectKey, bytes]) => {
          const tag = hash("md5", bytes);
          return `<Contents><Key>published/${objectKey}</Key><ETag>"${tag}"</ETag><Size>${bytes.length}</Size></Contents>`;
        });
        const listed = items
          .filter((item) => item.includes(`<Key>${searchParams.get("prefix")}`))
          .join("");
        return new Response(
          `<ListBucketResult><IsTruncated>false</IsTruncated>${listed}</ListBucketResult>`,
          { headers: { "content-type": "application/xml" } },
        );
      }),
    );
    const args = [...(prefix ? [prefix] : []), "--url", "http://localhost:8787"];
    const { code, out, err } = await facts(args, { env: {} });
    return [code, Object.keys(JSON.parse(out)), /Left out: .*/.exec(err)?.[0]];
  }

  test("the samples have facts, and no broken one makes it fail", async () => {
    const objects = filesOf({ ...SAMPLES, ...BROKEN });
    const left = "Left out: 2 broken samples of the local run.";
    expect(await localFacts(objects)).toEqual([0, Object.keys(SAMPLES).sort(), left]);
  });

  test("pictures of the project have facts alone, also one with the key of a sample", async () => {
    const ownObjects = [
      ["own/a.jpg", key],
      ["photos/fig.jpg", ring],
    ] as const;
    const objects = [...filesOf({ ...SAMPLES, ...BROKEN }).slice(1), ...ownObjects];
    const left =
      "Left out: 3 samples of the local run: beside pictures of yours, none of them has facts.";
    expect(await localFacts(objects)).toEqual([0, ["own/a.jpg", "photos/fig.jpg"], left]);
    expect(await localFacts(objects, "keys/")).toEqual([0, ["keys/100%.jpg"], undefined]);
  });

  test("a broken picture of the project is still named, and the exit code says so", async () => {
    const truncated = file("broken/truncated.jpg");
    const result = await localFacts([
      ["own/a.jpg", key],
      ["own/b.jpg", truncated],
    ]);
    expect(result).toEqual([1, ["own/a.jpg"], undefined]);
  });
});

test("arguments that make no sense are refused, and S3 is not asked", async () => {
  const results: [string, CommandResult][] = [];
  for (const args of [
    [],
    ["photos/"],
    ["media/a", "media/b"],
    ["media/", "--out", "facts.js"],
    ["media/", "--out", "facts.d.ts"],
  ]) {
    const ended = await facts(args, { folder: two() });
    expect([args, ended.out, at.s3.requests]).toEqual([args, "", []]);
    results.push([args.join(" "), ended]);
  }
  await expectGolden("refused.txt", results);
});

test("it reads with the next slot if S3 refuses the current one", async () => {
  put("a.jpg", key);
  at.s3.keys.set(NEXT.AWS_ACCESS_KEY_ID_NEXT, NEXT.AWS_SECRET_ACCESS_KEY_NEXT);
  at.s3.keys.delete(CREDENTIALS.accessKeyId);
  let lists = 0;
  // The list has the next slot already: only GETs show it.
  instead((one, headers) => {
    const isFirst = headers.get("authorization")?.includes(CREDENTIALS.accessKeyId);
    if (one === "") lists += 1;
    return one !== "" && isFirst ? s3Error("InvalidAccessKeyId", 403) : undefined;
  });
  const ended = await facts([], { env: { ...env, ...NEXT } });
  expect([ended.code, Object.keys(JSON.parse(ended.out)), lists]).toEqual([0, ["a.jpg"], 2]);
});

test("where nothing can be read, it says what to do", async () => {
  const results: [string, CommandResult][] = [];
  const refuse = (status: number, code: string) => () => {
    for (let one = 0; one < 30; one += 1) put(`${one}.jpg`, key);
    instead((one) => (one === "" ? undefined : s3Error(code, status)));
  };
  runFast(50);
  for (const [title, spoil] of [
    ["there is no object", () => {}],
    ["the key may not list", () => at.s3.faults.add("no-list-bucket")],
    ["S3 refuses the key", () => at.s3.faults.add("other-secret")],
    ["S3 refuses the key while originals are read", refuse(403, "SignatureDoesNotMatch")],
    ["S3 is out of order", refuse(503, "SlowDown")],
  ] as const) {
    at.s3.faults.clear();
    spoil();
    const ended = await facts();
    expect([title, ended.code, ended.out]).toEqual([title, 2, ""]);
    // How many are under way when it stops depends on the machine.
    const lines = ended.err.split("\n").filter((line) => !/^ {2}(?!0\.)|\d+\/\d+/.test(line));
    const err = lines.join("\n").replace(/[1-9]\d* (?=originals|objects)/g, "… ");
    results.push([title, { ...ended, err }]);
  }
  await expectGolden("unread.txt", results);
});

test("an object that S3 fails to give is named, and the rest is kept", async () => {
  runFast(50);
  for (const one of ["a.jpg", "busy.jpg", "broken-off.jpg", "z.jpg"]) put(one, key);
  let isWell = false;
  instead((one) => {
    if (isWell) return undefined;
    if (one === "busy.jpg") return s3Error("InternalError", 500);
    if (one !== "broken-off.jpg") return undefined;
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(key.slice(0, 99));
        stream.error(new TypeError("terminated"));
      },
    });
    return new Response(body);
  });
  const ended = await facts(["--out", "facts.json"]);
  expect([ended.code, keysIn("facts.json")]).toEqual([1, ["a.jpg", "z.jpg"]]);
  expect(ended.err).toMatch(/^ {2}busy\.jpg: S3: InternalError: /m);
  expect(ended.err).toMatch(/^ {2}broken-off\.jpg: S3: .*broke off/m);
  at.s3.requests.splice(0);
  isWell = true;
  await facts(["--out", "facts.json"]);
  expect(keysIn("facts.json")).toHaveLength(4);
  expect(requestedKeys().toSorted()).toEqual(["", "broken-off.jpg", "busy.jpg"]);
});

test("interrupted, it goes on with the next run, and reads nothing again", async () => {
  const keys = Array.from({ length: 60 }, (_, index) => `photos/ü ${index}%+&'.jpg`);
  for (const one of keys) put(one, key);
  let [requests, limit] = [0, 20];
  let interrupt = new AbortController();
  instead((one) => {
    if (one !== "") requests += 1;
    if (requests >= limit) interrupt.abort();
    return undefined;
  });
  const run = () => facts(["--out", "facts.json"], { interrupted: interrupt.signal });
  expect((await run()).code).toBe(130);
  const before = keysIn("facts.json").length;
  expect(before).toBeGreaterThan(5);
  [interrupt, limit, requests] = [new AbortController(), Number.POSITIVE_INFINITY, 0];
  expect([(await run()).code, requests]).toEqual([0, keys.length - before]);
  expect(keysIn("facts.json")).toEqual(keys.toSorted());
});

test("a file is not replaced by nothing", async () => {
  put("a.jpg", key);
  await facts(["--out", "facts.json"]);
  const text = read("facts.json");
  instead((one) => (one === "" ? undefined : s3Error("AccessDenied", 403)));
  put("a.jpg", ring);
  const ended = await facts(["--out", "facts.json"]);
  expect([ended.code, ended.out, read("facts.json")]).toEqual([2, "", text]);
  expect(ended.err).toMatch(/a\.jpg: S3: AccessDenied: missing, or not allowed/);
});

/** A body without end, and how much of it was read. */
const endless = (text: string, length: string) => {
  const read = { chunks: 0 };
  const pull = (stream: ReadableStreamDefaultController) => {
    read.chunks += 1;
    stream.enqueue(new TextEncoder().encode(text.padEnd(65_536)));
  };
  const headers = { "content-length": length };
  return { read, answer: () => new Response(new ReadableStream({ pull }), { headers }) };
};

test("what is larger than Cloudflare reads, or certainly no image, is not read to its end (L1)", async () => {
  put("a.jpg", key);
  const { read, answer } = endless("?", "100000001");
  const film = endless("\0\0\0\x18ftypisom", "99000000");
  const entry = (name: string, size: number) =>
    `<Contents><Key>published/${name}</Key><Size>${size}</Size></Contents>`;
  const entries = [
    entry("a.jpg", 1),
    entry("told.jpg", 1),
    entry("film.mp4", 1),
    entry("listed.jpg", 100_000_001),
  ];
  const list = `<ListBucketResult><IsTruncated>false</IsTruncated>${entries.join("")}</ListBucketResult>`;
  const headers = { "content-type": "application/xml" };
  instead((one) => {
    if (one === "") return new Response(list, { headers });
    if (one === "listed.jpg") throw new Error("it was asked for");
    if (one === "film.mp4") return film.answer();
    return one === "told.jpg" ? answer() : undefined;
  });
  const ended = await facts();
  expect([ended.code, Object.keys(JSON.parse(ended.out))]).toEqual([1, ["a.jpg"]]);
  expect(ended.err).toMatch(
    /^ {2}listed\.jpg: over 100 MB, and Cloudflare reads at most 100 MB: visitors get 415$/m,
  );
  expect(ended.err).toMatch(/^ {2}told\.jpg: over 100 MB/m);
  expect([read.chunks < 10, film.read.chunks < 10]).toEqual([true, true]);
});

/** The heads of formats that sharp does not write. */
const HEIC = new TextEncoder().encode("\0\0\0\x18ftypheic\0\0\0\0mif1heic");
const JPEG_XL = Buffer.from("\xff\n\xfa\x7f".padEnd(900), "latin1");

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="8"/>');
const LONG = { create: { width: 12_001, height: 1, channels: 3, background: "red" } } as const;

/** What visitors get of each of these originals, with each engine. */
const FORMATS = {
  "avif.jpg": "visitors get 415: Cloudflare reads AVIF for Enterprise accounts only: convert it",
  "jpeg.avif": undefined,
  "photo.jxl": "visitors get 415: Cloudflare reads no JPEG XL: convert it",
  "photo.tif": "visitors get 415: Cloudflare reads no TIFF: convert it",
  "text.txt": undefined,
};
const BY_BINDING = { media: { ...VARS.BUCKETS.media, engine: "binding" } };
const [PLAIN_ROUTE] = VARS.ROUTES;
const { env: _env, ...TOP } = STAGED;

test.each<[engine: string, vars: object, expected: Record<string, string | undefined>]>([
  [
    "cf",
    {},
    {
      ...FORMATS,
      "photo.heic": "visitors may get 415: Cloudflare's pages contradict each other",
      "icon.svg": undefined,
      "large.jpg": undefined,
    },
  ],
  [
    "binding",
    { BUCKETS: BY_BINDING, ROUTES: [PLAIN_ROUTE], PRESETS: { card: { width: 9 } } },
    {
      ...FORMATS,
      "photo.heic": undefined,
      "icon.svg": "visitors get 415: no route with svg = true shows this SVG: write such a route",
      "large.jpg":
        "visitors get 415: over 20 MB, and the Images binding reads at most 20 MB: make it",
    },
  ],
])(
  "with the engine %s, each run names what visitors do not see (B1, B4, L1, R8)",
  async (_engine, vars, expected) => {
    const image = sharp(key);
    const bodies: Readonly<Record<string, Uint8Array>> = {
      "avif.jpg": await image.clone().avif({ effort: 0 }).toBuffer(),
      "jpeg.avif": key,
      "photo.jxl": JPEG_XL,
      "photo.tif": await image.clone().tiff().toBuffer(),
      "text.txt": Buffer.from("no picture"),
      "photo.heic": HEIC,
      "icon.svg": SVG,
      "large.jpg": Buffer.concat([key, Buffer.alloc(20_000_001 - key.length)]),
    };
    for (const [name, body] of Object.entries(bodies)) put(name, body);
    const config = { ...TOP, images: BOUND.images, vars: { ...VARS, ...vars } };
    const folder = createProject(config);

    for (const run of ["first", "second"]) {
      const { code, err } = await facts(["--out", "facts.json"], { folder });
      // HEIC has no facts, because sharp reads none.
      expect([run, code, err.match(/^No facts of .*\n .*/m)?.[0]]).toEqual([
        run,
        1,
        "No facts of 1 original:\n  photo.heic: HEIC: sharp cannot read it",
      ]);
      const [, warned = ""] = err.split(/^Warning: .*\n/m);
      for (const [name, text] of Object.entries(expected)) {
        const line = warned.split("\n").find((line) => line.startsWith(`  ${name}: `));
        expect([run, name, line]).toEqual([
          run,
          name,
          text && expect.stringContaining(`: ${text}`),
        ]);
      }
    }
    const written = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8"));
    expect(Object.keys(written)).toEqual(["avif.jpg", "icon.svg", "jpeg.avif", "large.jpg"]);
  },
);

test("an original over the limits of all engines has no facts, and visitors get 415 (L1)", async () => {
  put("long.png", await sharp(LONG).png().toBuffer());
  put("a.jpg", key);
  const { code, err } = await facts();
  expect(code).toBe(1);
  expect(err).toMatch(/^ {2}long\.png: 12001 × 1 px, .* 12,000 px a side: visitors get 415$/m);
  expect(err).not.toContain("Warning");
});

test("a file is written whole, and only over one that this command wrote", async () => {
  put("a.jpg", key);
  const write = (name: string, text: string) => writeFileSync(join(at.folder, name), text);
  for (const name of ["src/facts.json", "src/facts.ts"]) {
    const first = await facts(["--out", name]);
    expect([first.code, first.out]).toEqual([0, `Wrote: ${name} with the facts of 1 original\n`]);
    const text = read(name);
    const again = await facts(["--out", name]);
    expect(again.out).toBe(`Unchanged: ${name} with the facts of 1 original\n`);
    put("b.png", ring);
    await facts(["--out", name]);
    expect(read(name)).not.toBe(text);
    at.s3.objects.delete("published/b.png");
    await facts(["--out", name]);
    expect(read(name)).toBe(text);
  }
  at.s3.requests.splice(0);
  for (const [name, text] of [
    ["own.json", '{ "name": "my-app" }'],
    ["list.json", "[]"],
    ["cut.json", '{ "a.jpg": {'],
    ["own.ts", "export const facts = {};\n"],
    ["formatted.ts", 'export const facts = {\n  "a.jpg": {\n    width: 1,\n  },\n} as const ;\n'],
    ["endless.json", '{"a.jpg":{"width":1e999,"height":1,"bytes":1,"type":"image/png"}}'],
    ["text.json", '{"a.jpg":{"width":"1","height":1,"bytes":1,"type":"image/png"}}'],
  ] as const) {
    write(name, text);
    const refused = await facts(["--out", name]);
    expect([refused.code, read(name)]).toEqual([2, text]);
    expect(refused.err).toContain(`${name}: this command did not write that file`);
  }
  const nowhere = await facts(["--out", "nowhere/facts.ts"]);
  expect(nowhere.err).toContain("nowhere/facts.ts: there is no folder nowhere: make it first");
  expect(at.s3.requests).toEqual([]);
});

test("a facts.json that a formatter changed is still the memory, and is replaced", async () => {
  put("a.jpg", key);
  await facts(["--out", "facts.json"]);
  const text = read("facts.json");
  writeFileSync(join(at.folder, "facts.json"), JSON.stringify(JSON.parse(text), undefined, 2));
  at.s3.requests.splice(0);
  expect((await facts(["--out", "facts.json"])).code).toBe(0);
  expect([read("facts.json"), requestedKeys().filter(Boolean)]).toEqual([text, []]);
});

test.each(["facts.json", "facts.ts"])("%s is the memory: only changes are read", async (out) => {
  const hidden = "\u202e\u200b\u{e0041}.jpg";
  for (const one of ["a.jpg", "b.jpg", "__proto__", hidden, "gone.jpg"]) put(one, key);
  await facts(["--out", out]);
  const asksFor = async () => {
    at.s3.requests.splice(0);
    const ended = await facts(["--out", out]);
    expect(ended.code).toBe(0);
    return requestedKeys().filter(Boolean).toSorted();
  };
  expect(await asksFor()).toEqual([]);
  put("b.jpg", ring);
  put("new.jpg", key);
  at.s3.objects.delete("published/gone.jpg");
  expect(await asksFor()).toEqual(["b.jpg", "new.jpg"]);
  expect(read(out)).not.toMatch(/gone\.jpg|[\u202e\u200b\u{e0041}]/u);
  expect(read(out)).toContain('"\\u202e\\u200b\\udb40\\udc41.jpg"');
  expect(read(out)).toContain("image/png");
});

/** Puts an object with a focal point, as a copy onto itself does: bytes and ETag stay. */
const setFocus = (one: string, focus: string) =>
  at.s3.objects.set(`published/${one}`, { body: key, type: "image/jpeg", metadata: { focus } });

test.each(["facts.json", "facts.ts"])("%s has the focal points that are right", async (out) => {
  setFocus("a.jpg", " 0.623,0.3");
  setFocus("wrong.jpg", "0.6;0.3");
  expect((await facts(["--out", out])).code).toBe(0);
  expect(read(out)).toMatch(/"a\.jpg": .*,"focus":\{"x":0\.62,"y":0\.3\},"version"/);
  expect(read(out)).toMatch(/"wrong\.jpg": (?!.*focus)/);
  expect((await facts(["--out", out])).out).toContain("Unchanged");
});

describe("where a preset crops around the focal point,", () => {
  const PRESETS = { card: { ...VARS.PRESETS.card, gravity: "object" } };
  const run = async () => {
    at.s3.requests.splice(0);
    expect((await facts(["--out", "facts.json"])).code).toBe(0);
    return JSON.parse(read("facts.json"));
  };
  /** The keys that were read whole, and those of which only the head was. */
  const sent = (isPart: boolean) => {
    const { requests } = at.s3;
    const keys = requestedKeys().filter(
      (one, at) => one && requests[at]?.headers.has("range") === isPart,
    );
    return keys.toSorted();
  };

  beforeEach(() => {
    at.folder = createFolder({ PRESETS, ROUTES: [{ path: "/:preset/*", object: "media/*" }] });
  });

  test("each run asks for it, and reads no original again for that", async () => {
    setFocus("a.jpg", "0,0");
    put("b.jpg", key);
    const first = await run();
    expect([sent(false), sent(true)]).toEqual([["a.jpg", "b.jpg"], []]);
    expect(await run()).toEqual(first);
    expect([sent(false), sent(true)]).toEqual([[], ["a.jpg", "b.jpg"]]);
    setFocus("a.jpg", "1,0.5");
    setFocus("b.jpg", "0.5,0.5");
    const second = await run();
    expect([sent(false), sent(true)]).toEqual([[], ["a.jpg", "b.jpg"]]);
    for (const [one, focus] of [
      ["a.jpg", { x: 1, y: 0.5 }],
      ["b.jpg", { x: 0.5, y: 0.5 }],
    ] as const) {
      const version = expect.not.stringMatching(first[one].version);
      expect(second[one]).toEqual({ ...first[one], focus, version });
    }
  });

  test("an original that is replaced after the list is read whole", async () => {
    put("a.jpg", key);
    await run();
    instead((one) => {
      if (one === "a.jpg") put("a.jpg", ring);
      return undefined;
    });
    expect((await run())["a.jpg"]).toMatchObject({ type: "image/png", alpha: true });
  });
});
