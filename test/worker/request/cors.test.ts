// A route with `cors`: scripts of all pages may read each of its answers, also out of a browser's copy for an <img>.

import { beforeEach, expect, test } from "vitest";
import { ENV } from "../../support/env.ts";
import { arrange, get, MODERN, stage, stopDates } from "../../support/run-worker.ts";

const ROUTES = [
  { path: "/open/:preset/*", object: "media/*", presets: ["card"], cors: true, facts: true },
  { path: "/shown/:preset/*", object: "media/*", cors: true, fallback: "media/transparent.png" },
  { path: "/plain/:preset/*", object: "media/*" },
  { path: "/private/:preset/*", object: "media/*", signed: true },
];

const IMAGE = "/open/card/key.jpg";

stopDates(Date.UTC(2026, 11, 1));

/** The `env` of the current test. */
let vars: object;
beforeEach(() => {
  vars = { ...ENV, ROUTES };
});

/** No `origin`, as for an <img>; a page; a page in a sandbox; the Worker's own; and what no browser sends. */
const PAGES: Record<string, string>[] = [
  {},
  { origin: "https://app.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" },
  { origin: "null", referer: "https://evil.example/", "sec-fetch-site": "cross-site" },
  { origin: "https://images.example", "sec-fetch-site": "same-origin" },
  { origin: "*, https://a.example" },
];

const fail = (code: number, status: number) => () => {
  stage.edge.switches.failure = { code, status };
};
const breakS3 = () => void stage.s3.faults.add("SlowDown");
const limit = async () => ({ success: false });
const withoutEntrypoint = () => {
  stage.exported = () => undefined;
};

type Row = {
  readonly what: string;
  readonly status: number;
  readonly path?: string;
  readonly init?: { readonly method?: string; readonly headers?: Record<string, string> };
  /** Breaks something. */
  readonly prepare?: () => void;
  readonly vars?: object;
};

const ROWS: readonly Row[] = [
  { what: "a picture", status: 200 },
  { what: "HEAD", status: 200, init: { method: "HEAD" } },
  { what: "a picture by the gateway alone", status: 200, prepare: withoutEntrypoint },
  { what: "an unchanged picture", status: 304, init: { headers: { "if-none-match": "*" } } },
  { what: "facts", status: 200, path: `${IMAGE}?facts` },
  { what: "a preflight", status: 204, init: { method: "OPTIONS" } },
  { what: "a preflight for nothing", status: 204, path: "/open/a/b", init: { method: "OPTIONS" } },
  { what: "POST", status: 405, init: { method: "POST" } },
  { what: "HEAD for nothing", status: 404, path: "/open/card/none", init: { method: "HEAD" } },
  { what: "a missing object", status: 404, path: "/open/card/none.jpg" },
  { what: "an unknown preset", status: 404, path: "/open/nope/key.jpg" },
  { what: "a preset of other routes", status: 404, path: "/open/hero/key.jpg" },
  { what: "an impossible key", status: 404, path: "/open/card//key.jpg" },
  { what: "a fallback", status: 404, path: "/shown/card/none.jpg" },
  { what: "no image", status: 415, path: "/open/card/broken/page.jpg" },
  { what: "a fallback for no image", status: 415, path: "/shown/card/broken/page.jpg" },
  { what: "too many requests", status: 429, vars: { RATE_LIMITER: { limit } } },
  { what: "a failure of the edge", status: 502, prepare: fail(9522, 503) },
  { what: "a failure of S3", status: 502, prepare: breakS3 },
  { what: "a spent quota", status: 503, prepare: fail(9422, 429) },
  {
    what: "the edge itself",
    status: 508,
    path: `${IMAGE}?x-vitrine=0`,
    init: { headers: { via: "1.1 image-resizing" } },
  },
];

test.each(ROWS)("all pages may read $what: $status", async (row) => {
  const { path = IMAGE, init = {}, prepare } = row;

  const answers: Response[] = [];
  for (const page of PAGES) {
    arrange();
    prepare?.();
    const headers = { ...MODERN, ...page, ...init.headers };
    answers.push(await get(path, { ...init, headers }, { ...vars, ...row.vars }));
  }

  const [first, ...others] = answers.map(({ status, headers }) => ({
    status,
    headers: [...headers],
  }));

  expect(first?.status).toBe(row.status);
  expect(first?.headers).toContainEqual(["access-control-allow-origin", "*"]);
  expect(first?.headers.filter(([name]) => name === "access-control-allow-credentials")).toEqual(
    [],
  );

  // The answer depends on nothing that a page sends, so the copy for one page serves all.
  for (const other of others) expect(other).toEqual(first);

  const [, vary = "accept"] = first?.headers.find(([name]) => name === "vary") ?? [];
  expect(vary).toBe("accept");
});

test("a preflight is answered with what the page may send", async () => {
  const headers = { origin: "https://app.example", "access-control-request-headers": "x-a" };
  const answer = await get(IMAGE, { method: "OPTIONS", headers }, vars);
  expect([answer.status, answer.body, ...answer.headers]).toEqual([
    204,
    null,
    ["access-control-allow-headers", "*"],
    ["access-control-allow-methods", "GET, HEAD, OPTIONS"],
    ["access-control-allow-origin", "*"],
    ["access-control-max-age", "86400"],
    ["allow", "GET, HEAD, OPTIONS"],
    ["content-security-policy", "default-src 'none'; sandbox"],
    ["cross-origin-resource-policy", "cross-origin"],
    ["x-content-type-options", "nosniff"],
  ]);
  expect(stage.edgeRequests).toEqual([]);
});

// A path that cannot be decoded is of no route.
test.each([
  ["/plain/card/key.jpg", 200],
  ["/plain/card/none.jpg", 404],
  ["/private/card/key.jpg", 404],
  ["/none", 404],
  ["/open/card/%ff", 404],
  ["/robots.txt", 404],
  ["/healthz", 200],
])("no script of another page may read %s: %d", async (path, status) => {
  const headers = { origin: "https://app.example" };
  const answer = await get(path, { headers }, vars);
  expect(answer.status).toEqual(status);
  expect(answer.headers.get("access-control-allow-origin")).toBe(null);
});

test("the 404 of a signed route is the 404 of no route, also for a page", async () => {
  const headers = { origin: "https://app.example" };
  const visible = async (path: string) => {
    const answer = await get(path, { headers }, vars);
    return [answer.status, await answer.text(), ...answer.headers];
  };
  expect(await visible("/private/card/key.jpg")).toEqual(await visible("/none"));
});
