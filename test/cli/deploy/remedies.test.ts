// What `vitrine deploy` advises is done at a strict site, with the doctor that it runs: what visitors got before still
// comes, and the deploy goes on.

import { readFileSync } from "node:fs";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT, isFault } from "../../../src/cli/command.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { deploy, type Options, type Tools } from "../../../src/cli/deploy/index.ts";
import { examine } from "../../../src/cli/doctor/index.ts";
import { CACHED, envLine, HOST, makeProject } from "../../support/cli/folder.ts";
import { createWorld, type Given, vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { overhear } from "../../support/overheard.ts";
import { arrange, get, keepNothing, stage, wait } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { accessKeyId: ID, secretAccessKey: SECRET } = NEXT_CREDENTIALS;
const pair = (one: typeof CREDENTIALS) => ({
  AWS_ACCESS_KEY_ID: one.accessKeyId,
  AWS_SECRET_ACCESS_KEY: one.secretAccessKey,
});
const OLD_KEY = { ...pair(CREDENTIALS), HEALTH_TOKEN };
const NEW_KEY = { ...pair(NEXT_CREDENTIALS), HEALTH_TOKEN };
const REQUIRED = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/** A configuration that is right, which a test changes. */
const healthy = () => ({
  ...{ name: "vitrine", workers_dev: false, preview_urls: false, ...CACHED },
  routes: [HOST.slice("https://".length)] as string[],
  vars: {
    BUCKETS: { media: { ...VARS.BUCKETS.media, canary: "key.jpg" } as Record<string, unknown> },
    ROUTES: VARS.ROUTES.slice(0, 1) as object[],
    PRESETS: { card: VARS.PRESETS.card },
  },
  secrets: { required: REQUIRED },
});
type Config = ReturnType<typeof healthy> & Record<string, unknown>;

let config: Config;
/** What the file of --secrets-file has. */
let secrets: Record<string, string>;
/** The vars and the secrets of the Worker. */
let worker: Record<string, unknown>;

type Visit = { readonly request: Pick<Request, "url" | "headers"> };

async function serve({ request: { url, headers } }: Visit) {
  const answer = await get(url, { headers }, worker);
  return new HttpResponse(await answer.arrayBuffer(), answer);
}

keepNothing(); // what was kept would hide that nothing serves
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  arrange({ firewall: true, cache: false, sources: ["acme-media.s3.eu-west-1.amazonaws.com"] });
  stage.s3.faults.add("no-list-bucket");
  stage.s3.keys.set(ID, SECRET);
  [config, secrets] = [healthy(), OLD_KEY];
  worker = { ...config.vars, ...OLD_KEY };
  network.use(http.all(`${HOST}/*`, serve));
});
afterEach(() => void vi.useRealTimers());

/** A strict wrangler: it refuses a deploy without a required secret, and changes the Worker in one step. */
const wrangler =
  (folder: string): Tools["run"] =>
  async (_world, args, _input, hear) => {
    const file = args.find((arg) => arg.endsWith("secrets.json"));
    const sent = file === undefined ? {} : JSON.parse(readFileSync(file, "utf8"));
    const read = readEnvironment(folder, args[args.indexOf("--env") + 1] || undefined);
    if (isFault(read)) throw new Error(read.fault);
    const after = { ...worker, ...sent };
    const missing = read.secrets.filter((name) => after[name] === undefined);
    const says = missing.length > 0 ? `required secrets have not been set: ${missing}` : "";
    hear(`${says}\n`);
    if (says !== "") return 1;
    worker = { ...after, ...read.deployed };
    return 0;
  };

async function run(options: Options = { secretsFile: "secrets.env" }, given: Given = {}) {
  const folder = makeProject(
    JSON.parse(JSON.stringify({ ...config, main: "src/worker/index.ts" })),
    "wrangler.toml",
    {
      "secrets.env": Object.entries(secrets)
        .map(([name, value]) => envLine(name, value))
        .join(""),
    },
  );
  const { world, said } = createWorld({ folder, ...given });
  const tools = { run: wrangler(folder), sleep: async () => {}, examine };
  const end = await deploy(world, options, tools);
  const { out, err } = said();
  const text = out + err + (isFault(end) ? end.fault : "");
  overhear("logged", text); // no secret is in it
  return { code: isFault(end) ? EXIT.failed : end, text, folder };
}

/** What visitors get two minutes later: nothing that was remembered counts any more. */
async function visit(): Promise<string> {
  wait(130);
  const answer = await fetch(`${HOST}/images/card/key.jpg`, { headers: { accept: "image/webp" } });
  await answer.arrayBuffer();
  return `${answer.status} ${answer.headers.get("content-type")?.replace(/\/.*/, "")}`;
}

/** Runs the doctor that is printed. */
async function runDoctor({ text, folder }: { text: string; folder: string }): Promise<void> {
  const command = /npx vitrine (doctor [^\n]*)/.exec(text)?.[1] ?? "";
  const args = command.replace(/'?https:\/\/…'?/, HOST).split(" ");
  const { code, out, err } = await vitrine(args, { folder });
  expect([code < 2, out + err]).toEqual([true, expect.stringContaining("\n0 errors, ")]);
}

// How a world is broken, or corrected.
const put = (values: Record<string, string>) => (): void => {
  secrets = values;
};
const set = (values: object) => (): void => void Object.assign(config, values);
const setBucket = (values: object) => (): void =>
  void Object.assign(config.vars.BUCKETS.media, values);
const transform = (transformations: boolean) =>
  void Object.assign(stage.edge.switches, { transformations });
const { routes } = healthy();
type Row = readonly [
  problem: string,
  /** A part of what is printed. */
  says: string,
  broken: () => void,
  /** Does what it says. */
  done: (printed: { text: string; folder: string }) => Promise<void> | void,
  /** The broken world is deployed without a file: that was the mistake, and visitors may miss pictures. */
  late?: true,
];

const DEAD = { ...OLD_KEY, AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7STAGING" };

const ROWS: readonly Row[] = [
  ["a dead key", "Take an active key of this environment", put(DEAD), put(NEW_KEY)],
  [
    "a key of a minute ago",
    "A new one may work only after a minute",
    () => {
      put(NEW_KEY)();
      stage.s3.keys.delete(ID);
    },
    () => void stage.s3.keys.set(ID, SECRET),
  ],
  [
    "a policy that allows the list alone",
    "Allow it s3:GetObject, or use another key",
    () => {
      stage.s3.faults.delete("no-list-bucket");
      stage.s3.objects.set("secret/key.jpg", { body: new Uint8Array(9), type: "image/jpeg" });
      setBucket({ prefix: "secret/" })();
    },
    setBucket({ prefix: "published/" }), // the strict S3 has one policy, which allows that
  ],
  [
    "no host to check",
    "routes names no host to check. Put your domain there, or name one: ",
    set({ routes: ["*.example/*"] }),
    (printed) => runDoctor(printed).then(set({ routes })),
  ],
  [
    "a domain without an address yet",
    "Then check it: ",
    () => network.use(http.all(`${HOST}/healthz`, () => HttpResponse.error())),
    async (printed) => {
      network.use(http.all(`${HOST}/healthz`, serve));
      await runDoctor(printed);
    },
  ],
  [
    "an older version that answers",
    "An older version may answer for a minute. To check it again",
    () => transform(false),
    async (printed) => {
      transform(true);
      await runDoctor(printed);
    },
  ],
  [
    "a bad deploy",
    "If the deploy before was right, take this one back: docs/environments.md",
    setBucket({ bucket: "acme-medias" }),
    setBucket({ bucket: "acme-media" }),
    true,
  ],
];

const named = ROWS.map((row) => [row[0], row] as const);

test.each(named)("%s: what it says is done, and it goes on", async (_problem, row) => {
  const [, says, broken, done, late] = row;
  broken();
  const [before, deployed] = [await visit(), worker];
  const printed = await run(late && {});
  expect(printed.text).toContain(says);
  if (printed.code === EXIT.failed) expect(worker).toBe(deployed);
  if (!late) expect(await visit()).toBe(before);
  await done(printed);
  const again = await run();
  expect([again.code < 2, again.text]).toEqual([true, expect.not.stringContaining(says)]);
  expect(await visit()).toBe("200 image");
});

test("Ctrl-C after the deploy: the doctor that it names finds it right", async () => {
  const abort = new AbortController();
  const heard = (text: string) => text.includes(" gets ") && abort.abort();
  const printed = await run(undefined, { interrupted: abort.signal, heard });
  expect(printed.text).toContain("It is deployed, and not checked. ");
  await runDoctor(printed);
});
