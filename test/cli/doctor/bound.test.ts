// The doctor of a bucket that no key opens: what it does not ask, and what /healthz says.

import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { PROTECTION } from "../../../src/worker/answer/answer.ts";
import { BOUND, HOST, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { env: _env, ...TOP } = STAGED;
const vars = {
  BUCKETS: { media: { binding: "MEDIA_BUCKET", canary: "key.jpg" } },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
  PRESETS: { card: { width: 9 } },
};

let asked: string[];
beforeEach(() => {
  asked = [];
});

/** Runs the doctor on a Vitrine whose /healthz says this of the bucket. */
async function examine(config: object, health: object) {
  network.use(
    http.all("*", ({ request }) => {
      const { pathname, host } = new URL(request.url);
      asked.push(`${host}${pathname}`);
      if (pathname !== "/healthz") return new HttpResponse("no", { status: 502 });
      if (!request.headers.has("authorization"))
        return new HttpResponse("ok\n", { headers: PROTECTION });
      return HttpResponse.json({ ok: true, buckets: [{ bucket: "media", slots: [], ...health }] });
    }),
  );
  const folder = makeProject({ ...TOP, ...BOUND, vars, ...config });
  const given = { folder, env: { HEALTH_TOKEN } };
  const { out } = await vitrine(["doctor", "--json", "--url", HOST], given);
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return findings;
}

const seen = (findings: readonly Finding[], ...checks: string[]) =>
  findings
    .filter(({ check }) => checks.includes(check))
    .map(({ check, severity, cause }) => [check, severity, cause]);

test("an R2 binding is asked by the Worker alone, and no side door leads to it (E10)", async () => {
  const findings = await examine({}, { r2: "ok", edge: "on" });
  expect(seen(findings, "r2", "binding")).toEqual([
    ["r2", "ok", undefined],
    ["binding", "ok", undefined],
  ]);
  expect(seen(findings, "side-door", "sources", "transformations", "keys", "public")).toEqual([]);
  expect(new Set(asked.map((url) => url.split("/")[0]))).toEqual(new Set([new URL(HOST).host]));
  expect(asked.some((url) => url.includes("cdn-cgi"))).toBe(false);
});

test.each<[health: object, check: string, cause: string]>([
  [{ r2: "unreachable", edge: "no canary" }, "r2", "r2"],
  [{ r2: "ok", edge: "9412" }, "binding", "binding-unreadable"],
  [{ r2: "ok", edge: "9422" }, "binding", "binding-quota"],
  [{ r2: "ok", edge: "object-missing" }, "binding", "binding-missing"],
  [{ r2: "\u001b[31m", edge: "on" }, "binding", ""],
])("where /healthz says %o, the doctor names the cause (L2)", async (health, check, cause) => {
  const findings = await examine({}, health);
  const [, , found = ""] = seen(findings, check)[0] ?? [];
  expect(found).toBe(cause);
  expect(JSON.stringify(findings)).not.toContain("\\u001b");
});

test("a role's own health is told with the trust policy, and without a key of S3", async () => {
  const role = "arn:aws:iam::123456789012:role/vitrine";
  const media = { ...VARS.BUCKETS.media, engine: "binding", role };
  const findings = await examine(
    {
      vars: { ...vars, BUCKETS: { media }, OIDC: { issuer: HOST } },
      secrets: { required: ["OIDC_SIGNING_KEY"] },
    },
    { edge: "AccessDenied", role: { role, state: "AccessDenied", reason: "the trust policy" } },
  );
  expect(seen(findings, "issuer", "role", "keys", "binding")).toEqual([
    ["keys", "note", undefined],
    ["issuer", "error", "issuer"],
    ["role", "error", "role-denied"],
  ]);
  expect(findings.find(({ check }) => check === "role")?.remedy).toContain(
    '"images.example:sub":"vitrine"',
  );
});

test.each([
  ["without HEALTH_TOKEN", {}],
  ["with HEALTH_TOKEN", { HEALTH_TOKEN }],
])("an empty R2 bucket is no error after a first deploy, %s", async (_what, env) => {
  network.use(
    http.all("*", ({ request }) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/healthz") return new HttpResponse("Not found\n", { status: 404 });
      if (!request.headers.has("authorization")) {
        return new HttpResponse("ok\n", { headers: PROTECTION });
      }
      const media = { bucket: "media", slots: [], r2: "ok", edge: "no canary" };
      return HttpResponse.json({ ok: true, buckets: [media] });
    }),
  );
  const BUCKETS = { media: { binding: "MEDIA_BUCKET" } };
  const folder = makeProject({ ...TOP, ...BOUND, vars: { ...vars, BUCKETS } });
  const { out, code } = await vitrine(["doctor", "--json", "--url", HOST], { folder, env });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(seen(findings, "image")).toEqual([["image", "warning", "no-object-known"]]);
  expect(code).toBe(1); // warnings: vitrine deploy ends with 0
});

test("in the local run, no key of an R2 binding is told", async () => {
  network.use(
    http.all("*", ({ request }) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/healthz") return new HttpResponse("ok\n", { headers: PROTECTION });
      const code = request.headers.has("authorization") ? "NoSuchKey" : "AccessDenied";
      const status = code === "NoSuchKey" ? 404 : 403;
      return HttpResponse.xml(`<Error><Code>${code}</Code></Error>`, { status });
    }),
  );
  const folder = makeProject({ ...TOP, ...BOUND, vars });
  const given = ["doctor", "--json", "--url", "http://localhost:8787"];
  const { findings }: { findings: Finding[] } = JSON.parse((await vitrine(given, { folder })).out);
  expect(findings.map(({ what }) => what).join("\n")).toContain("and no key opens it");
  expect(JSON.stringify(findings)).not.toMatch(/slot current|S3 knows it|"key-id"/);
});
