// The doctor of buckets that no key opens: an R2 binding, and a role of AWS, link by link. What answers at the issuer's
// address is not trusted. And of a local run whose buckets are simulated.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { PROTECTION } from "../../../src/worker/response/answer.ts";
import { expectFindings } from "../../support/cli/findings.ts";
import { BOUND, createProject, HOST, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import { s3Error } from "../../support/network.ts";
import "../../support/run-worker.ts";
import { network } from "../../support/emulators.ts";

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
  const all = { ...common, PRESETS: { card: { width: 9 } }, ...vars };
  const folder = createProject({ ...TOP, ...BOUND, secrets, vars: all });
  const world = { folder, env: { HEALTH_TOKEN } };
  const { out, code } = await vitrine(["doctor", "--json", "--url", HOST], world);
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

const UNTIL = { state: "ok", expires: "2026-11-26T13:00:00.000Z" };

test("what /healthz says of a role", async () => {
  const cases: [string, Finding[]][] = [];
  for (const [state, severities] of [
    [{ state: "AccessDenied" }, ["role error"]],
    [{ state: "IDPRejectedClaim" }, ["role error"]],
    [{ state: "ValidationError" }, ["role error"]],
    [{ state: "Odd", reason: "off" }, ["role error"]],
    [UNTIL, ["role ok", "role-rights ok"]],
    [{ ...UNTIL, state: "AccessDenied" }, ["role ok", "role-rights error"]],
    [{ ...UNTIL, renewal: "X" }, ["role warning", "role-rights ok"]],
  ] as const) {
    const health = { edge: "on", role: { role: ARN, ...state } };
    const { findings } = await examine({ vars: ofRole, health });
    expect([state, seen(findings, "role", "role-rights")]).toEqual([state, severities]);
    expect(seen(findings, "keys")).toEqual(["keys note"]);
    cases.push([JSON.stringify(state), findings.filter(({ check }) => check.startsWith("role"))]);
  }
  await expectFindings("role.txt", cases);
});

test("what answers at the issuer's address is not trusted, and the broken link is named", async () => {
  const right = { issuer: HOST, jwks_uri: JWKS };
  const cases: [string, Finding[]][] = [];
  for (const [title, discovery, keys] of [
    ["nobody answers", HttpResponse.error(), {}],
    ["a redirect", new HttpResponse(null, { status: 301 }), {}],
    ["a page", new HttpResponse("<html>"), {}],
    ["an endless issuer", { ...right, issuer: "x".repeat(9_000) }, {}],
    ["keys elsewhere", { ...right, jwks_uri: "https://a.example/" }, {}],
    ["no keys there", right, new HttpResponse(null, { status: 404 })],
    ["a set that is none", right, { keys: [null, 1, { kid: 7 }] }],
  ] as const) {
    const answers = { [DISCOVERY]: discovery, [JWKS]: keys };
    const { findings } = await examine({ vars: ofRole, answers, health: { edge: "on" } });
    expect([title, seen(findings, "issuer")]).toEqual([title, ["issuer error"]]);
    cases.push([title, findings.filter(({ check }) => check === "issuer")]);
  }
  await expectFindings("issuer.txt", cases);
});

test.each([
  ["NoSuchBucket", 404],
  ["SlowDown", 503],
])("where the local S3 says %s, the name of its bucket is not printed", async (code, status) => {
  const buckets = [{ bucket: "media", slots: [{ slot: "current", state: code }], edge: "9404" }];
  network.use(
    http.all("*", ({ request }) => {
      const isHealth = new URL(request.url).pathname === "/healthz";
      const isDeep = isHealth && request.headers.has("authorization");
      if (isDeep) return HttpResponse.json({ ok: true, buckets });
      if (isHealth) return new HttpResponse("ok\n", { headers: PROTECTION });
      return s3Error(code, status);
    }),
  );
  const BUCKETS = { media: { ...VARS.BUCKETS.media, ...CANARY } };
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const vars = { BUCKETS, ROUTES, PRESETS: { card: { width: 9 } } };
  const folder = createProject({ ...TOP, ...BOUND, vars });
  writeFileSync(join(folder, ".dev.vars"), `HEALTH_TOKEN='${HEALTH_TOKEN}'\n`);
  const { out, err } = await vitrine(["doctor", "--url", "http://localhost:8787"], { folder });
  expect(out).toContain(VARS.BUCKETS.media.bucket);
  expect(out + err).not.toMatch(/-[0-9a-f]{32}\b/);
  // Remedies for the local run do not suppose that anything is deployed.
  expect(out).not.toMatch(/npx wrangler|custom_domain|Then npx vitrine deploy/);
});
