// What the doctor sees of a deployed site: the strict edge and the strict cache with those switches that matter to it,
// and what answers that prove nothing, or settings that are not deployed, lead to. Faults are in faults.test.ts.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import { explainEngineAnswer } from "../../../src/cli/doctor/engine-cause.ts";
import type { Check, Finding, Severity } from "../../../src/cli/doctor/finding.ts";
import {
  beginSite,
  type Change,
  CONFIGURED,
  checksOf,
  deploy,
  examine,
  onImages,
  reporting,
  SITE,
  withHeader,
} from "../../support/cli/doctor.ts";
import { expectFindings, problemsOf } from "../../support/cli/findings.ts";
import { file } from "../../support/emulators.ts";
import { ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import { get, stage } from "../../support/run-worker.ts";
import { EDGE_CODES } from "../../support/tables/edge-codes.ts";

/** A wrangler.toml without environments. */
const TOP_LEVEL = {
  file: "wrangler.toml",
  environment: undefined,
  environments: [],
  devVars: ".dev.vars",
};

const WORKER = { ...ENV, ...CONFIGURED, HEALTH_TOKEN };

beforeEach(() => beginSite());

test("where all is well nothing is wrong, and no transformation is paid twice", async () => {
  const report = await examine();
  expect([problemsOf(report), report.code]).toEqual([[], 0]);
  const well = report.findings.filter(({ severity }) => severity === "ok");
  const checks = ["deployed", "health", "transformations", "sources", "image", "formats", "cache"];
  const others = ["originals", "workers-cache", "side-door", "public"];
  expect(well.map(({ check }) => check)).toEqual(expect.arrayContaining([...checks, ...others]));
  // The canary of /healthz, and one image: only one of the two routes leads to the bucket.
  expect(stage.edge.transformations.size).toBe(2);
});

test("where nothing is at hand, as after a first deploy, a healthy site gets no warning", async () => {
  const names = [...Object.keys(SECRETS), "HEALTH_TOKEN"];
  const env = Object.fromEntries(names.map((name) => [name, undefined]));
  const report = await examine(undefined, { env });
  expect([problemsOf(report), report.code]).toEqual([[], 0]);
  expect(report.findings.some(({ check }) => check === "formats")).toBe(true);
});

test("a cache that forgets what it keeps is found, and one near visitors is none (W1, W13)", async () => {
  for (const [settings, checks] of [
    [{ loopback: "forgotten" }, ["workers-cache"]],
    [{ runsIn: "visitor" }, []],
  ] as const) {
    beginSite();
    Object.assign(stage.cache.switches, settings);
    expect([settings, await checksOf()]).toEqual([settings, checks]);
  }
});

test("a route is judged by its own answers, and the cache by a route that has one", async () => {
  const [first, ...others] = CONFIGURED.ROUTES;
  const other = { path: "/other/:preset/*", object: "media/*" };
  const hour = withHeader("cache-control", "public, max-age=600");
  const isFound = (report: Awaited<ReturnType<typeof examine>>, check: Check) =>
    report.findings.some((finding) => finding.check === check && finding.severity === "ok");

  for (const [answers, change, checks] of [
    [{ immutable: true }, undefined, []],
    [{ immutable: true, max_age: 5 }, undefined, []],
    [{ keep: 0, max_age: 5 }, undefined, []],
    [{ immutable: true }, hour, ["cache"]],
    [{ max_age: 86_400 }, hour, ["cache"]],
  ] as const) {
    const vars = { ...CONFIGURED, ROUTES: [{ ...first, answers }, ...others, other] };
    beginSite({}, vars);
    if (change) deploy({ ...ENV, ...vars, HEALTH_TOKEN }, onImages(change));
    const report = await examine();
    expect([answers, problemsOf(report).map(({ check }) => check)]).toEqual([answers, checks]);
    expect([answers, isFound(report, "workers-cache")]).toEqual([answers, true]);
  }
});

const explainCode = (code: string, status: number, isBinding: boolean) =>
  explainEngineAnswer(
    { code, status, isBinding },
    { envConfig: TOP_LEVEL, sourceEntry: "{entry}", isSourceAllowed: false },
  );

test("each code of the edge has its check and its remedy (E5, E11)", async () => {
  const cases = EDGE_CODES.map(({ code, status, event, cause }) => {
    const { check, text: seen, needsDeploy, ...rest } = explainCode(code, status, false);
    const remedy = `${rest.remedy}${needsDeploy ? ". Then npx vitrine deploy" : ""}`;
    const [expected] = [cause, event === "quota-spent" ? "quota" : undefined, "edge"].filter(
      (one) => one === "sources" || one === "quota" || one === "edge",
    );
    expect([code, check]).toEqual([code, expected]);
    return [`${code}/${status}`, [{ check, severity: "error", about: "", seen, remedy }]] as const;
  });
  await expectFindings("edge-codes.txt", cases);
  expect(explainCode("origin-denied", 400, false).text).toMatch(/: S3 does not give it/);
  expect(explainCode("9430", 403, true).text).toMatch(/^the Images binding answers 9430: no/);
  for (const name of ["constructor", "toString", "__proto__"]) {
    const { remedy, text } = explainCode(name, 403, false);
    expect(remedy + text).not.toMatch(/undefined|function/);
  }
  // As /healthz reports it.
  const slots = [{ slot: "current", access_key: "…MPLE", state: "ok" }];
  deploy(undefined, reporting({ edge: "9406", answered: 403, slots }));
  expect(await checksOf()).toEqual(["edge"]);
});

test("the edge says something new of its renditions: all is shown, and the doctor names it (R1)", async () => {
  stage.edge.switches.resizedHeader = "other";
  const [problem, ...others] = problemsOf(await examine());
  expect(problem).toMatchObject({ severity: "warning", check: "edge" });
  expect([problem?.seen, others]).toEqual([expect.stringContaining("reads outcome=done,"), []]);

  beginSite();
  Object.assign(stage.edge.switches, { resizedHeader: "other-everywhere", transformations: false });
  expect(await checksOf()).toEqual(expect.arrayContaining(["transformations", "edge"]));
});

test("of a slot that /healthz reports, only what was measured and asked for is told (A7)", async () => {
  const seen = async (slot: object) => {
    beginSite();
    deploy(undefined, reporting({ slots: [{ slot: "current", access_key: "…MPLE", ...slot }] }));
    return problemsOf(await examine()).map((finding) => finding.seen);
  };
  const skewed = { state: "RequestTimeTooSkewed", answered: 403 };
  const refusal = "and it refuses what is over 900 s off (RequestTimeTooSkewed)";
  expect(await seen({ ...skewed, clock: -1200 })).toEqual([
    `S3's clock is 1200 s behind, ${refusal}`,
  ]);
  expect(await seen(skewed)).toEqual([
    `S3's clock is over 15 minutes from the time of the request, ${refusal}`,
  ]);
  // The Worker asks for the canary, which exists.
  expect(await seen({ state: "405", answered: 405 })).toEqual([
    expect.stringMatching(/ does not answer as an S3 does: 405$/),
  ]);
});

test.each([
  ["an invalid HEALTH_TOKEN", "a tokén of 16 characters", "ok", ["health note"]],
  ["a token with a line break", "a token with\na line break", "ok", ["health note"]],
  ["one that another app's /healthz would get", HEALTH_TOKEN, "ok\n", ["deployed warning"]],
])("%s is not sent, and images are checked", async (_title, token, text, expected) => {
  const heard = new Set<string | null>();
  deploy(undefined, (answer, { path, headers }) => {
    if (path !== "/healthz") return answer;
    heard.add(headers.get("authorization"));
    return text === "ok" ? answer : new HttpResponse(text);
  });
  const report = await examine(undefined, { env: { HEALTH_TOKEN: token } });
  const seen = report.findings.map(({ check, severity }) => `${check} ${severity}`);
  expect(seen).toEqual(expect.arrayContaining([...expected, "originals ok"]));
  expect(JSON.stringify(report)).not.toContain(token.slice(0, 6));
  expect(heard).toEqual(new Set([null]));
});

test("a HEALTH_TOKEN with a line break at its end is not called missing", async () => {
  deploy();
  const report = await examine(undefined, { env: { HEALTH_TOKEN: `${HEALTH_TOKEN}\r` } });
  const { seen } = report.findings.find(({ check }) => check === "health") ?? {};
  expect(seen).toMatch(
    /^HEALTH_TOKEN of the environment must be 16 or more .* without a space or a line break/,
  );
});

test("another app that answers 500 at /healthz gets no token", async () => {
  const heard = new Set<string | null>();
  deploy(undefined, (_answer, { headers }) => {
    heard.add(headers.get("authorization"));
    return new HttpResponse("Internal error", { status: 500 });
  });
  expect(await checksOf()).toEqual(expect.arrayContaining(["deployed", "image"]));
  expect(heard).toEqual(new Set([null]));
});

/** An original comes out by some paths. */
const leaks =
  (isOpen: (path: string) => boolean): Change =>
  (answer, { path }) =>
    isOpen(path)
      ? new HttpResponse(file("made/key.jpg").slice(), {
          headers: { "content-type": "image/jpeg" },
        })
      : answer;

test("what is in front of the Worker: an original that comes out, and answers that something changed (C5)", async () => {
  let first: Response | undefined;
  const minute = withHeader("cache-control", "public, max-age=60");
  const stored = withHeader("server-timing", "cache;desc=stored");
  const fronts: Readonly<Record<string, readonly [Change, Check, Severity]>> = {
    "an original, byte for byte": [
      leaks((path) => path.startsWith("/images/")),
      ...(["originals", "error"] as const),
    ],
    "something that calls a JPEG a PNG": [
      onImages((answer, { headers }) =>
        headers.get("accept")?.startsWith("image/png")
          ? new HttpResponse(answer.body, { headers: { "content-type": "image/png" } })
          : answer,
      ),
      ...(["formats", "error"] as const),
    ],
    "a cache that keeps one format for all": [
      onImages((answer, { headers }) => {
        if (headers.get("accept")?.startsWith("image/avif")) first = answer.clone();
        return first?.clone() ?? answer;
      }),
      ...(["formats", "error"] as const),
    ],
    "Cloudflare's page about an origin": [
      onImages(() => new HttpResponse("error code: 522", { status: 522 })),
      ...(["image", "error"] as const),
    ],
    "a new word": [withHeader("server-timing", "cache;desc=hits"), "workers-cache", "note"],
    "a max-age that the zone shortens": [minute, "cache", "warning"],
    "what was stored before an outage of S3": [
      (answer, request) => minute(stored(answer, request), request),
      ...(["cache", "ok"] as const),
    ],
  };
  const cases: [string, Finding[]][] = [];
  for (const [title, [change, check, severity]] of Object.entries(fronts)) {
    beginSite();
    deploy(undefined, change);
    const findings = (await examine()).findings.filter((one) => one.check === check).slice(0, 1);
    expect([title, findings.map((one) => one.severity)]).toEqual([title, [severity]]);
    cases.push([title, findings]);
  }
  await expectFindings("in-front.txt", cases);
});

test("signed routes are checked if the keys are at hand", async () => {
  const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
  beginSite({}, { ...CONFIGURED, ROUTES });
  const formats = async (env: Record<string, undefined>) => {
    const report = await examine(undefined, { env });
    return [report.code, report.findings.some(({ check }) => check === "formats")];
  };
  expect(await formats({})).toEqual([0, true]);
  expect(await formats({ URL_SIGNING_KEYS: undefined })).toEqual([0, false]);
});

test("an SVG that needs no cleaning is not reported as a leaked original (R8)", async () => {
  const ROUTES = [{ path: "/icons/:preset/*", object: "media/*", svg: true }];
  const vars = { ...CONFIGURED, ROUTES };
  beginSite({}, vars);
  const put = (key: string, body: Uint8Array) =>
    stage.s3.objects.set(`published/${key}`, { body, type: "image/svg+xml" });
  put("b.svg", file("broken/script.svg"));
  const clean = await get("/icons/card/b.svg", {}, { ...WORKER, ...vars });
  put("a.svg", new Uint8Array(await clean.arrayBuffer()));
  const report = await examine(["--url", SITE, "a.svg"]);
  expect(problemsOf(report)).toEqual([]);
  expect(JSON.stringify(report.findings)).toContain("reads: image/svg+xml");
});

test("another configuration than the deployed one is found, however it is written", async () => {
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const same = [{}, { BUCKETS: JSON.stringify(CONFIGURED.BUCKETS) }];
  for (const change of [...same, { ...NEXT, COSTS: { objects: 5 } }]) {
    deploy({ ...WORKER, ...change });
    expect([change, await checksOf()]).toEqual([change, []]);
  }
  for (const change of [
    { ANSWERS: { ...CONFIGURED.ANSWERS, stale: 5 } },
    { PRESETS: { ...CONFIGURED.PRESETS, more: { width: 9 } } },
    { ROUTES: [...CONFIGURED.ROUTES].reverse() },
  ]) {
    deploy({ ...WORKER, ...change });
    expect([change, await checksOf()]).toEqual([change, ["deployed"]]);
  }
});

test.each<[string, object]>([
  ["region", { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" }],
  ["canary", { canary: "nothing.jpg" }],
])("where a corrected %s is not deployed, nothing is said against it", async (_title, settings) => {
  deploy({ ...WORKER, BUCKETS: { media: { ...CONFIGURED.BUCKETS.media, ...settings } } });
  const [first, ...others] = problemsOf(await examine());
  expect(first?.check).toBe("deployed");
  for (const { seen, remedy } of others) {
    expect(remedy).toMatch(/npx vitrine deploy|fix that first/);
    expect(`${remedy} ${seen}`).not.toMatch(/correct BUCKETS|is in (\S+), not in \1/);
  }
});
