// The doctor compares what is deployed with wrangler.toml, by a hash that the detailed /healthz has.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import { CONFIGURED, configure, deploy, examine } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { arrange, get, stage } from "../../support/play.ts";

const WORKER = { ...ENV, ...CONFIGURED, HEALTH_TOKEN };

beforeEach(() => {
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
  configure();
});

const hashOf = async (env: object) => {
  const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
  const { configuration }: { configuration: string } = await (
    await get("/healthz", { headers }, env)
  ).json();
  return configuration;
};
const reversed = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, one]) => [key, reversed(one)]),
      )
    : value;

test.each<[string, object]>([
  ["is the same", WORKER],
  ["has its keys in another order", { ...WORKER, PRESETS: reversed(CONFIGURED.PRESETS) }],
  ["is text, as in .dev.vars", { ...WORKER, BUCKETS: JSON.stringify(CONFIGURED.BUCKETS) }],
  ["has other secrets", { ...WORKER, ...NEXT, COSTS: { objects: 5 }, OTHER: "x" }],
])("nothing is to be deployed where the configuration %s", async (_what, env) => {
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  deploy(env);
  expect(wrongIn(await examine())).toEqual([]);
  expect(await hashOf(env)).toBe(await hashOf(WORKER));
});

test.each<[string, object]>([
  ["a setting", { ANSWERS: { ...CONFIGURED.ANSWERS, stale: 5 } }],
  ["a preset", { PRESETS: { ...CONFIGURED.PRESETS, more: { width: 9 } } }],
  ["the order of routes", { ROUTES: [...CONFIGURED.ROUTES].reverse() }],
])("%s that is not deployed yet is found, and the remedy is to deploy", async (_what, change) => {
  deploy({ ...WORKER, ...change });
  const report = await examine();
  const wrong = wrongIn(report);
  expect(JSON.stringify(report.findings)).not.toContain("undefined");
  expect(wrong).toMatchObject([
    {
      cause: "deployed-differs",
      severity: "warning",
      remedy: expect.stringMatching(/vitrine deploy/),
    },
  ]);
});

test("of an older Worker, nothing is said", async () => {
  deploy(
    { ...WORKER, ANSWERS: { ...CONFIGURED.ANSWERS, stale: 5 } },
    (answer, { path, headers }) => {
      if (path !== "/healthz" || !headers.has("authorization")) return answer;
      const slots = [{ slot: "current", access_key: "…MPLE", state: "ok" }];
      return HttpResponse.json({ ok: true, buckets: [{ bucket: "media", slots, edge: "on" }] });
    },
  );
  expect(wrongIn(await examine())).toEqual([]);
});

const OLD = {
  "a wrong region": { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" },
  "a wrong bucket": { bucket: "acme-medias" },
  "a wrong canary": { canary: "nothing.jpg" },
};

test.each(Object.entries(OLD))(
  "where %s is corrected in wrangler.toml and not deployed, the doctor says to deploy and nothing against it",
  async (_what, settings) => {
    const media = { ...CONFIGURED.BUCKETS.media, ...settings };
    deploy({ ...WORKER, BUCKETS: { media } });
    const [first, ...others] = wrongIn(await examine());
    expect(first).toMatchObject({ cause: "deployed-differs" });
    for (const { what, why, remedy } of others) {
      expect(why).not.toMatch(/\. [a-z]/);
      expect(remedy).toMatch(/npx vitrine deploy|fix that first/);
      expect(remedy).not.toContain("correct BUCKETS");
      expect(what).not.toMatch(/is in (\S+), not in \1|no bucket "acme-media"/);
    }
  },
);
