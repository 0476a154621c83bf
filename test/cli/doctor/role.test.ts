// The doctor of buckets that no key opens: an R2 binding, and a role of AWS, link by link. What answers at the issuer's
// address is not trusted. And of a local run whose buckets are simulated.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { PROTECTION } from "../../../src/worker/answer/answer.ts";
import { BOUND, HOST, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { env: _env, ...TOP } = STAGED;
const ARN = "arn:aws-cn:iam::123456789012:role/vitrine";
const CANARY = { canary: "key.jpg" };
const bound = { BUCKETS: { media: { binding: "MEDIA_BUCKET", ...CANARY } } };
const ofRole = {
  BUCKETS: { media: { ...VARS.BUCKETS.media, engine: "binding", role: ARN } },
  OIDC: { issuer: HOST },
};
const DISCOVERY = `${HOST}/.well-known/openid-configuration`;
const JWKS = `${HOST}/.well-known/jwks.json`;

type Site = {
  readonly vars: object;
  /** What /healthz says of the bucket, and what is at other URLs. */
  readonly health?: object;
  readonly answers?: Readonly<Record<string, Response | object>>;
};

/** Runs the doctor. @returns its findings, and the hosts that were asked */
async function examine({ vars, health = {}, answers = {} }: Site) {
  const hosts = new Set<string>();
  network.use(
    http.all("*", ({ request }) => {
      const { pathname, host } = new URL(request.url);
      hosts.add(host);
      const answer = answers[request.url];
      if (answer !== undefined) {
        return answer instanceof Response ? answer.clone() : HttpResponse.json(answer);
      }
      if (pathname !== "/healthz") return new HttpResponse("no", { status: 502 });
      if (!request.headers.has("authorization"))
        return new HttpResponse("ok\n", { headers: PROTECTION });
      return HttpResponse.json({ ok: true, buckets: [{ bucket: "media", slots: [], ...health }] });
    }),
  );
  const common = { ROUTES: [{ path: "/images/:preset/*", object: "media/*" }] };
  const secrets = { required: "OIDC" in vars ? ["OIDC_SIGNING_KEY"] : [] };
  const config = {
    ...TOP,
    ...BOUND,
    secrets,
    vars: { ...common, PRESETS: { card: { width: 9 } }, ...vars },
  };
  const folder = makeProject(config);
  const { out, code } = await vitrine(["doctor", "--json", "--url", HOST], {
    folder,
    env: { HEALTH_TOKEN },
  });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return { findings, code, hosts };
}

const seen = (findings: readonly Finding[], ...checks: string[]) =>
  findings
    .filter(({ check }) => checks.includes(check))
    .map(({ check, severity }) => `${check} ${severity}`);

test("an R2 binding is asked by the Worker alone, and no side door leads to it (E10)", async () => {
  const { findings, hosts } = await examine({ vars: bound, health: { r2: "ok", edge: "on" } });
  expect(seen(findings, "r2", "binding")).toEqual(["r2 ok", "binding ok"]);
  expect(seen(findings, "side-door", "sources", "transformations", "keys", "public")).toEqual([]);
  expect(hosts).toEqual(new Set([new URL(HOST).host]));
});

test("an empty R2 bucket is no error after a first deploy", async () => {
  const vars = { BUCKETS: { media: { binding: "MEDIA_BUCKET" } } };
  const { findings, code } = await examine({ vars, health: { r2: "ok", edge: "no canary" } });
  expect(seen(findings, "image")).toEqual(["image warning"]);
  expect(code).toBe(1); // warnings: vitrine deploy ends with 0
});

const UNTIL = { state: "ok", expires: "2026-11-26T13:00:00.000Z" };

test.each<[health: object, findings: readonly string[], says: string]>([
  [{ state: "AccessDenied" }, ["role error"], "arn:aws-cn:iam::123456789012:oidc-provider"],
  [{ state: "IDPRejectedClaim" }, ["role error"], `${HOST} and sts.amazonaws.com`],
  [
    { state: "ValidationError" },
    ["role error"],
    `BUCKETS.media.role in wrangler.toml: ${ARN} is no role`,
  ],
  [{ state: "Odd", reason: "off" }, ["role error"], "(Odd): off"],
  [UNTIL, ["role ok", "role-rights ok"], "good until 2026-11-26"],
  [
    { ...UNTIL, state: "AccessDenied" },
    ["role ok", "role-rights error"],
    "arn:aws-cn:s3:::acme-media/published/*",
  ],
  [{ ...UNTIL, renewal: "X" }, ["role warning", "role-rights ok"], "no new ones (X)"],
])("of a role with %j it says what to do", async (state, found, says) => {
  const health = { edge: "on", role: { role: ARN, ...state } };
  const { findings } = await examine({ vars: ofRole, health });
  expect(seen(findings, "role", "role-rights")).toEqual(found);
  const texts = findings.map((one) => `${one.seen} ${one.remedy}`).join("\n");
  expect(texts).toContain(says);
  expect(seen(findings, "keys")).toEqual(["keys note"]);
});

const RIGHT = { issuer: HOST, jwks_uri: JWKS };

test.each<[title: string, discovery: Response | object, keys: Response | object, says: RegExp]>([
  ["nobody answers", HttpResponse.error(), {}, /openid-configuration cannot be reached/],
  ["a redirect", new HttpResponse(null, { status: 301 }), {}, /openid-configuration answers 301/],
  ["a page", new HttpResponse("<html>"), {}, /openid-configuration answers 200, or no JSON$/],
  ["an endless issuer", { ...RIGHT, issuer: "x".repeat(9_000) }, {}, /is .x{99}, not/],
  ["keys elsewhere", { ...RIGHT, jwks_uri: "https://a.example/" }, {}, /a\.example/],
  ["no keys there", RIGHT, new HttpResponse(null, { status: 404 }), /jwks\.json answers 404/],
  ["a set that is none", RIGHT, { keys: [null, 1, { kid: 7 }] }, /shows no public key$/],
])("the issuer, with %s: that link is named", async (_title, discovery, keys, says) => {
  const answers = { [DISCOVERY]: discovery, [JWKS]: keys };
  const { findings } = await examine({ vars: ofRole, answers, health: { edge: "on" } });
  expect(findings.find(({ check }) => check === "issuer")?.seen).toMatch(says);
});

test.each([
  ["NoSuchBucket", 404],
  ["NoSuchKey", 404],
  ["AccessDenied", 403],
  ["SlowDown", 503],
])("where the local S3 says %s, the name of its bucket is not printed", async (code, status) => {
  const buckets = [{ bucket: "media", slots: [{ slot: "current", state: code }], edge: "9404" }];
  network.use(
    http.all("*", ({ request }) => {
      const isHealth = new URL(request.url).pathname === "/healthz";
      const isDeep = isHealth && request.headers.has("authorization");
      if (isDeep) return HttpResponse.json({ ok: true, buckets });
      if (isHealth) return new HttpResponse("ok\n", { headers: PROTECTION });
      return HttpResponse.xml(`<Error><Code>${code}</Code></Error>`, { status });
    }),
  );
  const BUCKETS = { media: { ...VARS.BUCKETS.media, ...CANARY } };
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const vars = { BUCKETS, ROUTES, PRESETS: { card: { width: 9 } } };
  const folder = makeProject({ ...TOP, ...BOUND, vars });
  writeFileSync(join(folder, ".dev.vars"), `HEALTH_TOKEN='${HEALTH_TOKEN}'\n`);
  const { out, err } = await vitrine(["doctor", "--url", "http://localhost:8787"], { folder });
  expect(out).toContain(VARS.BUCKETS.media.bucket);
  expect(out + err).not.toMatch(/-[0-9a-f]{32}\b/);
});
