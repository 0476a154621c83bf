// What the doctor says of a zone whose settings it reads: which one is missing, and that no other finding contradicts it.
// The strict edge and the emulated account have the same settings, unless a case says otherwise.

import { expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { doorRuleDescription } from "../../../src/cli/zone/door-rule.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import {
  beginSite,
  CONFIGURED,
  configure,
  deploy,
  examine,
  SITE,
} from "../../support/cli/doctor.ts";
import { expectFindings, problemsOf } from "../../support/cli/findings.ts";
import { tomlOf } from "../../support/cli/folder.ts";
import {
  type CloudflareAccount,
  type Right,
  SETUP_TOKEN,
  startCloudflareAccount,
} from "../../support/cloudflare/account.ts";
import { passToLoopback } from "../../support/cloudflare/loopback.ts";
import {
  createRule,
  createRuleset,
  createZone,
  entriesOf,
  type Rule,
  type Zone,
} from "../../support/cloudflare/zone.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

const ENTRY = "acme-media.s3.eu-west-1.amazonaws.com/published/";
/** It allows the buckets of all customers. */
const WIDE = "*.s3.eu-west-1.amazonaws.com";
const WHOLE_ZONE = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';
const BY_HAND = createRule("block", WHOLE_ZONE, { description: "no side door" });
const OWN = { description: doorRuleDescription("vitrine") };
/** Blocks it on a host, in words that Vitrine does not know. */
const OF_HOST = createRule("block", `http.host eq "images.example" and ${WHOLE_ZONE}`);
const OTHERS = ["/a", "/b", "/c", "/d", "/e"].map((path) =>
  createRule("block", `http.request.uri.path eq "${path}"`),
);

type Settings = {
  readonly zone?: Partial<Zone>;
  readonly rules?: readonly Rule[];
  /** Where the edge does not follow the settings. */
  readonly edge?: Partial<EdgeSettings>;
  readonly rights?: readonly Right[];
};

type Case = Settings & {
  readonly title: string;
  /** All errors and warnings, in their order. */
  readonly problems: readonly string[];
};

const RIGHT = { transformations: "on", sources: ENTRY } as const;

const CASES: readonly Case[] = [
  { title: "all is set", problems: [] },
  {
    title: "nothing is set",
    zone: { transformations: "off", sources: "" },
    rules: [],
    problems: ["sources error", "transformations error", "image error", "zone error"],
  },
  {
    title: "Sources lacks the bucket, and has others",
    zone: { sources: "cdn.example, acme-media.s3.eu-west-1.amazonaws.com/other/" },
    problems: ["sources error", "image error"],
  },
  {
    title: "Sources lacks the bucket, and the edge returns the original (E5)",
    zone: { sources: "cdn.example" },
    edge: { foreignSources: "untransformed" },
    problems: ["sources error", "image error"],
  },
  {
    title: "transformations are off",
    zone: { transformations: "off" },
    problems: ["transformations error", "image error"],
  },
  {
    title: "the edge refuses what Sources has (E11)",
    edge: { sources: [] },
    problems: ["sources error", "image error"],
  },
  {
    title: "the edge transforms nothing, although it is on",
    edge: { transformations: false },
    problems: ["transformations error", "image error"],
  },
  { title: "no rule, and nobody saw the door open", rules: [], problems: ["zone error"] },
  {
    title: "no rule, and the door was seen open",
    zone: { sources: WIDE },
    rules: [],
    problems: ["side-door error"],
  },
  {
    title: "a rule that may block it on all hosts or not, and does on this one",
    rules: [OF_HOST],
    edge: { firewall: true },
    problems: ["zone warning"],
  },
  {
    title: "the own rule is switched off",
    rules: [createRule("block", WHOLE_ZONE, { ...OWN, enabled: false })],
    problems: ["zone error"],
  },
  {
    title: "somebody has changed the own rule",
    rules: [createRule("block", `${WHOLE_ZONE} and ip.src.country eq "FR"`, OWN)],
    problems: ["zone warning"],
  },
  { title: "the list of rules is full", rules: OTHERS, problems: ["zone error"] },
  {
    title: "a rule without effect, and the door was seen open",
    zone: { sources: WIDE },
    edge: { firewall: false },
    problems: ["side-door error"],
  },
  {
    title: "a rule without effect, and the bucket denies what the edge asks for",
    edge: { firewall: false },
    problems: ["side-door warning"],
  },
  {
    title: "all origins are allowed, and a rule shuts the whole zone",
    zone: { sources: "*" },
    edge: { sources: [ENTRY] },
    problems: [],
  },
  {
    title: "all origins are allowed, and no rule shuts the whole zone",
    zone: { sources: "*" },
    rules: [],
    edge: { sources: [ENTRY] },
    problems: ["zone error", "zone warning"],
  },
  {
    title: "transformations are open, so Sources does not count",
    zone: { transformations: "open", sources: "" },
    rules: [],
    edge: { sources: [ENTRY] },
    problems: ["zone error", "zone warning"],
  },
  {
    title: "the token may not read settings",
    rights: ["Zone Read", "Zone WAF Read"],
    problems: [],
  },
  {
    title: "the token may not read rules",
    rights: ["Zone Read", "Zone Settings Read"],
    problems: [],
  },
  { title: "the token may read no zone", rights: ["Zone WAF Read"], problems: [] },
  {
    title: "the token may not read settings, and the edge refuses the bucket",
    rights: ["Zone Read", "Zone WAF Read"],
    edge: { sources: [] },
    problems: ["sources error", "image error"],
  },
  { title: "the zone waits for its name servers", zone: { status: "pending" }, problems: [] },
  { title: "the zone is in another account", zone: { account: "another" }, problems: [] },
];

/** Sets up a site, and the account that has its zone. */
async function begin(
  { zone: settings, rules = [BY_HAND], edge, rights = SETUP_TOKEN.rights }: Settings,
  others: readonly Zone[] = [],
): Promise<CloudflareAccount> {
  const zone = createZone("images.example", {
    ...RIGHT,
    ruleset: rules.length === 0 ? undefined : createRuleset(rules),
    ...settings,
  });
  beginSite({
    firewall: rules.includes(BY_HAND),
    urlInterfaceShowsPrivate: false,
    transformations: zone.transformations !== "off",
    sources: entriesOf(zone.sources).filter((entry) => entry !== "*"),
    ...edge,
  });
  passToLoopback();
  return startCloudflareAccount({ zones: [zone, ...others], tokens: [{ ...SETUP_TOKEN, rights }] });
}

/** What an operator has who sets the token for one run. */
function environmentOf({ env }: CloudflareAccount) {
  const { CLOUDFLARE_API_BASE_URL, CLOUDFLARE_ACCOUNT_ID } = env;
  const CLOUDFLARE_SETUP_TOKEN = SETUP_TOKEN.value;
  return { CLOUDFLARE_API_BASE_URL, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_SETUP_TOKEN };
}

const OF_ZONE = ["zone", "sources", "transformations", "side-door", "image"];

const reports: [string, readonly Finding[]][] = [];

test.each(CASES)("$title: said once, and only read (E5, E10, E11, E14)", async (row) => {
  const { title, problems, ...settings } = row;
  const account = await begin(settings);
  const report = await examine(undefined, { env: environmentOf(account) });

  const reported = problemsOf(report).map(({ check, severity }) => `${check} ${severity}`);
  expect(reported).toEqual(problems);
  expect(account.calls.filter(({ method }) => method !== "GET")).toEqual([]);
  expect(account.calls).not.toEqual([]);
  reports.push([title, report.findings.filter(({ check }) => OF_ZONE.includes(check))]);
});

test("what is said of each of them", async () => {
  await expectFindings("zone.txt", reports);
});

test("without a token nothing is said, but where the token would explain a fault", async () => {
  const account = await begin({});
  const { CLOUDFLARE_SETUP_TOKEN: _token, ...env } = environmentOf(account);
  const isAdvised = ({ findings }: Awaited<ReturnType<typeof examine>>) =>
    JSON.stringify(findings).includes("CLOUDFLARE_SETUP_TOKEN");

  const well = await examine(undefined, { env });
  expect([problemsOf(well), isAdvised(well)]).toEqual([[], false]);
  expect(account.calls).toEqual([]);

  for (const [edge, check] of [
    [{ sources: [] }, "sources"],
    [{ transformations: false }, "transformations"],
    [{ firewall: false, sources: [WIDE] }, "side-door"],
  ] as const) {
    beginSite({ sources: [ENTRY], ...edge });
    const report = await examine(undefined, { env });
    const finding = problemsOf(report).find((candidate) => candidate.check === check);
    expect(finding?.remedy).toMatch(/^npx vitrine deploy --setup .*CLOUDFLARE_SETUP_TOKEN/s);
  }

  // Where the Worker names no reason, the zone is the first suspect.
  beginSite({ sources: [] });
  const [problem] = problemsOf(
    await examine(undefined, { env: { ...env, HEALTH_TOKEN: undefined } }),
  );
  expect(problem?.check).toBe("image");
  expect(problem?.remedy).toContain("CLOUDFLARE_SETUP_TOKEN");
});

test("nothing is read for the local run, and for buckets with the Images binding alone", async () => {
  const account = await begin({ zone: { sources: "" }, edge: { sources: [ENTRY] } });
  const env = environmentOf(account);
  await examine(["--url", "http://localhost:8787"], { env });

  const media = { ...CONFIGURED.BUCKETS.media, engine: "binding" };
  configure({ ...CONFIGURED, BUCKETS: { media } }, undefined, '[images]\nbinding = "IMAGES"\n');
  await examine([], { env });
  expect(account.calls).toEqual([]);
});

test("without --url, the zone of each host is read", async () => {
  const account = await begin({ zone: { sources: "" }, rules: [] });
  const report = await examine([], { env: environmentOf(account) });
  expect(problemsOf(report).map(({ check }) => check)).toEqual(["sources", "zone"]);
});

test("the token goes to Cloudflare's API alone, and is not shown", async () => {
  const account = await begin({ zone: { sources: "" }, rules: [] });
  const seen: string[] = [];
  const listened = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const isOfToken = [...request.headers.values()].some((value) =>
      value.includes(SETUP_TOKEN.value),
    );
    if (isOfToken) seen.push(new URL(request.url).origin);
    return listened(request);
  };
  const report = await examine(undefined, { env: environmentOf(account) });
  globalThis.fetch = listened;

  expect(new Set(seen)).toEqual(new Set([account.url]));
  expect(JSON.stringify(report)).not.toContain(SETUP_TOKEN.value);
});

test("a remedy names the environment", async () => {
  const account = await begin({ zone: { sources: "" } });
  const { vars, secrets } = { vars: CONFIGURED, secrets: { required: Object.keys(SECRETS) } };
  const routes = [`${new URL(SITE).host}/*`];
  const env = { staging: { routes, vars, secrets } };
  configure(undefined, undefined, tomlOf({ env }), []);
  const args = ["--env", "staging", "--url", SITE];
  const problems = problemsOf(await examine(args, { env: environmentOf(account) }));
  const ofSources = problems.find(({ check }) => check === "sources");
  expect(ofSources?.remedy).toMatch(/^npx vitrine deploy --env staging --setup adds it/);
});

test("the zone of another host is not why a picture fails", async () => {
  const other = createZone("pictures.example", { ...RIGHT, transformations: "off" });
  const account = await begin({ edge: { quota: 0 } }, [other]);
  configure(undefined, undefined, "", ["images.example/*", "images.pictures.example/*"]);
  const report = await examine(undefined, { env: environmentOf(account) });

  const [quota, image, transformations, rule] = problemsOf(report);
  expect(quota?.check).toBe("quota");
  expect(image).toMatchObject({ check: "image", remedy: expect.stringContaining("9422") });
  expect(transformations).toMatchObject({ about: expect.stringContaining("pictures.example") });
  expect(transformations?.impact).toMatch(/not looked at/);
  expect(rule).toMatchObject({ check: "zone", severity: "error" });
});

test("off transformations are not why a picture of the Images binding fails", async () => {
  const { canary: _canary, ...media } = CONFIGURED.BUCKETS.media;
  const bound = { ...media, engine: "binding" };
  const ROUTES = [
    { path: "/bound/:preset/*", object: "bound/*" },
    { path: "/images/:preset/*", object: "media/*" },
  ];
  const BUCKETS = { media: CONFIGURED.BUCKETS.media, bound };
  const account = await begin({
    zone: { transformations: "off" },
    edge: { bindingAllowed: false },
  });
  const vars = { ...CONFIGURED, BUCKETS, ROUTES };
  configure(vars, undefined, '[images]\nbinding = "IMAGES"\n');
  deploy({ ...ENV, ...vars, HEALTH_TOKEN, IMAGES: stage.edge.images });
  const args = ["--url", SITE, "bound/key.jpg", "media/key.jpg"];
  const report = await examine(args, { env: environmentOf(account) });

  const images = problemsOf(report).filter(({ check }) => check === "image");
  const blamed = images.filter(({ remedy }) => remedy?.includes("transformations are off"));
  expect(images.length).toBeGreaterThan(1);
  expect(blamed.map(({ about }) => about)).toEqual([`${SITE}/images/card/key.jpg`]);
});
