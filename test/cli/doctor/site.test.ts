// What the doctor sees of a deployed site: the strict edge and the strict cache with each of their switches, and what
// answers that prove nothing, or settings that are not deployed, lead to. Faults are in faults.test.ts.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Check, Severity } from "../../../src/cli/doctor/finding.ts";
import type { CacheSwitches } from "../../../src/emulator/cache/switches.ts";
import { FAULTS } from "../../../src/emulator/edge/faults.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import type { EdgeSwitches } from "../../../src/emulator/edge/switches.ts";
import { CONFIGURED, configure, deploy, examine, SITE } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../../support/env.ts";
import { arrange, get, stage } from "../../support/play.ts";
import { file } from "../../support/stand.ts";

const WORKER = { ...ENV, ...CONFIGURED, HEALTH_TOKEN };
const KEYLESS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
type Change = NonNullable<Parameters<typeof deploy>[1]>;

/** Sets everything up correctly, with the rule of docs/deploy.md, except for some switches of the edge. */
function begin(settings: Partial<EdgeSettings> = {}, env?: object): void {
  arrange({ firewall: true, ...settings });
  stage.s3.faults.add("no-list-bucket");
  configure();
  deploy(env);
}

beforeEach(() => begin());

const checksOf = async (...args: Parameters<typeof examine>) =>
  wrongIn(await examine(...args)).map(({ check }) => check);

test("where all is well nothing is wrong, and no transformation is paid twice", async () => {
  const report = await examine();
  expect([wrongIn(report), report.code]).toEqual([[], 0]);
  const seen = new Set(report.findings.map(({ check, severity }) => `${check} ${severity}`));
  for (const check of ["deployed", "health", "transformations", "sources", "image", "formats"]) {
    expect(seen).toContain(`${check} ok`);
  }
  for (const check of ["cache", "headers", "originals", "workers-cache", "side-door", "public"]) {
    expect(seen).toContain(`${check} ok`);
  }
  // The canary of /healthz, and one image: only one of the two routes leads to the bucket.
  expect(stage.edge.transformations.size).toBe(2);
});

test("where nothing is at hand, as after a first deploy, a healthy site gets no warning", async () => {
  const names = [...Object.keys(SECRETS), "HEALTH_TOKEN"];
  const env = Object.fromEntries(names.map((name) => [name, undefined]));
  const report = await examine(undefined, { env });
  expect([wrongIn(report), report.code]).toEqual([[], 0]);
  expect(report.findings.some(({ check }) => check === "formats")).toBe(true);
});

/** The checks that fail with a switch of the edge set. */
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
  firewall: [[false, []]],
  keptForAll: [[false, []]],
  quota: [
    [0, ["quota", "quota"]],
    [1, ["quota"]],
  ],
  trouble: [[{ code: 9522, status: 503 }, ["edge", "image"]]],
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
    expect(await checksOf()).toEqual(checks);
  },
);

/** Whether the doctor finds something with a switch of the strict cache. */
const CACHE_SWITCHES: {
  readonly [Name in keyof CacheSwitches]: readonly (readonly [CacheSwitches[Name], boolean])[];
} = {
  runsIn: [["visitor", false]], // W5
  loopback: [["forgotten", true]], // W13
  revalidates: [[false, false]], // W18
  enabled: [[false, true]], // W1
  crossVersion: [[false, false]], // W4: within one version all is well
  largest: [[1, true]], // W16
};

test.each(
  Object.entries(CACHE_SWITCHES).flatMap(([name, rows]) =>
    rows.map(([value, isFound]) => [name, value, isFound] as const),
  ),
)("the strict cache's switch %s set to %s (W5, W13)", async (name, value, isFound) => {
  Object.assign(stage.cache.switches, { [name]: value });
  expect(await checksOf()).toEqual(isFound ? ["workers-cache"] : []);
});

/** What the remedies say, and the codes of the edge that lead to them. */
const REMEDIES: readonly (readonly [Check, says: RegExp, codes: string])[] = [
  ["sources", /Sources: add the origin acme-media\.s3\..*published\/ .*three days/, "9401/403"],
  ["quota", /a paid plan/, "9422/429"],
  ["edge", /https:\/\/ URL.*each preset.*troubleshooting/, "9401/400 9406/403 9419/403 9423/403"],
  ["edge", /another canary/, "9402/413 9412/415 9413/403 9416/422 9516/422 9520/415 9523/422"],
  ["edge", /endpoint or addressing/, "9402/502 9407/523 9505/502 9510/523"],
  ["edge", /is the URL of Vitrine itself.*transformation flow/, "9403/508"],
  ["edge", /correct canary, prefix or bucket/, "9404/404 9408/404"],
  ["edge", /region and endpoint.*x-vitrine/, "9420/400 9420/415 9421/400 9519/502"],
  ["edge", /Sources of the zone has acme-media\.s3.*policy limits addresses/, "9408/401"],
  ["edge", /timeout in ANSWERS/, "9504/522 9504/524 9529/504"],
  ["edge", /^try again in a minute.*provider's status page/, "9509/502"],
  ["edge", /cloudflarestatus/, "9516/500 9518/502 9522/503 9522/504 9523/500 9527/503 9528/502"],
];
/** Puts what the deep /healthz says of the bucket in place of the Worker's word. */
const healthSays =
  (health: object): Change =>
  (answer, { path, headers }) =>
    path === "/healthz" && headers.has("authorization")
      ? HttpResponse.json({ ok: true, buckets: [{ bucket: "media", edge: "on", ...health }] })
      : answer;

const WORKS = { slots: [{ slot: "current", access_key: "…MPLE", state: "ok" }] };

const CODES = [...FAULTS.map(({ code, status }) => `${code}/${status}`), "9408/401", "9408/404"];
test.each(CODES)("the edge's code %s has its remedy (E5, E11)", async (code) => {
  const [edge = "", status] = code.split("/");
  deploy(undefined, healthSays({ ...WORKS, edge, answered: Number(status) }));
  const [check, says = /no row/] = REMEDIES.find(([, , codes]) => codes.includes(code)) ?? [];
  const wrong = wrongIn(await examine());
  expect(wrong).toMatchObject([{ check, remedy: expect.stringMatching(says) }]);
});

test.each([
  ["an invalid HEALTH_TOKEN", "a tokén of 16 characters", "ok", ["health note"]],
  ["a token with a line break", "a token with\na line break", "ok", ["health note"]],
  ["one that another app's /healthz would get", HEALTH_TOKEN, "ok\n", ["deployed warning"]],
])("%s is not sent, and images are checked", async (_title, token, text, found) => {
  const heard = new Set<string | null>();
  deploy(undefined, (answer, { path, headers }) => {
    if (path !== "/healthz") return answer;
    heard.add(headers.get("authorization"));
    return text === "ok" ? answer : new HttpResponse(text);
  });
  const report = await examine(undefined, { env: { HEALTH_TOKEN: token } });
  const seen = report.findings.map(({ check, severity }) => `${check} ${severity}`);
  for (const one of [...found, "originals ok"]) expect(seen).toContain(one);
  expect(JSON.stringify(report)).not.toContain(token.slice(0, 6));
  expect(heard).toEqual(new Set([null]));
});

test.each<[string, (path: string) => boolean, RegExp]>([
  ["a query", (path) => path.includes("?width=4000"), /by \?width=4000/],
  ["a variant", (path) => path.includes("/original/"), /by the variant "original"/],
  ["the key alone", (path) => path === "/key.jpg", /by the key alone/],
  ["the edge's own URLs", (path) => path.startsWith("/cdn-cgi/image/"), /by the edge's own URLs/],
])("an original that comes out by %s is found", async (_title, opens, seen) => {
  const type = { headers: { "content-type": "image/jpeg" } };
  deploy(undefined, (answer, { path }) =>
    opens(path) ? new HttpResponse(file("made/key.jpg").slice(), type) : answer,
  );
  expect(wrongIn(await examine())).toMatchObject([
    { check: "originals", seen: expect.stringMatching(seen) },
  ]);
});

let times = 0;
let first: Response | undefined;
const image: (change: (answer: Response, accept: string) => Response) => Change =
  (change) =>
  (answer, { path, headers }) =>
    path.startsWith("/images/") ? change(answer, headers.get("accept") ?? "") : answer;
const headed = (name: string, value: string) =>
  image((answer) => {
    const changed = new Response(answer.body, answer);
    changed.headers.set(name, value);
    return changed;
  });

/** What is in front of the Worker: what the doctor says then of one check. */
test.each<[title: string, Change, Check, Severity, RegExp]>([
  [
    "no more answers after ten",
    image((answer) => (++times > 10 ? new HttpResponse("", { status: 429 }) : answer)),
    ...(["originals", "note", /tricks were not answered: try again$/] as const),
  ],
  [
    "an image of another app at the key alone",
    (answer, { path }) =>
      path === "/key.jpg" ? new HttpResponse(file("photos/fig.jpg").slice()) : answer,
    ...(["originals", "ok", /no trick/] as const),
  ],
  [
    "something that calls a JPEG a PNG",
    image((answer, accept) =>
      accept.startsWith("image/png")
        ? new HttpResponse(answer.body, { headers: { "content-type": "image/png" } })
        : answer,
    ),
    ...(["formats", "error", /and the bytes are image\/jpeg/] as const),
  ],
  [
    "Cloudflare's page about an origin",
    image(() => new HttpResponse("error code: 522", { status: 522 })),
    ...(["image", "error", /answers 522/] as const),
  ],
  [
    "a cache that keeps one format for all (C5)",
    image((answer, accept) => {
      if (accept.startsWith("image/avif")) first = answer.clone();
      return first?.clone() ?? answer;
    }),
    ...(["formats", "error", /best format is webp gets image\/avif/] as const),
  ],
  ["a hit", headed("server-timing", "cache;desc=hit"), "workers-cache", "ok", /worldwide/],
  ["a new word", headed("server-timing", "cache;desc=hits"), "workers-cache", "note", /unknown/],
  ["a changed vary", headed("vary", "origin"), "headers", "warning", /vary/],
  ["a header of S3", headed("x-amz-id-2", "1"), "headers", "warning", /x-amz-id-2 reaches/],
  [
    "no HEAD and no conditions",
    (answer, { method, headers }) =>
      method === "HEAD" || headers.has("if-none-match")
        ? new HttpResponse(null, { status: 405 })
        : answer,
    ...(["headers", "warning", /HEAD gets 405, .* 405/] as const),
  ],
])("in front of the Worker: %s", async (_title, change, check, severity, seen) => {
  times = 0;
  deploy(undefined, change);
  const found = (await examine()).findings.filter((one) => one.check === check);
  expect(found[0]).toMatchObject({ severity, seen: expect.stringMatching(seen) });
});

test("signed routes are checked if the keys are at hand", async () => {
  const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
  begin({}, { ...WORKER, ROUTES });
  configure({ ...CONFIGURED, ROUTES });
  const report = await examine();
  expect([report.code, wrongIn(report)]).toEqual([0, []]);
  expect(report.findings.some(({ check }) => check === "formats")).toBe(true);
  const unsigned = await examine(undefined, { env: { URL_SIGNING_KEYS: undefined } });
  expect(JSON.stringify(unsigned.findings)).toContain("URL_SIGNING_KEYS is not at hand");
});

test("presets with the names of tricks, or of one format, are no fault", async () => {
  const PRESETS = { ...VARS.PRESETS, original: { width: 320 }, public: { width: 320 } };
  const ROUTES = [{ ...VARS.ROUTES[0], presets: ["plain", "original"] }];
  begin({}, { ...WORKER, PRESETS, ROUTES });
  configure({ ...CONFIGURED, PRESETS, ROUTES });
  expect(await checksOf()).toEqual([]);
});

test("an SVG that needs no cleaning is not reported as a leaked original (R8)", async () => {
  const ROUTES = [{ path: "/icons/:preset/*", object: "media/*", svg: true }];
  const env = { ...WORKER, ROUTES };
  begin({}, env);
  configure({ ...CONFIGURED, ROUTES });
  const type = "image/svg+xml";
  stage.s3.objects.set("published/b.svg", { body: file("broken/script.svg"), type });
  const clean = await get("/icons/card/b.svg", {}, env);
  stage.s3.objects.set("published/a.svg", {
    body: new Uint8Array(await clean.arrayBuffer()),
    type,
  });
  const report = await examine(["--url", SITE, "a.svg"]);
  expect(wrongIn(report)).toEqual([]);
  expect(JSON.stringify(report.findings)).toContain("reads: image/svg+xml");
});

test.each<[string, object, readonly Check[]]>([
  ["the same", {}, []],
  ["the same as text, as in .dev.vars", { BUCKETS: JSON.stringify(CONFIGURED.BUCKETS) }, []],
  ["the same with other secrets", { ...NEXT, COSTS: { objects: 5 } }, []],
  ["another setting", { ANSWERS: { ...CONFIGURED.ANSWERS, stale: 5 } }, ["deployed"]],
  ["one preset more", { PRESETS: { ...CONFIGURED.PRESETS, more: { width: 9 } } }, ["deployed"]],
  ["another order of routes", { ROUTES: [...CONFIGURED.ROUTES].reverse() }, ["deployed"]],
])("where %s is deployed, the doctor says whether to deploy", async (_title, change, checks) => {
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  deploy({ ...WORKER, ...change });
  expect(await checksOf()).toEqual(checks);
});

test.each<[string, object]>([
  ["region", { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" }],
  ["canary", { canary: "nothing.jpg" }],
])("where a corrected %s is not deployed, nothing is said against it", async (_title, settings) => {
  deploy({ ...WORKER, BUCKETS: { media: { ...CONFIGURED.BUCKETS.media, ...settings } } });
  const [first, ...others] = wrongIn(await examine());
  expect(first?.check).toBe("deployed");
  for (const { seen, remedy } of others) {
    expect(remedy).toMatch(/npx vitrine deploy|fix that first/);
    expect(`${remedy} ${seen}`).not.toMatch(/correct BUCKETS|is in (\S+), not in \1/);
  }
});

test.each<[string, () => Response]>([
  ["a 404 of something in front", () => new HttpResponse("no", { status: 404 })],
  ["no answer", () => HttpResponse.error()],
  ["an image with 200", () => new HttpResponse("x", { status: 200 })],
])("%s proves nothing about a fallback", async (_title, answer) => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", fallback: "media/key.jpg" }];
  configure({ ...CONFIGURED, ROUTES });
  const front: Change = (own, { path }) => (path.includes("vitrine-doctor") ? answer() : own);
  deploy({ ...WORKER, ROUTES }, front);
  expect(await checksOf(["--url", SITE], { env: KEYLESS })).toEqual([]);
});

test.each([
  ["a signed route", { signed: true }],
  ["a route with names", { path: "/a/:id/:preset", object: "media/a/:id.jpg" }],
  ["a route that shows one preset", { presets: ["plain"] }],
])("a fallback of %s that works is well", async (_title, route) => {
  const common = { path: "/images/:preset/*", object: "media/*", fallback: "media/key.jpg" };
  const ROUTES = [{ ...common, ...route }];
  configure({ ...CONFIGURED, ROUTES });
  deploy({ ...WORKER, ROUTES });
  const { findings } = await examine(["--url", SITE], { env: KEYLESS });
  const fallbacks = findings.filter(({ check }) => check === "fallback");
  expect(fallbacks.map(({ severity }) => severity)).toEqual(["ok"]);
});
