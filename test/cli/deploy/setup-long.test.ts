// `vitrine deploy --setup` in each state of a zone, with each fault of the API at each call, interrupted and killed at each
// call, and with the real wrangler and the real doctor.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../support/built.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { folder } from "../../support/cli/run-deploy.ts";
import {
  beginSetup,
  DOORS,
  ENTRY,
  ONE_ZONE,
  ORIGIN,
  STAGING_ENTRY,
  setUp,
  setUpAlone,
} from "../../support/cli/run-setup.ts";
import type { CommandResult } from "../../support/cli/vitrine.ts";
import {
  type Call,
  type CloudflareAccount,
  type Intervention,
  type Right,
  SETUP_TOKEN,
  WRANGLER_TOKEN,
  zoneCallsOf,
  zoneWritesOf,
} from "../../support/cloudflare/account.ts";
import {
  createRule,
  createRuleset,
  createZone,
  doorOf,
  type Zone,
} from "../../support/cloudflare/zone.ts";
import { checkState, STATES } from "./setup-states.ts";

const results: [string, CommandResult][] = [];

test.each(Object.entries(STATES))(
  "a zone is set up as far as it can be, and not twice: %s (E10, E14)",
  async (...row) => {
    const [title, state] = row;
    results.push([title, await checkState(state)]);
  },
);

test("what it reads, writes and says in each state", async () => {
  expect(results).toHaveLength(Object.keys(STATES).length);
  await expectGolden("setup.txt", results);
});

/** What a zone has, without ids and times. */
function settingsOf({ transformations, sources, ruleset }: Zone): object {
  const rules = (ruleset?.rules ?? []).map((rule) => {
    const { id: _id, ref: _ref, version: _version, last_updated: _time, ...definition } = rule;
    return definition;
  });
  return { transformations, sources, rules };
}

const OTHERS: Partial<Zone> = {
  sources: "cdn.example.org, *.example.net/a",
  ruleset: createRuleset([createRule("log", 'http.host eq "www.example.com"')]),
};

/** The calls of a run without faults, and what the zone has after it. */
async function runWithoutFaults(settings: Partial<Zone>) {
  const { account, zone } = await beginSetup(settings);
  await setUpAlone(account);
  expect(zone.transformations).toBe("on");
  return { calls: account.calls, expected: settingsOf(zone) };
}

/** Runs it again without faults: it ends where a run without faults ends. */
async function expectRepaired(account: CloudflareAccount, zone: Zone, expected: object) {
  expect([account.harm, account.openDoors()]).toEqual([[], []]);
  account.intervene = () => undefined;
  account.onDone = () => {};
  await setUpAlone(account);
  expect([settingsOf(zone), account.harm, account.openDoors()]).toEqual([expected, [], []]);
}

type FaultRow = readonly [title: string, fault: Intervention, settings: Partial<Zone>];

const FAULTS: readonly FaultRow[] = [
  ["429", { kind: "status", status: 429, retryAfter: "2" }, OTHERS],
  ["500", { kind: "status", status: 500 }, OTHERS],
  ["an answer without a body", { kind: "status", status: 204 }, OTHERS],
  ["a page of an error", { kind: "status", status: 502, isHtml: true }, OTHERS],
  ["an answer that is lost", { kind: "lost", done: true }, OTHERS],
  ["an answer that is lost, where nothing is set", { kind: "lost", done: true }, {}],
  ["a connection that breaks", { kind: "lost", done: false }, OTHERS],
];

test.each(FAULTS)(
  "%s at each call opens nothing, and the next run repairs it (E10)",
  async (...row) => {
    const [, fault, settings] = row;
    const { calls, expected } = await runWithoutFaults(settings);
    for (const { number, method } of calls) {
      // A read is sent again: only a fault that lasts is one for it.
      const lengths = method === "GET" ? [Number.POSITIVE_INFINITY] : [1, Number.POSITIVE_INFINITY];
      for (const length of lengths) {
        const { account, zone } = await beginSetup(settings);
        account.intervene = (call) => {
          const isHit = call.number >= number && call.number < number + length;
          return isHit ? fault : undefined;
        };
        const { result, output } = await setUpAlone(account);
        // It never says that all is well where it is not.
        const isSet = zone.transformations === "on";
        expect([number, length, isSet || result !== "complete"]).toEqual([number, length, true]);
        expect(output).not.toContain(SETUP_TOKEN.value);
        await expectRepaired(account, zone, expected);
      }
    }
  },
);

test("Ctrl-C before and after each write, and at a read, opens nothing, and deploys nothing", async () => {
  const { calls, expected } = await runWithoutFaults(OTHERS);
  const numbers = calls.filter(({ method }) => method !== "GET").map(({ number }) => number);
  for (const number of [1, ...numbers]) {
    for (const hook of ["intervene", "onDone"] as const) {
      const { account, zone } = await beginSetup(OTHERS);
      const abort = new AbortController();
      account[hook] = (call) => {
        if (call.number === number) abort.abort();
        return undefined;
      };
      const { code, isDeployed, err } = await setUp(account, {}, { interrupted: abort.signal });
      expect([number, hook, code, isDeployed]).toEqual([number, hook, 2, false]);
      // It says how to take back all that it has set.
      const written = zoneWritesOf(account).length;
      expect([number, hook, err.match(/ set, and read back/g)?.length ?? 0]).toEqual([
        ...[number, hook, written],
      ]);
      expect([number, hook, err]).toEqual([number, hook, expect.not.stringContaining("not set")]);
      // A write that was under way is the last one.
      const late = zoneWritesOf(account).filter((call) => call.number > number);
      expect([number, hook, late]).toEqual([number, hook, []]);
      await expectRepaired(account, zone, expected);
    }
  }
});

/** Keeps a process from all hosts but those on loopback. */
const LOOPBACK_ALONE = `
  const send = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const { hostname } = new URL(input instanceof Request ? input.url : input);
    if (hostname === "127.0.0.1") return send(input, init);
    throw new TypeError("fetch failed");
  };`;

/** Runs the command in a process of its own. */
function spawnSetup(account: CloudflareAccount) {
  const preloaded = `data:text/javascript,${encodeURIComponent(LOOPBACK_ALONE)}`;
  const args = ["--import", preloaded, join(ROOT, "src/cli/main.ts"), "deploy", "--setup", "--yes"];
  const env = {
    ...process.env, // its type knows the variables of a Worker, too
    ...{ ...account.env, CLOUDFLARE_SETUP_TOKEN: SETUP_TOKEN.value, HOME: folder },
  };
  return spawn(process.execPath, args, { cwd: folder, env, stdio: "ignore" });
}

test("a process that is killed after a write leaves no open door, and the next run repairs it", async () => {
  const { expected } = await runWithoutFaults(OTHERS);
  for (const number of [1, 2, 3]) {
    const { account, zone } = await beginSetup(OTHERS);
    const child = spawnSetup(account);
    const killed = once(child, "exit");
    account.onDone = async ({ method }) => {
      if (method === "GET" || zoneWritesOf(account).length !== number) return;
      child.kill("SIGKILL"); // before the answer is sent
      await killed;
    };
    expect(await killed).toEqual([null, "SIGKILL"]);
    expect(zoneWritesOf(account)).toHaveLength(number);
    await expectRepaired(account, zone, expected);
  }
});

const IMAGES_HOST = 'starts_with(lower(http.host), "images.example.com")';

const RIGHTS = ["Zone Read", "Zone Settings Write", "Zone WAF Write"] as const;
const READING: Readonly<Record<string, Right>> = {
  "Zone Settings Write": "Zone Settings Read",
  "Zone WAF Write": "Zone WAF Read",
};

test("with any part of the rights, nothing is opened, and the missing one is named", async () => {
  for (let mask = 0; mask < 2 ** RIGHTS.length - 1; mask += 1) {
    for (const isReading of [false, true]) {
      const rights = RIGHTS.flatMap((right, bit): Right[] => {
        if (mask & (1 << bit)) return [right];
        const reading = READING[right];
        return isReading && reading !== undefined ? [reading] : [];
      });
      for (const settings of [{}, { transformations: "on" as const }]) {
        const tokens = [WRANGLER_TOKEN, { ...SETUP_TOKEN, rights }];
        const { account, zone } = await beginSetup(settings, tokens);
        const { code, out, err } = await setUp(account);
        const isWithoutRule = !rights.includes("Zone WAF Write");
        expect([rights, code, account.harm]).toEqual([rights, 1, []]);
        expect([rights, account.openDoors()]).toEqual([rights, []]);
        if (isWithoutRule) expect([rights, zone.sources]).toEqual([rights, ""]);
        expect([rights, out + err]).toEqual([rights, expect.stringMatching(/needs Zone → Zone/)]);
      }
    }
  }
});

test("a token without the right to list zones may see an empty list", async () => {
  const tokens = [WRANGLER_TOKEN, { ...SETUP_TOKEN, rights: ["Zone WAF Write"] as const }];
  const { account } = await beginSetup({}, tokens);
  account.listsWithoutRight = "empty";
  const { code, out } = await setUp(account);
  expect([code, zoneWritesOf(account)]).toEqual([1, []]);
  expect(out).toContain("the token sees no zone of images.example.com");
});

const descriptionsOf = ({ ruleset }: Zone) => ruleset?.rules.map(({ description }) => description);

test("two environments in one zone have a rule and an entry each", async () => {
  const { account, zone } = await beginSetup();
  await setUp(account);
  await setUp(account, { env: "staging" });
  expect(zone.sources).toBe(`${ENTRY},${STAGING_ENTRY}`);
  expect(descriptionsOf(zone)).toHaveLength(2);
  expect(new Set(descriptionsOf(zone)).size).toBe(2);
  const written = zoneWritesOf(account).length;
  await setUp(account);
  await setUp(account, { env: "staging" });
  expect([zoneWritesOf(account).length, account.harm]).toEqual([written, []]);
});

test("hosts in two zones: each is set up, and one that cannot be does not stop the other", async () => {
  const routes = ["images.example.com", "images.example.org"].map((pattern) => ({
    ...{ pattern, custom_domain: true },
  }));
  const full = [1, 2, 3, 4, 5].map((number) => createRule("log", `ip.src eq 192.0.2.${number}`));
  for (const [settings, expected] of [
    [{}, "on"],
    [{ ruleset: createRuleset(full) }, "off"],
  ] as const) {
    const second = createZone("example.org", settings);
    const { account, zone } = await beginSetup({}, undefined, {
      config: { ...ONE_ZONE, routes },
      zones: [second],
    });
    const { code } = await setUp(account);
    expect([zone.transformations, second.transformations]).toEqual(["on", expected]);
    expect([code, account.harm]).toEqual([expected === "on" ? 0 : 1, []]);
  }
});

// Somebody else writes at the same time

const firstWrite = (path: string) => (call: Call) =>
  call.method !== "GET" && call.path.includes(path);

test("entries that somebody adds before the last look are kept", async () => {
  const { account, zone } = await beginSetup({ sources: "cdn.example.org" });
  account.onDone = (call) => {
    if (firstWrite("/rulesets")(call)) zone.sources = "cdn.example.org, new.example.org";
  };
  expect(await setUp(account)).toMatchObject({ code: 0 });
  expect([zone.sources, account.harm]).toEqual([`cdn.example.org, new.example.org,${ENTRY}`, []]);
});

test("entries that somebody removes right after the write keep transformations off", async () => {
  const { account, zone } = await beginSetup({ sources: "cdn.example.org" });
  account.onDone = (call) => {
    if (firstWrite("/settings/transformations_allowed")(call)) zone.sources = ENTRY;
  };
  const { code, err } = await setUp(account);
  expect([code, zone.transformations]).toEqual([1, "off"]);
  expect(err).toContain("cdn.example.org was in the list before, and is not any more");
});

test.each<[string, (zone: Zone) => unknown]>([
  ["removes the rule", (zone) => Object.assign(zone, { ruleset: createRuleset([]) })],
  ["allows all origins", (zone) => Object.assign(zone, { sources: "*" })],
  [
    "switches the rule off",
    (zone) => {
      const rules = (zone.ruleset?.rules ?? []).map((rule) => ({ ...rule, enabled: false }));
      return Object.assign(zone, { ruleset: createRuleset(rules) });
    },
  ],
])("transformations stay off if somebody %s meanwhile (E10)", async (_title, act) => {
  const { account, zone } = await beginSetup();
  account.onDone = (call) => {
    if (firstWrite("/settings/transformations_allowed")(call)) act(zone);
  };
  const { code } = await setUp(account);
  expect([code, zone.transformations, account.harm]).toEqual([1, "off", []]);
});

test.each<[string, string, (zone: Zone) => unknown]>([
  [
    "writes a form that nobody knows",
    "a form that is not known",
    (zone) => Object.assign(zone, { sources: "*, a b" }),
  ],
  [
    "writes the list without the new entry",
    "is not in Sources any more",
    (zone) => Object.assign(zone, { sources: "cdn.example.org" }),
  ],
])(
  "transformations stay off if somebody %s after Sources were read back (E5, E10)",
  async (...row) => {
    const [, reason, act] = row;
    const { account, zone } = await beginSetup();
    account.intervene = ({ method, path }) => {
      const isWritten = zoneWritesOf(account).some(firstWrite("/settings/transformations_allowed"));
      if (isWritten && method === "GET" && path.endsWith("/image_resizing")) act(zone);
      return undefined;
    };
    const { code, err } = await setUp(account);
    expect([code, zone.transformations, account.harm]).toEqual([1, "off", []]);
    expect(err).toContain(reason);
  },
);

test("two operators at once make one rule each at most, and open nothing", async () => {
  const { account, zone } = await beginSetup();
  await Promise.all([setUp(account), setUp(account)]);
  expect([zone.transformations, account.openDoors()]).toEqual(["on", []]);
  const written = zoneWritesOf(account).length;
  await setUp(account);
  expect(zoneWritesOf(account)).toHaveLength(written);
});

test("the zone is in the account that wrangler deploys to: account_id goes before the environment", async () => {
  const other = createZone("example.com", { account: "b".repeat(32), id: "c".repeat(32) });
  const { account, zone } = await beginSetup({}, undefined, {
    config: { ...ONE_ZONE, account_id: other.account },
    zones: [other],
  });
  await setUp(account);
  expect([zone.transformations, other.transformations]).toEqual(["off", "on"]);
});

test.each([
  ["a line break", "setup-token-of-an\nemulated-account-00001"],
  ["a letter that no header has", "setup-token-of-an-emulated-account-0000…"],
])("a token with %s is named by its variable, and not shown", async (_title, value) => {
  const { account } = await beginSetup();
  const { code, out, err } = await setUp(account, {}, { env: { CLOUDFLARE_SETUP_TOKEN: value } });
  expect([code, zoneCallsOf(account)]).toEqual([1, []]);
  expect(out).toContain("what CLOUDFLARE_SETUP_TOKEN has is not of the form of a token");
  expect(out + err).not.toMatch(/emulated-account/);
});

test("a zone is found by its name in capitals, and a host with a dot at its end", async () => {
  const { env: _env, ...alone } = ONE_ZONE;
  const routes = [{ pattern: "images.example.com./*", zone_name: "Example.COM" }];
  const { account, zone } = await beginSetup({}, undefined, { config: { ...alone, routes } });
  await setUp(account);
  expect(zone.transformations).toBe("on");
  expect(zone.ruleset?.rules[0]?.expression).toContain(IMAGES_HOST);
});

test("where all origins are allowed, the rule by hand shuts the door on every host, too (E10)", async () => {
  const { account } = await beginSetup({ sources: "*" });
  const { err } = await setUp(account, { yes: undefined });
  expect(err).toMatch(
    /by Edit expression: starts_with\([^\n]*"\/cdn-cgi\/image\/"\) \(if another site of example\.com/m,
  );
});

test("calls carry the setup token, and no other one", async () => {
  const { account } = await beginSetup();
  await setUp(account);
  expect(new Set(zoneCallsOf(account).map(({ token }) => token))).toEqual(new Set(["setup"]));
  expect(DOORS.every((url) => url.includes(ORIGIN))).toBe(true);
});

test("a value of transformations that nobody knows is not taken for off, nor for on", async () => {
  const { account, zone } = await beginSetup();
  Object.assign(zone, { transformations: "auto" });
  const { code, out, calls } = await setUp(account);
  expect(out).toContain("transformations: not known: the setting of transformations has a value");
  expect([
    code,
    calls.filter((call) => call.includes("PATCH") && call.includes("image_resizing")),
  ]).toEqual([1, []]);
});

test.each([429, 500, 503])(
  "a read that fails once with %d is sent again, and nothing is left",
  async (status) => {
    const { account, zone } = await beginSetup();
    let isFirst = true;
    account.intervene = ({ method }) => {
      if (method !== "GET" || !isFirst) return undefined;
      isFirst = false;
      return { kind: "status", status };
    };
    const { result } = await setUpAlone(account);
    expect([result, zone.transformations, isFirst]).toEqual(["complete", "on", false]);
  },
);

test("a Worker without a bucket of the edge, or without a host, has no zone to set", async () => {
  const { routes: _routes, ...withoutHost } = ONE_ZONE;
  const { account } = await beginSetup({}, undefined, { config: withoutHost });
  const { code, out, err, calls } = await setUp(account);
  expect([calls, out]).toEqual([[], expect.stringContaining("Setup: routes names no host")]);
  expect([code, err]).toEqual([1, expect.stringContaining("The zone is not set up")]);
});

test("a wide entry of somebody opens no other host, once transformations are on (E10)", async () => {
  const { account, zone } = await beginSetup({ sources: "*.amazonaws.com" });
  const { out } = await setUp(account);
  const foreign = "https://www.example.com/cdn-cgi/image/w=1/https://other.s3.amazonaws.com/a.jpg";
  expect([zone.transformations, doorOf(zone, foreign)]).toEqual(["on", "blocked"]);
  expect(out).toContain("Warning: *.amazonaws.com allows what others show there");
});

test("a route that names another zone by its id sets up none", async () => {
  const routes = [{ pattern: "images.example.com/*", zone_id: "f".repeat(32) }];
  const { account } = await beginSetup({}, undefined, { config: { ...ONE_ZONE, routes } });
  const { code, out } = await setUp(account);
  expect(out).toContain("the route of images.example.com has the zone_id of another zone");
  expect([code, zoneWritesOf(account)]).toEqual([1, []]);
});

test("no token is sent over http to another machine", async () => {
  const { account } = await beginSetup();
  const env = { CLOUDFLARE_API_BASE_URL: "http://api.example.com/client/v4" };
  const { out } = await setUp(account, { dryRun: true }, { env });
  expect(out).toContain("it gets a token, so it must begin with https://");
  expect(account.calls).toEqual([]);
});
