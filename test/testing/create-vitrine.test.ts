// `createVitrine`: an app's whole Vitrine in one call. Each test asks it as the test of an app does.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { createVitrine, type R2Fault, type VitrineSettings } from "../../src/testing/index.ts";
import { createProject, STAGED } from "../support/cli/folder.ts";
import { vitrine as runCommand } from "../support/cli/vitrine.ts";
import { file } from "../support/emulators.ts";
import { VARS } from "../support/env.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const picture = file("made/key.jpg");
const other = file("made/rotated-gps.jpg");
const { prefix: _prefix, ...MEDIA } = VARS.BUCKETS.media;

const TOKEN = {
  issuer: "https://acme.eu.auth0.com/",
  keys: "https://acme.eu.auth0.com/.well-known/jwks.json",
  audience: "images",
  claims: { sub: ":user" },
};

/** An app with a route of each kind, and a store. */
const APP = {
  BUCKETS: { media: MEDIA },
  ROUTES: [
    { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: TOKEN },
    { path: "/private/:preset/*", object: "media/private/*", signed: true },
    { path: "/images/:preset/*", object: "media/photos/*" },
  ],
  PRESETS: { card: { width: 160 } },
  ANSWERS: { store: "RENDITIONS" },
};

const OBJECTS = {
  "photos/key.jpg": picture,
  "private/key.jpg": picture,
  "users/alice/key.jpg": picture,
};

const URL_OF_KEY = "/images/card/key.jpg";

describe.each(["cf", "binding"] as const)("with the engine %s", (engine) => {
  const vars = { ...APP, BUCKETS: { media: { ...MEDIA, engine } } };

  test("an open, a signed and a token route show their pictures to whom they should", async () => {
    const vitrine = await createVitrine({ vars, objects: OBJECTS });
    const token = await vitrine.token({ sub: "alice" });
    const headers = { authorization: `Bearer ${token}` };
    const statusOf = async (path: string, init?: RequestInit) =>
      (await vitrine.fetch(path, init)).status;

    expect(await vitrine.url("photos/key.jpg", "card")).toBe(`${vitrine.origin}${URL_OF_KEY}`);
    expect(await statusOf(URL_OF_KEY)).toBe(200);
    expect(await statusOf(await vitrine.url("private/key.jpg", "card"))).toBe(200);
    expect(await statusOf("/private/card/key.jpg")).toBe(404);
    expect(await statusOf("/users/alice/card/key.jpg", { headers })).toBe(200);
    expect(await statusOf("/users/bob/card/key.jpg", { headers })).toBe(404);
    expect(await statusOf("/users/alice/card/key.jpg")).toBe(404);
    expect(vitrine.edge.refusals).toEqual([]);
    expect(vitrine.logs.map(({ line }) => line["event"])).toContain("token-refused");
  });

  test("a replaced object is seen after its event, and not before", async () => {
    const vitrine = await createVitrine({ vars, objects: OBJECTS });
    const { media } = vitrine.buckets;
    const etagOf = async () => (await vitrine.fetch(URL_OF_KEY)).headers.get("etag");

    const before = await etagOf();
    media?.put("photos/key.jpg", other);
    expect(await etagOf()).toBe(before);

    await media?.replace("photos/key.jpg", other);
    expect(await etagOf()).not.toBe(before);

    await media?.delete("photos/key.jpg");
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(404);
  });

  test("the store survives an outage of S3 for days, and a purge ends that", async () => {
    const vitrine = await createVitrine({ vars, objects: OBJECTS });
    const s3 = vitrine.buckets["media"]?.s3;
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);
    expect(vitrine.store?.objects.size).toBeGreaterThan(0);

    s3?.faults.add("InternalError");
    await vitrine.clock.advance({ days: 40 });
    vitrine.restart();
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);

    expect((await vitrine.purge({ objects: ["media/photos/key.jpg"] })).status).toBe(200);
    await vitrine.clock.advance({ minutes: 5 });
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(502);

    s3?.faults.clear();
    await vitrine.clock.advance({ minutes: 5 });
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);
  });

  test.each([
    { s3: "stall", store: undefined, status: 504 },
    { s3: "stall-midway", store: undefined, status: 504 },
    { s3: undefined, store: "stall", status: 200 },
    { s3: undefined, store: "stall-get", status: 200 },
    { s3: undefined, store: "stall-put", status: 200 },
    { s3: "stall", store: "stall", status: 504 },
  ] as const)("what never answers takes no real time: S3 $s3, store $store", async (row) => {
    const vitrine = await createVitrine({ vars, objects: OBJECTS });
    const began = vitrine.clock.now;
    if (row.s3 !== undefined) vitrine.buckets["media"]?.s3?.faults.add(row.s3);
    if (row.store !== undefined) vitrine.store?.faults.add(row.store);

    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(row.status);
    expect(vitrine.clock.now - began).toBeGreaterThan(1000);
  });

  test.each([
    { fault: "stall-get", later: 1000, reasons: ["get: no answer in time"] },
    { fault: "stall-midway", later: 0, reasons: [] },
  ] as const)("a store with $fault costs a new picture $later ms", async (row) => {
    const timeWith = async (faults: readonly R2Fault[]) => {
      const vitrine = await createVitrine({ vars, objects: OBJECTS });
      const began = vitrine.clock.now;
      for (const fault of faults) vitrine.store?.faults.add(fault);

      expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);
      const reasons = vitrine.logs.map(({ line }) => line["reason"]);
      return { ms: vitrine.clock.now - began, reasons };
    };

    const healthy = await timeWith([]);
    expect(await timeWith([row.fault])).toEqual({
      ms: healthy.ms + row.later,
      reasons: row.reasons,
    });
  });
});

test.each([
  { bindingFault: "stalls", status: 504 },
  { bindingFault: "stalls-midway", status: 504 },
] as const)("an Images binding that $bindingFault takes no real time", async (row) => {
  const vars = { ...APP, BUCKETS: { media: { ...MEDIA, engine: "binding" } } };
  const vitrine = await createVitrine({ vars, objects: OBJECTS });

  vitrine.edge.switches.bindingFault = row.bindingFault;
  expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(row.status);
});

test("an event that the Worker sends back comes again when it is due, and not before", async () => {
  const vitrine = await createVitrine({ vars: APP, objects: OBJECTS });
  const countLists = () => {
    const calls = vitrine.store?.calls ?? [];
    return calls.filter(({ method }) => method === "list").length;
  };
  expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);

  // The store fails, so the Worker cannot delete what it has stored of the object.
  vitrine.store?.faults.add("throws-list");
  await vitrine.buckets["media"]?.replace("photos/key.jpg", other);
  const listsOfFirst = countLists();
  expect(listsOfFirst).toBeGreaterThan(0);

  // The store works again. The event is not due yet.
  vitrine.store?.faults.clear();
  await vitrine.clock.advance({ ms: 1 });
  expect(countLists()).toBe(listsOfFirst);

  await vitrine.clock.advance({ minutes: 30 });
  expect(countLists()).toBeGreaterThan(listsOfFirst);
});

test("a signature and a token are over when the test's clock says so", async () => {
  const vitrine = await createVitrine({ vars: APP, objects: OBJECTS, now: Date.UTC(2030, 0) });
  const url = await vitrine.url("private/key.jpg", "card");
  const headers = { authorization: `Bearer ${await vitrine.token({ sub: "alice" })}` };

  expect((await vitrine.fetch(url)).status).toBe(200);
  expect((await vitrine.fetch("/users/alice/card/key.jpg", { headers })).status).toBe(200);
  await vitrine.clock.advance({ hours: 2 });
  expect((await vitrine.fetch(url)).status).not.toBe(200);
  expect((await vitrine.fetch("/users/alice/card/key.jpg", { headers })).status).not.toBe(200);
});

test.each([
  { url: "https://images.acme.example", status: 403 },
  { url: "https://images.elsewhere.example", status: 200 },
])(
  "a hidden page of another site than that of the app asks for $url: $status",
  async ({ url, status }) => {
    const origins = ["https://app.acme.example"];
    const ROUTES = [{ path: "/images/:preset/*", object: "media/photos/*", origins }];
    const objects = { "photos/key.jpg": picture };
    const vitrine = await createVitrine({ vars: { ...APP, ROUTES }, objects, url });

    // Which hosts are one site says the list of public suffixes, which the Worker loads for this request.
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await vitrine.fetch(URL_OF_KEY, { headers })).status).toBe(status);
  },
);

test("several at once neither share anything nor touch a global of the test", async () => {
  const refuse = vi.fn(() => {
    throw new Error("the test's own fetch was called");
  });
  vi.stubGlobal("fetch", refuse);
  const warn = vi.spyOn(console, "warn");
  const globals = Object.getOwnPropertyDescriptors(globalThis);

  const [first, second] = await Promise.all([
    createVitrine({ vars: APP, objects: OBJECTS }),
    createVitrine({ vars: APP, objects: { "photos/key.jpg": other } }),
  ]);
  first.buckets["media"]?.s3?.faults.add("InternalError");
  await first.clock.advance({ days: 3 });
  const statuses = await Promise.all(
    [first, second].map(async (vitrine) => (await vitrine.fetch(URL_OF_KEY)).status),
  );

  expect(statuses).toEqual([502, 200]);
  expect(first.clock.now - second.clock.now).toBeGreaterThan(2 * 86_400_000);
  expect(second.logs).toEqual([]);
  expect(first.secrets).not.toEqual(second.secrets);
  expect(Object.getOwnPropertyDescriptors(globalThis)).toEqual(globals);
  expect(refuse).not.toHaveBeenCalled();
  expect(warn).not.toHaveBeenCalled();
});

test("R2 buckets, a folder, a fallback and two buckets of one S3", async () => {
  const folder = createTemporaryFolder("vitrine-testing-");
  mkdirSync(join(folder, "photos"));
  writeFileSync(join(folder, "photos/key.jpg"), picture);
  writeFileSync(join(folder, ".DS_Store"), "");
  const vars = {
    ...APP,
    BUCKETS: {
      media: MEDIA,
      archive: { ...MEDIA, bucket: "acme-archive" },
      own: { binding: "OWN_BUCKET", bucket: "acme-own" },
    },
    ROUTES: [
      { path: "/images/:preset/*", object: ["media/photos/*", "archive/photos/*"] },
      { path: "/own/:preset/*", object: "own/*", fallback: "own/none.jpg" },
    ],
  };
  const vitrine = await createVitrine({
    vars,
    objects: { archive: folder, own: { "none.jpg": { body: picture, type: "image/jpeg" } } },
  });

  expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);
  expect((await vitrine.fetch("/own/card/gone.jpg")).headers.get("content-type")).toMatch(/image/);
  expect(vitrine.buckets["own"]?.r2?.objects.size).toBe(1);
  expect(vitrine.edge.refusals).toEqual([]);
});

test.skipIf(process.platform === "win32")(
  "in a folder of objects, a link to nothing is no object, and links without an end are named",
  async () => {
    const objects = createTemporaryFolder("vitrine-testing-");
    mkdirSync(join(objects, "photos"));
    writeFileSync(join(objects, "photos/key.jpg"), picture);
    symlinkSync("nothing.jpg", join(objects, "photos/gone.jpg"));
    const vitrine = await createVitrine({ vars: APP, objects });
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);

    symlinkSync(".", join(objects, "photos/again"));
    symlinkSync("loop.jpg", join(objects, "photos/loop.jpg"));
    await expect(createVitrine({ vars: APP, objects })).rejects.toThrow(
      /photos\/loop\.jpg: it cannot be read \(ELOOP\)\n.*photos\/again\/again: a link in a folder/,
    );
  },
);

describe("with a configuration file", () => {
  const config = (folder: string) => join(folder, "wrangler.toml");

  test("the project's own wrangler reads it, with an environment, its domain and its queue", async () => {
    const folder = createProject(STAGED);
    const objects = { "key.jpg": picture };
    const vitrine = await createVitrine({
      config: config(folder),
      environment: "staging",
      objects,
    });

    expect(vitrine.origin).toBe("https://images-staging.example");
    expect((await vitrine.fetch(URL_OF_KEY)).status).toBe(200);
    const [request] = vitrine.buckets["media"]?.s3?.requests ?? [];
    expect(request?.url).toContain("acme-staging");
    const replacing = vitrine.buckets["media"]?.replace("key.jpg", other);
    await expect(replacing).rejects.toThrow("has no [[queues.consumers]]");
  });

  test("its mistakes are all thrown, as vitrine check prints them", async () => {
    const vars = { ...VARS, PRESETS: { card: { width: -1, colour: "red" } }, ROUTES: [] };
    const folder = createProject({ ...STAGED, env: {}, vars });
    const { err } = await runCommand(["check"], { folder });

    const creating = createVitrine({ config: config(folder) });
    await expect(creating).rejects.toThrow(TypeError);
    const message = await creating.catch((error: Error) => error.message);
    for (const line of `${message}`.split("\n")) expect(err).toContain(line.trim());
    expect(message).toContain("PRESETS.card.width");
    expect(message).toContain("PRESETS.card.colour");
  });
});

const WRONG: readonly { settings: VitrineSettings; message: string }[] = [
  { settings: {}, message: 'pass config: "wrangler.toml", or the vars themselves' },
  { settings: { config: "wrangler.toml", vars: APP }, message: "either config or vars, not both" },
  { settings: { config: "/nowhere/wrangler.toml" }, message: "there is no wrangler.toml" },
  { settings: { vars: APP, environment: "staging" }, message: "environment: is of a file" },
  { settings: { vars: { ...APP, PRESETS: {} } }, message: "PRESETS: is not a table, or is empty" },
  { settings: { vars: APP, url: "images.example" }, message: "url: " },
  { settings: { vars: APP, url: "https://images.example:x" }, message: "url: " },
  { settings: Object.assign({ vars: APP }, { object: {} }), message: "unknown: object" },
  {
    settings: { vars: APP, secrets: { URL_SIGNING_KEY: "{}" } },
    message:
      "secrets: unknown: URL_SIGNING_KEY. The configuration knows URL_SIGNING_KEYS, HEALTH_TOKEN, PURGE_TOKEN, " +
      "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, " +
      "AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT, AWS_SESSION_TOKEN_NEXT",
  },
  { settings: { vars: APP, objects: "/nowhere" }, message: "there is no folder /nowhere" },
  { settings: { vars: APP, objects: { archive: {} } }, message: "no such bucket. There is media" },
  {
    settings: { vars: APP, objects: { "else/key.jpg": picture } },
    message:
      "objects: else/key.jpg: no route shows it: add a route that leads to media/else/key.jpg",
  },
  {
    settings: { vars: APP, objects: { "/photos/key.jpg": picture } },
    message: "objects: /photos/key.jpg: no object has this key",
  },
  {
    settings: { vars: APP, objects: { "photos/key.jpg": Object(Promise.resolve(picture)) } },
    message: "It is a Promise: await it",
  },
  {
    settings: { vars: APP, objects: { "photos/key.jpg": Object({ body: picture, typ: "a" }) } },
    message: "unknown: typ. Known: body, type, metadata",
  },
];

test.each(WRONG)("a mistake of the test is an error that says it: $message", async (wrong) => {
  await expect(createVitrine(wrong.settings)).rejects.toThrow(wrong.message);
});

test("a secret of the test opens: the next slot of a key, and the key that signs", async () => {
  const secrets = {
    AWS_ACCESS_KEY_ID_NEXT: "TESTNEXT",
    AWS_SECRET_ACCESS_KEY_NEXT: "the-next-secret-of-this-test",
    URL_SIGNING_KEYS: '{"app":"a-key-of-this-test-that-is-long-enough"}',
  };
  const vitrine = await createVitrine({ vars: APP, objects: OBJECTS, secrets });
  vitrine.buckets["media"]?.s3?.keys.delete(`${vitrine.secrets["AWS_ACCESS_KEY_ID"]}`);

  const url = await vitrine.url("private/key.jpg", "card");
  expect((await vitrine.fetch(url)).status).toBe(200);
  expect(new URL(url).search).toContain("app");
});

describe("an object that an open and a signed route show", () => {
  const open = "/images/:preset/*";
  const signed = "/private/:preset/*";
  const ROUTES = [
    { path: open, object: "media/*" },
    { path: signed, object: "media/*", signed: true },
  ];
  const key = "photos/key.jpg";

  test("has a URL of the route that the test names", async () => {
    const vitrine = await createVitrine({ vars: { ...APP, ROUTES }, objects: { [key]: picture } });
    const url = await vitrine.url(key, "card", { route: signed });

    expect(new URL(url).pathname).toBe("/private/card/photos/key.jpg");
    expect((await vitrine.fetch(url)).status).toBe(200);
    expect((await vitrine.fetch(new URL(url).pathname)).status).toBe(404);
    expect(await vitrine.url(key, "card", { route: open })).toBe(
      `${vitrine.origin}/images/card/photos/key.jpg`,
    );
  });

  test.each([
    {
      options: undefined,
      message:
        'vitrine.url: several routes show photos/key.jpg at card: "/images/:preset/*" and "/private/:preset/*". ' +
        'Name one: vitrine.url("photos/key.jpg", "card", { route: "/images/:preset/*" })',
    },
    {
      options: { route: "/secret/:preset/*" },
      message:
        'there is no route "/secret/:preset/*". There is "/images/:preset/*", "/private/:preset/*"',
    },
    { options: Object({ rout: open }), message: "unknown: rout" },
  ])("is an error with $options", async ({ options, message }) => {
    const vitrine = await createVitrine({ vars: { ...APP, ROUTES }, objects: { [key]: picture } });
    await expect(vitrine.url(key, "card", options)).rejects.toThrow(message);
  });
});

test("a URL of a route that does not show the object is an error", async () => {
  const vitrine = await createVitrine({ vars: APP, objects: OBJECTS });
  const urlOfOther = vitrine.url("photos/key.jpg", "card", { route: "/private/:preset/*" });
  await expect(urlOfOther).rejects.toThrow(
    'the route "/private/:preset/*" does not show photos/key.jpg at card',
  );
});

test("what leads elsewhere, and a time that is none, throw", async () => {
  const vitrine = await createVitrine({ vars: APP, objects: OBJECTS });
  await expect(vitrine.fetch("https://elsewhere.example/")).rejects.toThrow("does not lead to");
  await expect(vitrine.clock.advance({ seconds: -1 })).rejects.toThrow("0 or more");
  await expect(vitrine.clock.advance(Object({ weeks: 1 }))).rejects.toThrow("unknown: weeks");
  await expect(vitrine.url("photos/key.jpg", "hero")).rejects.toThrow("no preset hero");
  expect(vitrine.matches(vitrine.origin + URL_OF_KEY)).toBe(true);
  expect(vitrine.matches("https://images.example.org/")).toBe(false);
});
