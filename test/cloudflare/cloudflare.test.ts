// `npm run test:cloudflare` as a process, against the stub of Cloudflare's API: what it makes, tries and deletes.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { createEmulatedWorld } from "./emulated-world.ts";
import { PROBES } from "./probes/index.ts";
import { type Stub, startStub } from "./stub.ts";

/** What no run may touch. */
const FOREIGN = [
  "acme-media",
  "vitrine-probe-0123456789abcdef-bucket-2",
  "vitrine-probe-0123456789abcdeg-bucket",
  "vitrine-probe-media",
].map((name) => `bucket ${name}`);
/** A rule that needs an object. */
const QUICK = ["--yes", "--only", "E2"];

const CAPITALS = {
  CLOUDFLARE_ZONE: "Images.EXAMPLE",
  CLOUDFLARE_ACCOUNT_ID: "0123456789ABCDEF".repeat(2),
};

let stub: Stub;
/** What a test leaves in the account on purpose. */
let leftovers: string[];
beforeEach(async () => {
  stub = await startStub();
  leftovers = [];
  for (const bucket of FOREIGN) stub.addBucket(bucket.replace("bucket ", ""));
});
afterEach(async () => {
  expect([stub.resources(), stub.unknownCalls]).toEqual([[...FOREIGN, ...leftovers], []]);
  await stub.close();
});

/** Starts the program in an environment that has of Cloudflare what is given. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = stub.env) {
  const program = join(import.meta.dirname, "main.ts");
  const temporary = createTemporaryFolder("cloudflare-");
  const records = join(temporary, "records");
  const child = spawn(process.execPath, [program, "--records", records, ...args], {
    env: { ...process.env, TMPDIR: temporary, ...env },
    detached: true, // a process group, as a terminal makes one
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = new Promise<{ code: number | null; output: string }>((settle) => {
    child.on("close", (code) => settle({ code, output }));
  });
  return { child, temporary, ended };
}

function textIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), "utf8"))
    .join("\n");
}

it.each<[missing: string, args: string[], env: Record<string, string>]>([
  ["CLOUDFLARE_API_TOKEN", ["--yes"], { CLOUDFLARE_API_TOKEN: "" }],
  ["CLOUDFLARE_ACCOUNT_ID", ["--yes"], { CLOUDFLARE_ACCOUNT_ID: "acme" }],
  ["CLOUDFLARE_ZONE", ["--yes"], { CLOUDFLARE_ZONE: "https://images.example/" }],
  ["Z9", ["--yes", "--only", "Z9"], {}],
  ["--force", ["--force"], {}],
])("says what is wrong with %s, and where to make a token", async (missing, args, env) => {
  const { code, output } = await start(args, { ...stub.env, ...env }).ended;
  expect(code).toBe(2);
  expect(output).toContain(missing);
  expect(output).toContain("https://dash.cloudflare.com/profile/api-tokens");
  expect(stub.calls).toEqual([]);
});

it("makes nothing where it cannot write what it sees", async () => {
  const { code } = await start(["--yes", "--records", join(import.meta.filename, "records")]).ended;
  expect(code).toBe(1);
  expect(stub.calls).toEqual([]);
});

it("says without --yes what it would make and cost, and makes nothing", async () => {
  const { code, output } = await start([]).ended;
  expect(code).toBe(2);
  expect(output).toMatch(/a Worker .*\n.*\.images\.example(.*\n)+.*an R2 bucket/);
  expect(Number(/at most \$(\d\.\d\d)/.exec(output)?.[1])).toBeLessThan(0.1);
  expect(stub.calls).toEqual([]);
});

it.each([
  ["all rules in a zone, named in capitals", [], CAPITALS],
  ["some on workers.dev alone", ["--only", "e1,R2,A14"], { CLOUDFLARE_ZONE: "" }],
])(
  "tries %s, and leaves nothing and no secret",
  async (_what, onlyOption, env) => {
    let whileRunning = "";
    stub.intervene = (_call, agent) => {
      if (agent === "visit" && whileRunning === "") whileRunning = textIn(run.temporary);
      return undefined;
    };
    const run = start(["--yes", ...onlyOption], { ...stub.env, ...env });
    const { code, output } = await run.ended;
    const world = createEmulatedWorld({ isInZone: onlyOption.length === 0 });
    const rules = onlyOption[1]?.toUpperCase() ?? PROBES.map(({ rule }) => rule);
    const inProcess = [];
    for (const probe of PROBES.filter(({ rule }) => rules.includes(rule))) {
      inProcess.push(`${probe.rule} ${(await probe.run(world)).outcome}`);
    }
    const outcomes = output.match(
      /^[A-Z]\d+[a-z]? +(?:as the rule says|otherwise|open|not seen)/gm,
    );
    expect(outcomes?.map((line) => line.replace(/ +/, " "))).toEqual(inProcess);
    expect(code).toBe(0);
    expect(output).toContain("All that was made is deleted");
    const records = textIn(join(run.temporary, "records"));
    expect(whileRunning).toContain("wrangler");
    const all = `${output}${records}${whileRunning}`;
    for (const secret of stub.secrets) {
      expect(all.includes(secret), "A secret was logged").toBe(false);
    }
    expect(records).not.toMatch(/[0-9a-f]{32}\.r2|vitrine-probe-[0-9a-f]|acme|images\.example/);
  },
  120_000,
);

it("makes what it deletes, whatever the environment says to wrangler", async () => {
  const login = { CLOUDFLARE_API_KEY: "k", CLOUDFLARE_EMAIL: "e" };
  const names = { WRANGLER_CI_OVERRIDE_NAME: "acme-site", CLOUDFLARE_ENV: "production" };
  const { code } = await start(QUICK, { ...stub.env, ...login, ...names }).ended;
  expect(code).toBe(0);
  expect(stub.calls.join()).not.toContain("acme-site");
});

it("ends with 1 where a rule is otherwise", async () => {
  stub.prepare = ({ s3 }) => void s3.grants.add("all-read");
  const { code, output } = await start(QUICK).ended;
  expect(code).toBe(1);
  expect(output).toContain("E2   otherwise");
});

const EVENTS: readonly [when: string, call: RegExp][] = [
  ["before anything is made", /^GET .*verify/],
  ["while wrangler starts", /^GET .*services/],
  ["while the bucket is made", /^POST .*buckets/],
  ["while the script is uploaded", /^PUT .*scripts.[\w-]+$/],
  ["while the domain is made", /^PUT .*records/],
  ["while the first probe runs", /^POST vitrine-probe/],
  ["while the domain is deleted", /^DELETE .*domains/],
  ["while the Worker is deleted", /^DELETE .*scripts/],
  ["while objects are deleted", /^DELETE .*cloudflarestorage/],
  ["while the bucket is deleted", /^DELETE .*buckets/],
];

it.each(EVENTS)("leaves nothing after Ctrl-C again and again: %s", async (_when, event) => {
  let isPressed = false;
  stub.intervene = (call) => {
    isPressed ||= event.test(call);
    if (isPressed) process.kill(-(run.child.pid ?? Number.NaN), "SIGINT"); // to the whole group
    return undefined;
  };
  const run = start(QUICK);
  const { code, output } = await run.ended;
  expect(isPressed).toBe(true);
  expect(code).toBe(130);
  expect(output).toMatch(/Stopping, to delete|Deletion is under way/);
  const hasCall = (pattern: RegExp) => stub.calls.some((call) => pattern.test(call));
  expect(hasCall(/^PUT .*records/), "wrangler did not end").toBe(hasCall(/^GET .*services/));
  expect(readdirSync(run.temporary).filter((name) => name !== "records")).toEqual([]);
});

it.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("leaves nothing after %s", async (signal, exit) => {
  stub.intervene = (_call, agent) => {
    if (agent === "visit") run.child.kill(signal);
    return undefined;
  };
  const run = start(QUICK);
  expect((await run.ended).code).toBe(exit);
});

describe("after SIGKILL", () => {
  it("--clean waits for the wrangler that lives on", async () => {
    const { promise: isWaiting, resolve } = Promise.withResolvers<undefined>();
    stub.intervene = (call) => {
      if (/^GET .*services/.test(call)) run.child.kill("SIGKILL");
      return /^(POST|PUT) /.test(call) ? isWaiting : undefined;
    };
    const run = start(QUICK);
    await run.ended;
    const cleaning = start(["--clean", "--yes"], { ...stub.env, TMPDIR: run.temporary });
    cleaning.child.stdout.on("data", () => resolve(undefined));
    expect((await cleaning.ended).code).toBe(0);
    expect(stub.calls.filter((call) => call.includes("/domains/records"))).toHaveLength(1);
  });

  const events = EVENTS.filter(([when]) => /script|probe|objects|bucket is deleted/.test(when));
  it.each(events)("--clean deletes what is left, and nothing else: %s", async (_when, event) => {
    let isKilled = false;
    stub.intervene = (call, agent) => {
      isKilled ||= event.test(call) && run.child.kill("SIGKILL");
      return isKilled && agent.includes("wrangler") ? 401 : undefined; // wrangler lives on
    };
    const run = start(QUICK);
    await run.ended;
    const remaining = stub.resources().filter((name) => !FOREIGN.includes(name));
    const listing = await start(["--clean"]).ended;
    expect(listing.code).toBe(remaining.length > 0 ? 2 : 0);
    for (const name of remaining) expect(listing.output).toContain(name.replace(/.* /, ""));
    expect(stub.resources()).toEqual(expect.arrayContaining(remaining));
    const env = { ...stub.env, TMPDIR: run.temporary };
    expect((await start(["--clean", "--yes"], env).ended).code).toBe(0);
    expect(readdirSync(run.temporary).filter((name) => name.startsWith("vitrine-"))).toEqual([]);
  });
});

describe("where Cloudflare's API fails", () => {
  it.each<[what: string, call: RegExp, times: number, code: number]>([
    ["in each deletion, twice", /^DELETE \//, 2, 0],
    ["at the lists, twice", /^GET .(workers|r2).(domains|scripts|buckets)$/, 2, 0],
    ["at the upload", /^PUT .*scripts/, 9, 1],
    ["at the domain", /^PUT .*records/, 9, 1],
  ])("it leaves nothing: %s", async (_what, call, times, code) => {
    const failed = new Map<string, number>();
    stub.intervene = (one) => {
      const count = failed.get(one) ?? 0;
      const isDeployed = stub.calls.some((earlier) => /^PUT .*scripts/.test(earlier));
      if (!isDeployed || !call.test(one) || count === times) return undefined;
      failed.set(one, count + 1);
      return 500;
    };
    expect(await start(QUICK).ended).toMatchObject({ code });
    expect(failed.size).toBeGreaterThan(0);
  });

  it("a token of an account is verified there", async () => {
    stub.intervene = (call) => (call.includes("/user/") ? 401 : undefined);
    expect(await start(QUICK).ended).toMatchObject({ code: 0 });
  });

  it("a rule that needs the API is not seen", async () => {
    const apiCalls = /graphql|purge_cache|domains.(managed|custom)/;
    stub.intervene = (call) => (apiCalls.test(call) ? 503 : undefined);
    const { code, output } = await start(["--yes", "--only", "L2,C3,T7"]).ended;
    expect(code).toBe(0);
    expect(output).toContain("not seen: 3");
  }, 60_000);

  it("it names what it could not delete, deletes the rest, and is no success", async () => {
    stub.intervene = (call) => (/^DELETE .*scripts/.test(call) ? 500 : undefined);
    const { code, output } = await start(QUICK).ended;
    expect(code).toBe(1);
    leftovers = stub.resources().filter((name) => !FOREIGN.includes(name));
    const [worker = ""] = leftovers;
    expect(leftovers).toEqual([expect.stringMatching(/^worker /)]);
    expect(output).not.toContain("All that was made");
    expect(output).toContain(`npx wrangler delete --name ${worker.replace("worker ", "")}`);
  });
});
