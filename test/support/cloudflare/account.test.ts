// The emulated account, asked by the real package `cloudflare`: a wrong account would prove nothing of `deploy --setup`.

import { Cloudflare } from "cloudflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tableOf } from "../../../src/worker/util/json.ts";
import { network } from "../network.ts";
import {
  type CloudflareAccount,
  SETUP_TOKEN,
  startCloudflareAccount,
  type Token,
  WRANGLER_TOKEN,
} from "./account.ts";
import { passToLoopback } from "./loopback.ts";
import {
  ACCOUNT,
  createRule,
  createRuleset,
  createZone,
  doorOf,
  PHASE,
  type Zone,
} from "./zone.ts";

const OPTIONS = { maxRetries: 0, timeout: 5_000, logLevel: "off" } as const;
const SOURCE = "https://acme-media.s3.eu-west-1.amazonaws.com/published/a.jpg";
const DOOR = `https://images.example.com/cdn-cgi/image/width=16/${SOURCE}`;
const BLOCK = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';
const OURS = { action: "block", description: "Vitrine vitrine: …", expression: BLOCK } as const;

beforeAll(() => network.listen());
afterAll(() => network.close());

let zone: Zone;

async function start(
  settings: Partial<Zone> = {},
  tokens: readonly Token[] = [SETUP_TOKEN],
): Promise<{ account: CloudflareAccount; client: Cloudflare; zone_id: string }> {
  passToLoopback();
  zone = createZone("example.com", settings);
  const account = await startCloudflareAccount({ zones: [zone], tokens, doors: [DOOR] });
  const [token = SETUP_TOKEN] = tokens;
  const client = new Cloudflare({ ...OPTIONS, apiToken: token.value, baseURL: account.url });
  return { account, client, zone_id: zone.id };
}

/** What the package says of an error: its status, and the first code. */
async function failureOf(work: PromiseLike<unknown>): Promise<unknown[]> {
  try {
    await work;
    return ["no error"];
  } catch (error) {
    const { status, errors } = Object(error);
    const name = error instanceof Error ? error.constructor.name : "";
    return [status ?? name, tableOf([errors].flat()[0])["code"]];
  }
}

test("a zone is found by its whole name, and has its account and its plan", async () => {
  const { client } = await start({ plan: "pro" });
  const page = await client.zones.list({ name: "example.com" });
  expect(page.result).toMatchObject([
    { id: zone.id, status: "active", account: { id: ACCOUNT }, plan: { legacy_id: "pro" } },
  ]);

  const names: string[] = [];
  for await (const { name } of client.zones.list()) names.push(name);
  expect(names).toEqual(["example.com"]);
  for (const query of [{ name: "images.example.com" }, { account: { id: "another" } }]) {
    expect((await client.zones.list(query)).result).toEqual([]);
  }
});

test("both settings are read and set as they are sent, and nothing else is taken", async () => {
  const { client, zone_id } = await start({ sources: " a.example ,b.example/c" });
  const allowed = client.zones.transformationsAllowedOrigins;
  expect(await allowed.get({ zone_id })).toMatchObject({
    id: "transformations_allowed_origins",
    value: " a.example ,b.example/c",
    editable: true,
  });

  const value = " a.example ,b.example/c,d.example";
  expect(await allowed.edit({ zone_id, value })).toMatchObject({ value });

  const setting = await client.zones.settings.edit("image_resizing", { zone_id, value: "on" });
  expect([setting, zone.transformations]).toMatchObject([{ value: "on" }, "on"]);

  const wrong = client.zones.settings.edit("image_resizing", { zone_id, value: "maybe" });
  expect(await failureOf(wrong)).toEqual([400, 1007]);
  expect(await failureOf(client.zones.settings.get("no_such", { zone_id }))).toEqual([404, 1003]);

  zone.isEditable = false;
  expect(await failureOf(allowed.edit({ zone_id, value: "x.example" }))).toEqual([400, 1015]);
  expect(zone.sources).toEqual(value);
  expect(zone.transformations).toBe("on");
});

const RULE = createRule("log", 'http.host eq "www.example.com"');

const rulesIn = (ruleset: unknown) => [tableOf(ruleset)["rules"]].flat().map(tableOf);

test("rules are added, replaced and moved, as the API does it", async () => {
  const { client, zone_id, account } = await start();
  const phases = client.rulesets.phases;
  expect(await failureOf(phases.get(PHASE, { zone_id }))).toEqual([404, 10003]);

  const create = () =>
    client.rulesets.create({ zone_id, kind: "zone", phase: PHASE, name: "default", rules: [OURS] });
  expect(rulesIn(await create())).toMatchObject([{ ...OURS, enabled: true, version: "1" }]);
  expect(await failureOf(create())).toEqual([400, 20217]);

  zone.ruleset = createRuleset([RULE]);
  const ruleset_id = zone.ruleset.id;
  const first = { zone_id, ...OURS, position: { index: 1 } };
  const added = rulesIn(await client.rulesets.rules.create(ruleset_id, first));

  expect(added).toMatchObject([OURS, RULE]);

  const id = `${added[0]?.["id"]}`;

  // What a definition leaves out is gone: here, a note of somebody, and that the rule is switched off.
  const { rules } = client.rulesets;
  const params = { ruleset_id, zone_id };
  await rules.edit(id, { ...params, ...OURS, enabled: false, ref: "a-note" });

  expect(zone.ruleset.rules[0]).toMatchObject({ id, enabled: false, ref: "a-note", version: "2" });

  await rules.edit(id, { ...params, ...OURS });
  expect(zone.ruleset.rules[0]).toMatchObject({ id, enabled: true, ref: id, version: "3" });

  const moved = rulesIn(await rules.edit(id, { ...params, position: { after: RULE.id } }));
  expect(moved.map((rule) => rule["id"])).toEqual([RULE.id, id]);
  expect(account.harm).toEqual([]);
});

test("a rule that the API would not take is refused", async () => {
  const { client, zone_id } = await start({ ruleset: createRuleset([RULE]) });
  const id = zone.ruleset?.id ?? "";
  const add = (rule: object) => client.rulesets.rules.create(id, { zone_id, ...OURS, ...rule });

  for (const rule of [
    { expression: "" },
    { expression: `http.host eq "${"x".repeat(4096)}"` },
    { expression: 'http.hosts eq "example.com"' },
    { expression: 'http.host eq "a" and' },
    { expression: 'http.host in {"a", "b"}' },
    { expression: 'starts_with("/cdn-cgi", http.request.uri.path)' },
    { expression: 'http.host eq "a" or (http.host eq "b"' },
    { action: "deny" },
  ]) {
    expect(await failureOf(add(rule)), JSON.stringify(rule)).toEqual([400, 20217]);
  }
  expect(await failureOf(add({ position: { index: 3 } }))).toEqual([400, 20219]);

  const edit = client.rulesets.rules.edit("ab".repeat(16), { ruleset_id: id, zone_id, ...OURS });
  expect(await failureOf(edit)).toEqual([404, 10003]);

  const nowhere = client.rulesets.rules.create("ab".repeat(16), { zone_id, ...OURS });
  expect(await failureOf(nowhere)).toEqual([404, 10003]);

  const position = { index: 1 };
  const blank = client.rulesets.rules.edit(RULE.id, { ruleset_id: id, zone_id, enabled: false });
  expect(await failureOf(blank)).toEqual([400, 20217]);

  await client.rulesets.rules.edit(RULE.id, { ruleset_id: id, zone_id, position });
  expect(zone.ruleset?.rules).toEqual([RULE]);
});

test("a sixth custom rule of the free plan is refused, and on a larger plan it is not", async () => {
  const rules = [1, 2, 3, 4, 5].map((number) => createRule("log", `ip.src eq 192.0.2.${number}`));
  const { client, zone_id } = await start({ ruleset: createRuleset(rules) });
  const add = () => client.rulesets.rules.create(zone.ruleset?.id ?? "", { zone_id, ...OURS });
  expect(await failureOf(add())).toEqual([400, 50001]);
  zone.plan = "pro";
  expect(rulesIn(await add())).toHaveLength(6);
});

test.each<[string, Partial<Token>, expected: unknown[][]]>([
  [
    "no right for zones",
    { rights: ["Zone Settings Write", "Zone WAF Write"] },
    [[403, 0], ["no error"], ["no error"], ["no error"], ["no error"]],
  ],
  [
    "rights to read",
    { rights: ["Zone Read", "Zone Settings Read", "Zone WAF Read"] },
    [["no error"], ["no error"], [403, 9109], ["no error"], [403, 10000]],
  ],
  [
    "wrangler's rights",
    { rights: WRANGLER_TOKEN.rights },
    [
      [403, 0],
      [403, 9109],
      [403, 9109],
      [403, 10000],
      [403, 10000],
    ],
  ],
  [
    "another zone",
    { zones: ["example.org"] },
    [["no error"], [404, 7003], [404, 7003], [404, 7003], [404, 7003]],
  ],
  [
    "an end in the past",
    { isExpired: true },
    [
      [401, 1000],
      [401, 1000],
      [401, 1000],
      [401, 1000],
      [401, 1000],
    ],
  ],
])("a token with %s gets the API's refusals", async (_title, changes, expected) => {
  const ruleset = createRuleset([]);
  const { client, zone_id, account } = await start({ ruleset }, [{ ...SETUP_TOKEN, ...changes }]);

  const results = [
    await failureOf(client.zones.list({ name: "example.com" })),
    await failureOf(client.zones.settings.get("image_resizing", { zone_id })),
    await failureOf(client.zones.settings.edit("image_resizing", { zone_id, value: "off" })),
    await failureOf(client.rulesets.phases.get(PHASE, { zone_id })),
    await failureOf(client.rulesets.rules.create(ruleset.id, { zone_id, ...OURS })),
  ];

  expect(results).toEqual(expected);
  expect(account.calls.map(({ token }) => token)).toEqual(Array(5).fill("setup"));
});

test.each([
  ["not-a-token", [400, 6003]],
  ["a-token-that-nobody-has-made-0123456789ab", [403, 9109]],
])("the API does not know the token %s", async (apiToken, expected) => {
  const { account } = await start();
  const client = new Cloudflare({ ...OPTIONS, apiToken, baseURL: account.url });
  expect(await failureOf(client.zones.list())).toEqual(expected);
  expect(account.calls).toMatchObject([{ token: undefined }]);
});

test("faults are those of a network: a write whose answer is lost may be done", async () => {
  const { client, zone_id, account } = await start();
  const edit = (value: string) =>
    client.zones.transformationsAllowedOrigins.edit({ zone_id, value });
  account.intervene = () => ({ kind: "lost", done: true });

  expect(await failureOf(edit("a.example"))).toEqual(["APIConnectionError", undefined]);
  expect(zone.sources).toBe("a.example");

  account.intervene = () => ({ kind: "lost", done: false });
  expect(await failureOf(edit("b.example"))).toEqual(["APIConnectionError", undefined]);
  expect(zone.sources).toBe("a.example");

  account.intervene = () => ({ kind: "status", status: 429, retryAfter: "7" });
  const failure = await edit("c.example").then(
    () => undefined,
    (error: unknown) => Object(error),
  );

  expect(failure.status).toBe(429);
  expect(failure.headers.get("retry-after")).toBe("7");

  account.intervene = () => ({ kind: "status", status: 502, isHtml: true });
  expect(await failureOf(edit("d.example"))).toEqual([502, undefined]);
  expect(zone.sources).toBe("a.example");
});

test("each write that harms is noted", async () => {
  const foreign = [RULE, createRule("log", "ip.src eq 192.0.2.9")];
  const { client, zone_id, account } = await start({
    ruleset: createRuleset(foreign),
    sources: "a.example, b.example",
  });
  const id = zone.ruleset?.id ?? "";
  const allowed = client.zones.transformationsAllowedOrigins;
  const set = (value: string) => client.zones.settings.edit("image_resizing", { zone_id, value });
  const noted = async (work: PromiseLike<unknown>) => {
    const before = account.harm.length;
    await work;
    return account.harm.slice(before).map((text) => text.replace(/^\S+ \S+: /, ""));
  };

  const mine = { ruleset_id: id, zone_id };
  expect(await noted(client.rulesets.rules.edit(RULE.id, { ...mine, ...OURS }))).toEqual([
    "changed the rules of others",
  ]);

  zone.ruleset = createRuleset(foreign);
  const last = { position: { after: "" } };
  const edit = client.rulesets.rules.edit(RULE.id, {
    ...mine,
    ruleset_id: zone.ruleset.id,
    ...last,
  });

  expect(await noted(edit)).toEqual(["changed the rules of others"]);

  const value = "a.example,b.example";
  expect(await noted(allowed.edit({ zone_id, value }))).toEqual([
    `changed Sources from “a.example, b.example” to “${value}”`,
  ]);
  expect(await noted(allowed.edit({ zone_id, value: `${value},a.example` }))).toEqual([
    "added an entry twice",
  ]);

  zone.sources = "*";
  expect(await noted(allowed.edit({ zone_id, value: "*,a.example" }))).toEqual([
    "changed Sources that have *",
  ]);

  zone.sources = new URL(SOURCE).host;
  const opened = `opened ${DOOR}`;
  expect(await noted(set("on"))).toEqual([opened]);
  expect(account.openDoors()).toEqual([DOOR]);
  expect(await noted(set("open"))).toEqual(["set transformations from on to open"]);
  expect(await noted(set("off"))).toEqual(["set transformations from open to off"]);
});

const HOST_RULE =
  'starts_with(lower(url_decode(http.request.uri.path)), "/cdn-cgi/image/") and (http.host in {"images.example.com"} or lower(url_decode(http.request.uri.path)) contains "acme-media.s3.eu-west-1.amazonaws.com")';
const WWW = "https://www.example.com";

test.each<[string, string, Partial<Zone>, expected: string]>([
  ["nothing is set", DOOR, {}, "off"],
  ["it is on", DOOR, { transformations: "on" }, "refused"],
  ["an entry", DOOR, { transformations: "on", sources: "a.example, *.amazonaws.com" }, "open"],
  [
    "a path",
    DOOR,
    {
      transformations: "on",
      sources: "acme-media.s3.eu-west-1.amazonaws.com/published/",
    },
    "open",
  ],
  [
    "another path",
    DOOR,
    { transformations: "on", sources: "acme-media.s3.eu-west-1.amazonaws.com/drafts/" },
    "refused",
  ],
  ["all", DOOR, { transformations: "on", sources: "*" }, "open"],
  ["open", DOOR, { transformations: "open" }, "open"],
  ["its own picture", `${WWW}/cdn-cgi/image/w=1/a.jpg`, { transformations: "on" }, "open"],
  ["another path of the site", `${WWW}/a.jpg`, { transformations: "open" }, "passes"],
  ["encoded", DOOR.replace("cgi/image", "cgi/%69mage"), { transformations: "open" }, "open"],
])("without a rule, the side door is as the settings are: %s (E5, E10)", async (...row) => {
  const [, url, settings, expected] = row;
  expect(doorOf(createZone("example.com", settings), url)).toBe(expected);
});

const block = (expression: string, more: object = {}) =>
  createRule("block", expression, { ...more });
const skip = (expression: string, action_parameters: object) =>
  createRule("skip", expression, { action_parameters });

test.each<[string, Zone["ruleset"], url: string, expected: string]>([
  ["the docs' rule", createRuleset([block(BLOCK)]), DOOR, "blocked"],
  ["in parentheses", createRuleset([block(`(${BLOCK})`)]), DOOR, "blocked"],
  ["it is off", createRuleset([block(BLOCK, { enabled: false })]), DOOR, "open"],
  ["it only logs", createRuleset([createRule("log", BLOCK)]), DOOR, "open"],
  ["a challenge", createRuleset([createRule("managed_challenge", BLOCK)]), DOOR, "open"],
  [
    "it is encoded, and the docs' rule sees that after Cloudflare has normalised it alone",
    createRuleset([block(BLOCK)]),
    DOOR.replace("cgi/image", "cgi/%69mage"),
    "depends",
  ],
  ["capitals", createRuleset([block(BLOCK)]), DOOR.replace("cgi/image", "cgi/IMAGE"), "open"],
  [
    "capitals, lower()",
    createRuleset([block(HOST_RULE)]),
    DOOR.replace("cgi/image", "cgi/IMAGE"),
    "blocked",
  ],
  [
    "encoded, url_decode()",
    createRuleset([block(HOST_RULE)]),
    DOOR.replace("cgi/image", "cgi%2Fimage"),
    "blocked",
  ],
  [
    "encoded twice",
    createRuleset([block(HOST_RULE)]),
    DOOR.replace("cgi/image", "cgi%252Fimage"),
    "open",
  ],
  [
    "encoded twice, decoded wholly",
    createRuleset([
      block('starts_with(url_decode(http.request.uri.path, "r"), "/cdn-cgi/image/")'),
    ]),
    DOOR.replace("cgi/image", "cgi%252Fimage"),
    "blocked",
  ],
  [
    "another host, our origin",
    createRuleset([block(HOST_RULE)]),
    `${WWW}/cdn-cgi/image/w=1/${SOURCE}`,
    "blocked",
  ],
  [
    "another host, another origin",
    createRuleset([block(HOST_RULE)]),
    `${WWW}/cdn-cgi/image/w=1/${WWW}/a.jpg`,
    "open",
  ],
  [
    "a skip before it",
    createRuleset([
      skip('http.host eq "images.example.com"', { ruleset: "current" }),
      block(BLOCK),
    ]),
    DOOR,
    "open",
  ],
  [
    "a skip of other products",
    createRuleset([skip('http.host eq "images.example.com"', { products: ["bic"] }), block(BLOCK)]),
    DOOR,
    "blocked",
  ],
  [
    "and goes before or",
    createRuleset([block(`http.host eq "a" and true or ${BLOCK} and not http.host eq "b"`)]),
    DOOR,
    "blocked",
  ],
  ["xor", createRuleset([block(`${BLOCK} xor http.host contains "images"`)]), DOOR, "open"],
  [
    "wildcard",
    createRuleset([block('http.request.uri.path wildcard "/CDN-CGI/image/*"')]),
    DOOR,
    "blocked",
  ],
])("a rule decides: %s (E10)", (_title, ruleset, url, expected) => {
  const settings = { transformations: "open", ruleset } as const;
  expect(doorOf(createZone("example.com", settings), url)).toBe(expected);
});

test("a token that may not list zones may get an empty list, too", async () => {
  const { client, account } = await start({}, [{ ...SETUP_TOKEN, rights: [] }]);
  account.listsWithoutRight = "empty";
  expect((await client.zones.list()).result).toEqual([]);
  account.tokens = [{ ...SETUP_TOKEN, rights: ["Zone Read"] }];
  expect((await client.zones.list()).result).toHaveLength(1);
});
