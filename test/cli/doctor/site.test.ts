// Whatever the edge, or something in front of the deployed Worker, does wrong: the doctor names the cause
// and the remedy.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Check } from "../../../src/cli/doctor/checks/index.ts";
import type { Severity } from "../../../src/cli/doctor/finding.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import type { EdgeSwitches } from "../../../src/emulator/edge/switches.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { readPage } from "../../docs/pages.ts";
import { CONFIGURED, configure, deploy, examine, SITE } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../../support/env.ts";
import { arrange, get, stage } from "../../support/play.ts";
import { file } from "../../support/stand.ts";

/** Sets everything up correctly, with the rule of docs/deploy.md, except for some switches of the edge. */
function begin(settings: Partial<EdgeSettings> = {}, env?: object): void {
  arrange({ firewall: true, ...settings });
  stage.s3.faults.add("no-list-bucket");
  configure();
  deploy(env);
}

beforeEach(() => begin());

test("a healthy site has no errors and no warnings, and no transformation is paid twice", async () => {
  const report = await examine();
  expect(wrongIn(report)).toEqual([]);
  expect(report.code).toBe(0);
  const checks = report.findings.map(({ check, severity }) => `${check} ${severity}`);
  for (const check of [
    "deployed",
    "health",
    "transformations",
    "sources",
    "image",
    "formats",
    "cache",
    "headers",
    "originals",
    "kept",
    "side-door",
  ]) {
    expect(checks).toContain(`${check} ok`);
  }
  // The canary of /healthz, and one image: only one of the two routes leads to the bucket.
  expect(stage.edge.transformations.size).toBe(2);
});

/** The checks that fail with a switch set. */
const SWITCHES: {
  readonly [Name in keyof EdgeSwitches]: readonly (readonly [
    EdgeSwitches[Name],
    readonly Check[],
  ])[];
} = {
  transformations: [[false, ["transformations", "image"]]],
  sources: [
    [[], ["sources", "image"]],
    [["other.example"], ["sources", "image"]],
  ],
  workersDev: [["transformed", []]],
  foreignSources: [["untransformed", []]],
  sourcePaths: [["characters", []]],
  urlTransformations: [
    ["off", []],
    ["off-for-workers-too", ["transformations", "image"]],
  ],
  firewall: [[false, ["side-door"]]],
  keptForAll: [[false, []]],
  quota: [
    [0, ["quota", "quota"]],
    [1, ["quota"]],
  ],
  trouble: [["9522/503", ["edge", "image"]]],
  authAfterRedirect: [[true, []]],
  svg: [["unmarked", []]],
  avifTooLarge: [
    ["webp", []],
    ["jpeg", []],
  ],
  animationTooLarge: [["unmarked", []]],
  originalIsSmaller: [[{ of: "sides", sent: "rendition" }, []]],
  originalFormat: [["name", []]],
  originalSides: [["upright", []]],
  factsBilled: [["with-rendition", []]],
  formatAuto: [["first-come", []]],
  conditions: [["passed-on", []]],
  namesOriginal: [[false, []]],
  originHeaders: [["kept", []]],
  overlayAuth: [[false, []]],
  qualities: [[{ high: 99, "medium-high": 60, "medium-low": 40, low: 2 }, []]],
  avifInput: [[true, []]],
  limits: [[{ bytes: 100, pixels: 1e8, side: 12_000, animation: 5e7 }, ["edge", "image"]]],
  cache: [[false, []]],
  queryInKey: [[false, []]],
  denialsKept: [[0, []]],
  patience: [[5_000, []]],
  plain: [[["localhost:9000"], []]],
  unplayable: [["left-out", []]],
};

const switched = Object.entries(SWITCHES).flatMap(([name, rows]) =>
  rows.map(([value, checks]) => [name, JSON.stringify(value), { [name]: value }, checks] as const),
);

test.each(switched)(
  "the edge's switch %s set to %s",
  async (_name, _value, settings: Partial<EdgeSettings>, checks) => {
    begin(settings);
    const report = await examine();
    expect(wrongIn(report).map(({ check }) => check)).toEqual(checks);
    const isWarning = checks.includes("side-door");
    expect(report.code).toBe(checks.length === 0 ? 0 : isWarning ? 1 : 2);
  },
);

test("if the edge makes the canary but not a preset, the preset is reported", async () => {
  const PRESETS = {
    ...VARS.PRESETS,
    card: { width: 160, height: 160, fit: "cover", gravity: "face", dpr: [1, 2] },
  };
  begin({}, { ...ENV, ...CONFIGURED, HEALTH_TOKEN, PRESETS });
  configure({ ...CONFIGURED, PRESETS });
  const report = await examine();
  expect(wrongIn(report)).toMatchObject([
    {
      check: "image",
      what: "/images/card/key.jpg answers 502",
      remedy: expect.stringContaining("npx wrangler tail"),
    },
  ]);
});

test("without HEALTH_TOKEN, the remedy says how to learn that transformations are off", async () => {
  begin({ transformations: false });
  const report = await examine(undefined, { env: { HEALTH_TOKEN: undefined } });
  expect(wrongIn(report)).toMatchObject([
    { check: "image", severity: "error", remedy: expect.stringContaining("HEALTH_TOKEN") },
  ]);
  expect(report.code).toBe(2);
});

/** What the deployed Worker reports about its keys. */
test.each<[string, () => void, object, Severity, Check, RegExp]>([
  [
    "unknown",
    () => stage.s3.faults.add("revoked-key"),
    {},
    "error",
    "key-id",
    /secret put AWS_ACCESS_KEY_ID, and/,
  ],
  [
    "with another secret",
    () => stage.s3.faults.add("other-secret"),
    {},
    "error",
    "secret",
    /^npx wrangler secret put AWS_SECRET_ACCESS_KEY\. If/,
  ],
  ["half there", () => {}, { AWS_SECRET_ACCESS_KEY: "", ...NEXT }, "warning", "keys", /secret put/],
  [
    "in another region",
    () => stage.s3.faults.add("elsewhere-400"),
    {},
    "error",
    "region",
    /region = "eu-central-1"/,
  ],
  ["unreachable", () => stage.s3.faults.add("reset"), {}, "error", "reachable", /status page/],
])(
  "keys of the deployed Worker that are %s are found",
  async (_what, happen, secrets, severity, check, remedy) => {
    begin({}, { ...ENV, ...CONFIGURED, HEALTH_TOKEN, ...secrets });
    if ("AWS_ACCESS_KEY_ID_NEXT" in secrets) {
      stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    }
    happen();
    const wrong = wrongIn(await examine()).filter(({ about }) =>
      about.startsWith(`${SITE}: bucket media, slot`),
    );
    expect(wrong).toMatchObject([{ severity, check, remedy: expect.stringMatching(remedy) }]);
  },
);

test.each<[S3Fault, RegExp]>([
  ["SlowDown", /503 SlowDown/],
  ["ServiceUnavailable", /503 ServiceUnavailable/],
  ["InternalError", /500 InternalError/],
])(
  "an S3 that answers the Worker %s is busy: the doctor says what was seen, and to wait",
  async (fault, seen) => {
    begin();
    stage.s3.faults.add(fault);
    const [first, ...others] = wrongIn(await examine()).filter(({ about }) =>
      about.startsWith(SITE),
    );
    expect(first).toMatchObject({ check: "busy", what: expect.stringMatching(seen) });
    for (const one of [first, ...others]) {
      const remedy = one?.remedy;
      expect(remedy).toMatch(/^(?:try again in a minute|fix that first)/);
      expect(remedy).not.toContain("endpoint");
    }
  },
);

test.each([
  [{ state: "SlowDown" }, "busy", /answers SlowDown:/],
  [{ state: "503" }, "busy", /answers 503:/],
  [{ state: "NoSuchBucket" }, "bucket", /no bucket/],
  [{ state: "Unauthorized" }, "key-id", /Unauthorized/],
  [{ state: "NewCode" }, "busy", /answers NewCode:/],
])("of an older Worker that reports %o, no status is made up", async (slot, check, what) => {
  deploy(undefined, (answer, { path, headers }) => {
    if (path !== "/healthz" || !headers.has("authorization")) return answer;
    const slots = [{ slot: "current", access_key: "…MPLE", ...slot }];
    return HttpResponse.json({ ok: false, buckets: [{ bucket: "media", slots, edge: "on" }] });
  });
  const [found] = wrongIn(await examine());
  expect(found).toMatchObject({ check, what: expect.stringMatching(what) });
  expect(found?.what).not.toContain("403");
});

test("R2's code for an unknown key is understood in the report of /healthz (A7)", async () => {
  deploy(undefined, (answer, { path, headers }) => {
    if (path !== "/healthz" || !headers.has("authorization")) return answer;
    const slots = [{ slot: "current", state: "Unauthorized", access_key: "…MPLE" }];
    return HttpResponse.json({ ok: false, buckets: [{ bucket: "media", slots, edge: "on" }] });
  });
  expect(wrongIn(await examine())).toMatchObject([
    { check: "key-id", remedy: expect.stringMatching(/secret put AWS_ACCESS_KEY_ID/) },
  ]);
});

/** What may answer at the URL, or be in front of the Worker: remedies.test.ts has the others. */
type Change = Parameters<typeof deploy>[1];

function withHeaders(change: (headers: Headers) => void): Change {
  return (answer) => {
    const changed = new Response(answer.body, answer);
    change(changed.headers);
    return changed;
  };
}

const kept = new Map<string, Response>();

test.each<[string, Change, Severity, Check, RegExp]>([
  [
    "no Vitrine",
    () => new HttpResponse("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }),
    "error",
    "deployed",
    /routes in wrangler\.toml/,
  ],
  [
    "a broken configuration",
    () => new HttpResponse("Internal error\n", { status: 500 }),
    "error",
    "configuration",
    /npx wrangler tail/,
  ],
  ["a server that drops the connection", () => HttpResponse.error(), "error", "deployed", /routes/],
  [
    "a browser cache TTL",
    withHeaders((headers) => headers.set("cache-control", "public, max-age=14400")),
    "warning",
    "cache",
    /Browser Cache TTL/,
  ],
  [
    "a cache that keeps one format for all (C5)",
    (answer, { path }) => {
      if (path === "/healthz") return answer;
      if (!kept.has(path)) kept.set(path, answer);
      return kept.get(path)?.clone() ?? answer;
    },
    "error",
    "formats",
    /cache rule of the zone/,
  ],
  [
    "something that calls a JPEG a PNG",
    withHeaders((headers) => {
      if (headers.get("content-type") === "image/jpeg") headers.set("content-type", "image/png");
    }),
    "error",
    "formats",
    /cache rule of the zone/,
  ],
  [
    "Cloudflare's error page about an origin",
    (answer, { path }) =>
      path === "/healthz" ? answer : new HttpResponse("error code: 522", { status: 522 }),
    "error",
    "image",
    /npx wrangler tail/,
  ],
  [
    "the /healthz of another app",
    (answer, { headers }) =>
      headers.has("authorization") ? HttpResponse.json({ status: "up" }) : answer,
    "warning",
    "health",
    /something else may answer/,
  ],
])("%s at the URL is found", async (_what, change, severity, check, remedy) => {
  kept.clear();
  deploy(undefined, change);
  const wrong = wrongIn(await examine());
  expect(wrong[0]).toMatchObject({ severity, check, remedy: expect.stringMatching(remedy) });
});

/** The authorization headers of requests to /healthz. */
function overhear(): string[] {
  const heard: string[] = [];
  deploy(undefined, (answer, { path, headers }) => {
    if (path === "/healthz") heard.push(headers.get("authorization") ?? "");
    return answer;
  });
  return heard;
}

test.each([
  "a token with\na line break",
  "a tokén of 16 characters",
  "a token with a space after it ",
  "too short",
])("an invalid HEALTH_TOKEN is reported, and not sent: %j", async (token) => {
  const heard = overhear();
  const report = await examine(undefined, { env: { HEALTH_TOKEN: token } });
  expect(report.findings).toContainEqual(
    expect.objectContaining({
      check: "health",
      severity: "note",
      what: expect.stringContaining("HEALTH_TOKEN in the environment is not 16 or more ASCII"),
    }),
  );
  expect(JSON.stringify(report)).not.toContain(token.slice(0, 6));
  expect(new Set(heard)).toEqual(new Set([""]));
});

test("if /healthz belongs to another app, the token is not sent, and images are checked", async () => {
  const heard: string[] = [];
  const other = { headers: { "x-content-type-options": "nosniff" } };
  deploy(undefined, (answer, { path, headers }) => {
    if (path !== "/healthz") return answer;
    heard.push(headers.get("authorization") ?? "");
    return new HttpResponse("ok\n", other);
  });
  const report = await examine();
  expect(wrongIn(report)).toMatchObject([
    {
      check: "deployed",
      severity: "warning",
      what: "the images are there, but /healthz is not Vitrine's",
      remedy: expect.stringContaining("wrangler.toml"),
    },
  ]);
  expect([report.code, new Set(heard)]).toEqual([1, new Set([""])]);
  expect(report.findings.some(({ check }) => check === "originals")).toBe(true);
});

test("tricks without an answer prove nothing", async () => {
  let asked = 0;
  deploy(undefined, (answer, { path }) => {
    if (!path.startsWith("/images/")) return answer;
    asked += 1;
    return asked > 10 ? new HttpResponse("slow down", { status: 429 }) : answer;
  });
  const report = await examine();
  const tricks = report.findings.filter(({ check }) => check === "originals");
  expect(tricks).toMatchObject([
    { severity: "note", what: expect.stringMatching(/\d+ more were not answered: try again$/) },
  ]);
});

test("a preset with the name of a trick is allowed", async () => {
  const PRESETS = { ...VARS.PRESETS, original: { width: 320 }, public: { width: 320 } };
  begin({}, { ...ENV, ...CONFIGURED, PRESETS, HEALTH_TOKEN });
  configure({ ...CONFIGURED, PRESETS });
  expect(wrongIn(await examine())).toEqual([]);
});

test.each<[number, RegExp]>([
  [401, /npx wrangler secret put HEALTH_TOKEN$/],
  [429, /^try again in a minute$/],
  [403, /something else may answer at \/healthz/],
  [302, /something else may answer at \/healthz/],
  [502, /something else may answer at \/healthz/],
])("if the deep /healthz answers %d, the remedy fits", async (status, remedy) => {
  deploy(undefined, (answer, { path, headers }) => {
    const isDeep = path === "/healthz" && headers.has("authorization");
    return isDeep ? new HttpResponse(null, { status }) : answer;
  });
  expect(wrongIn(await examine())).toMatchObject([
    { check: "health", severity: "warning", remedy: expect.stringMatching(remedy) },
  ]);
});

test("a HEALTH_TOKEN that is not the Worker's is found", async () => {
  const report = await examine(undefined, { env: { HEALTH_TOKEN: `${HEALTH_TOKEN}x` } });
  expect(wrongIn(report)).toMatchObject(
    [{ check: "health", severity: "warning", what: /is not the Worker's/ }].map((one) => ({
      ...one,
      what: expect.stringMatching(one.what),
    })),
  );
});

test("a Worker that serves originals is found, even if they have an image type (R2)", async () => {
  const original = stage.s3.objects.get("published/key.jpg")?.body ?? new Uint8Array();
  const leak = () =>
    new HttpResponse(original.slice(), { headers: { "content-type": "image/jpeg" } });
  deploy(undefined, (answer, { path }) => (path === "/healthz" ? answer : leak()));
  expect(wrongIn(await examine())).toMatchObject([
    { check: "originals", severity: "error", what: expect.stringContaining("byte for byte") },
  ]);
});

test.each<[string, (path: string) => boolean, RegExp]>([
  ["a query", (path) => path.includes("?width=4000"), /by \?width=4000/],
  ["a variant", (path) => path.includes("/original/"), /by the variant "original"/],
  ["the key alone", (path) => path === "/key.jpg", /by the key alone/],
  ["the edge's own URLs", (path) => path.startsWith("/cdn-cgi/image/"), /by the edge's own URLs/],
])("an original that comes out by %s is found", async (_what, opens, what) => {
  const original = stage.s3.objects.get("published/key.jpg")?.body ?? new Uint8Array();
  deploy(undefined, (answer, { path }) =>
    opens(path)
      ? new HttpResponse(original.slice(), { headers: { "content-type": "image/jpeg" } })
      : answer,
  );
  expect(wrongIn(await examine())).toMatchObject([
    { check: "originals", what: expect.stringMatching(what) },
  ]);
});

test("an image of another app on the same domain is not reported", async () => {
  const body = file("photos/fig.jpg");
  deploy(undefined, (answer, { path }) => {
    const init = { headers: { "content-type": "image/jpeg" } };
    return path === "/key.jpg" ? new HttpResponse(body.slice(), init) : answer;
  });
  expect(wrongIn(await examine())).toEqual([]);
});

test("signed routes are checked if the keys are at hand", async () => {
  const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
  begin({}, { ...ENV, ...CONFIGURED, ROUTES, HEALTH_TOKEN });
  configure({ ...CONFIGURED, ROUTES });
  const report = await examine();
  expect([report.code, wrongIn(report)]).toEqual([0, []]);
  expect(report.findings.some(({ check }) => check === "formats")).toBe(true);
  const unsigned = await examine(undefined, { env: { URL_SIGNING_KEYS: undefined } });
  expect(unsigned.findings).toContainEqual(
    expect.objectContaining({
      check: "image",
      what: expect.stringContaining("URL_SIGNING_KEYS is not at hand"),
    }),
  );
});

test("a deployed Worker with a bucket that does not exist is found", async () => {
  const BUCKETS = { media: { ...CONFIGURED.BUCKETS.media, bucket: "acme-medias" } };
  begin({}, { ...ENV, ...CONFIGURED, BUCKETS, HEALTH_TOKEN });
  const wrong = wrongIn(await examine()).filter(({ check }) => check !== "deployed");
  expect(wrong[0]).toMatchObject({
    check: "bucket",
    about: expect.stringContaining("slot current"),
  });
});

test("an SVG that needs no cleaning is not reported as a leaked original (R8)", async () => {
  const ROUTES = [{ path: "/icons/:preset/*", object: "media/*", svg: true }];
  const env = { ...ENV, ...CONFIGURED, ROUTES, HEALTH_TOKEN };
  begin({}, env);
  configure({ ...CONFIGURED, ROUTES });
  const type = "image/svg+xml";
  stage.s3.objects.set("published/b.svg", { body: file("broken/script.svg"), type });
  const clean = await get("/icons/card/b.svg", {}, env);
  const body = new Uint8Array(await clean.arrayBuffer());
  stage.s3.objects.set("published/a.svg", { body, type });
  const report = await examine(["--url", SITE, "--key", "a.svg"]);
  expect(wrongIn(report)).toEqual([]);
  expect(JSON.stringify(report.findings)).toContain("svg+xml for AVIF");
});

test("a preset of one format needs no vary", async () => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", presets: ["plain"] }];
  configure({ ...CONFIGURED, ROUTES });
  deploy({ ...ENV, ...CONFIGURED, ROUTES, HEALTH_TOKEN });
  const report = await examine();
  expect(wrongIn(report)).toEqual([]);
  expect(JSON.stringify(report.findings)).toContain("jpeg for AVIF, jpeg for WebP");
});

test("docs/doctor.md shows what the doctor prints", async () => {
  begin({ sources: [] });
  const env = { ...SECRETS, HEALTH_TOKEN };
  const { out } = await vitrine(["doctor", "--url", SITE], { folder: configure(), env });
  const [, shown = ""] = /^```\n(bucket media, [^`]*)```$/m.exec(readPage("docs/doctor.md")) ?? [];
  const groups = shown.replaceAll("images.example.com", "images.example").trim().split("\n\n");
  expect(groups).toHaveLength(2);
  for (const group of groups) expect(out).toContain(`\n\n${group}\n\n`);
});

test("a healthy site gets no warning where nothing is at hand, as after a first deploy", async () => {
  const names = [...Object.keys(SECRETS), "HEALTH_TOKEN"];
  const env = Object.fromEntries(names.map((name) => [name, undefined]));
  const report = await examine(undefined, { env });
  expect([report.code, wrongIn(report)]).toEqual([0, []]);
});

test.each<[Partial<EdgeSettings>, string]>([
  [{ transformations: false }, "not-transformed"],
  [{ sources: [] }, "edge-refused"],
  [{ quota: 0 }, "quota-spent"],
])("the remedy for %o leads to its section of docs/errors.md", async (settings, section) => {
  begin(settings);
  const [first] = wrongIn(await examine());
  expect(first?.remedy).toMatch(new RegExp(`See docs/errors\\.md#${section}$`));
  expect(readPage("docs/errors.md")).toContain(`\n## ${section}\n`);
});

test("without keys at hand the site is checked all the same, and the missing keys are a note", async () => {
  const env = { ...Object.fromEntries(Object.keys(SECRETS).map((name) => [name, undefined])) };
  const report = await examine(undefined, { env });
  expect([report.code, wrongIn(report)]).toEqual([0, []]);
  expect(report.findings).toContainEqual(
    expect.objectContaining({ check: "keys", severity: "note" }),
  );
  expect(report.findings.some(({ check }) => check === "formats")).toBe(true);
});
