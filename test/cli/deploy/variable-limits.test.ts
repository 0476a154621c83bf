// 100 configurations at the edge of what Cloudflare takes of variables and secrets (L4). What is refused here is compared
// with what an account refuses that counts what the real wrangler sends. Of all, wrangler's own reader and conversion make
// the upload's bindings; of some, the whole command does, which takes seconds.

import { createServer } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import * as wrangler from "wrangler";
import { isFault, isMistake } from "../../../src/cli/command.ts";
import { checkEnvironment } from "../../../src/cli/config/check-environments.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { prepareSecrets } from "../../../src/cli/deploy/prepare-secrets.ts";
import { wranglerDeploy } from "../../../src/cli/deploy/wrangler-deploy.ts";
import { wranglerAt } from "../../../src/cli/wrangler/run-wrangler.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { tableOf } from "../../../src/worker/util/json.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { configOf } from "../../support/config-of.ts";

const { env: _env, vars: VARS, ...TOP } = STAGED;

/** A Worker to deploy: its vars, the names of the secrets that it requires, and the secrets of a file. */
type Case = {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  readonly secrets: Readonly<Record<string, string>>;
  /** Whether it is env.staging, whose top level has other vars. */
  readonly isStaging: boolean;
  readonly isJson: boolean;
};

/** A binding as an upload has it. */
type Binding = Readonly<Record<string, unknown>>;

// ---- The configurations

const LETTERS = ["x", "é", "€", "😀", '"', "\\", "\n", "\u0001", "\u2028", "</script>"];

/** How a text that pads a variable is wrapped, and what its wrapping does to its length is found by trying. */
const SHAPES: readonly ((text: string) => unknown)[] = [
  (text) => text,
  (text) => ({ card: { width: 480, background: text } }),
  (text) => [{ path: "/a/:preset/*", object: text }],
  (text) => ({ 'schlüssel "a"': [1, 2.5, true, { [text]: -0 }] }),
  (text) => [text.slice(0, text.length / 2), [], {}, text.slice(text.length / 2)],
];

/** The bytes that count, counted otherwise than by the code: letter by letter, in the JSON of the whole binding. */
function bytesOf({ name, text, json }: Binding): number {
  const sent = `${name}${text ?? JSON.stringify(json)}`;
  let bytes = 0;
  for (const letter of sent) {
    const code = letter.codePointAt(0) ?? 0;
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else bytes += code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** A value of a variable that has nearly so many bytes with its name: up to 12 more than `bytes`, or exactly so many. */
function paddedValue(
  name: string,
  bytes: number,
  letter: string,
  shape: (text: string) => unknown,
) {
  const bindingOf = (text: string): Binding => {
    const value = shape(text);
    return typeof value === "string" ? { name, text: value } : { name, json: value };
  };
  const each = bytesOf(bindingOf(letter.repeat(2))) - bytesOf(bindingOf(letter));
  let text = letter.repeat(Math.max(0, Math.floor((bytes - bytesOf(bindingOf(""))) / each)));
  while (bytesOf(bindingOf(text)) < bytes) text += "x";
  return shape(text);
}

const sizes = fc.oneof(fc.integer({ min: 4_996, max: 5_004 }), fc.constantFrom(5_000, 5_001));
const padding = fc.tuple(sizes, fc.constantFrom(...LETTERS), fc.constantFrom(...SHAPES));

const varNames = fc.constantFrom("PRESETS", "PRESETS_2", "ROUTES_2", "NOTES", "GRÜSSE", "名前");
const paddedVars = fc
  .uniqueArray(fc.tuple(varNames, padding), { selector: ([name]) => name, maxLength: 3 })
  .map((list) =>
    Object.fromEntries(list.map(([name, [...pad]]) => [name, paddedValue(name, ...pad)])),
  );

const secretNames = fc.constantFrom("AWS_SECRET_ACCESS_KEY", "HEALTH_TOKEN", "URL_SIGNING_KEYS");
const paddedSecrets = fc
  .uniqueArray(fc.tuple(secretNames, sizes, fc.constantFrom(...LETTERS)), {
    selector: ([name]) => name,
    maxLength: 2,
  })
  .map((list) =>
    Object.fromEntries(
      list.map(([name, bytes, letter]) => [
        name,
        `${paddedValue(name, bytes, letter, (text) => text)}`,
      ]),
    ),
  );

/** How many variables and secrets there are in all: around the limit, or few. */
const totals = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(63, 64, 65) },
  { weight: 2, arbitrary: fc.constant(0) },
);

const cases: fc.Arbitrary<Case> = fc
  .record({
    padded: paddedVars,
    secrets: paddedSecrets,
    total: totals,
    isStaging: fc.boolean(),
    isJson: fc.boolean(),
  })
  .map(({ padded, secrets, total, isStaging, isJson }) => {
    const vars = { ...VARS, ...padded };
    const names = new Set([...Object.keys(vars), ...Object.keys(secrets)]);
    const missing = Math.max(0, total - names.size);
    // A secret of the file may be required, too: it counts once.
    const required = [
      ...Object.keys(secrets),
      ...Array.from({ length: missing }, (_, n) => `S_${n}`),
    ];
    return { vars, required, secrets, isStaging, isJson };
  });

function folderOf({ vars, required, secrets, isStaging, isJson }: Case): string {
  const worker = { vars, secrets: { required } };
  const config = isStaging
    ? {
        ...TOP,
        vars: { ...VARS, NOTES: "x".repeat(6_000) },
        env: { staging: { routes: [], ...worker } },
      }
    : { ...TOP, ...worker };
  return createProject(
    { ...config, main: "index.js" },
    isJson ? "wrangler.jsonc" : "wrangler.toml",
    {
      "index.js": "export default {};",
      "secrets.json": JSON.stringify(secrets),
    },
  );
}

// ---- What is refused

/** The names that are refused, and `vars` for their number. */
type Refused = readonly string[];

/** What the account refuses of the bindings of an upload. A secret that it keeps is `inherit`. */
function refusedByAccount(bindings: readonly Binding[]): Refused {
  const counted = bindings.filter(({ type }) =>
    ["plain_text", "json", "secret_text", "inherit"].includes(`${type}`),
  );
  const long = counted.filter(
    (binding) => binding["type"] !== "inherit" && bytesOf(binding) > 5_000,
  );
  const names = long.map(({ name }) => `${name}`);
  return (counted.length > 64 ? [...names, "vars"] : names).sort();
}

/** What `vitrine deploy` refuses for the limits: check first, then the file of secrets. */
function refusedHere(folder: string, { isStaging }: Case): Refused {
  const envConfig = readEnvironment(folder, isStaging ? "staging" : undefined);
  if (isMistake(envConfig)) throw new Error(envConfig.message);

  const { mistakes } = checkEnvironment(folder, envConfig);
  const limits = mistakes.filter(({ message }) => message.includes("Cloudflare takes"));
  const { world } = createWorld({ folder });
  const prepared = prepareSecrets(world, "secrets.json", envConfig, configOf());
  const text = isFault(prepared) ? prepared.fault : "";
  const lines = text.split("\n").filter((line) => line.includes("Cloudflare takes"));
  const ofFile = lines.map((line) => line.trim().split(":", 1).join());
  return [...new Set([...limits.map(({ path }) => path), ...ofFile])].sort();
}

/** The bindings that wrangler makes of a configuration that it has read, as its upload has them. */
function convertedBindings(
  folder: string,
  { required, secrets, isStaging, isJson }: Case,
): Binding[] {
  const config = join(folder, isJson ? "wrangler.jsonc" : "wrangler.toml");
  const env = isStaging ? "staging" : "";
  const { vars } = wrangler.unstable_readConfig({ config, env }, { hideWarnings: true });
  const converted = wrangler.unstable_convertConfigBindingsToStartWorkerBindings({ vars });
  const bindings = Object.entries(converted ?? {}).map(([name, binding]) => {
    const { type, value } = tableOf(binding);
    return type === "json" ? { name, type, json: value } : { name, type, text: value };
  });
  const sent = Object.entries(secrets).map(([name, text]) => ({ name, type: "secret_text", text }));
  const inherited = required.filter((name) => !Object.hasOwn(secrets, name));
  return [...bindings, ...sent, ...inherited.map((name) => ({ name, type: "inherit" }))];
}

const SEED = 20_261_202;

/** Returns how the limits are kept: the first of them that is not. */
function kindOf(refused: Refused): "taken" | "size" | "number" {
  if (refused.includes("vars")) return "number";
  return refused.length === 0 ? "taken" : "size";
}

test("100 configurations are refused here exactly where an account refuses what wrangler sends (L4, S5)", () => {
  const kinds: string[] = [];
  for (const deployment of fc.sample(cases, { seed: SEED, numRuns: 100 })) {
    const folder = folderOf(deployment);
    const refused = refusedByAccount(convertedBindings(folder, deployment));
    expect(refusedHere(folder, deployment)).toEqual(refused);
    kinds.push(kindOf(refused));
  }
  // Each kind is there often enough to prove something.
  for (const kind of ["taken", "size", "number"]) {
    expect(kinds.filter((other) => other === kind).length).toBeGreaterThan(9);
  }
});

// ---- The whole command

/** An account without Workers, which refuses what is too long or too much. */
async function startAccount() {
  const uploads: (readonly Binding[])[] = [];
  const answerTo = (method: string, path: string, body: string) => {
    if (/^workers\/(?:services|scripts)\//.test(path) && method === "GET") {
      return { status: 404, result: {}, errors: [{ code: 10007, message: "There is no Worker" }] };
    }
    if (/^workers\/(?:services|scripts)\/[\w-]+$/.test(path) && method === "PUT") {
      const { metadata = "" } = METADATA.exec(body)?.groups ?? {};
      const bindings = [tableOf(metadata)["bindings"]].flat().map(tableOf);
      uploads.push(bindings);
      const refused = refusedByAccount(bindings);
      const message = `These are too long, or too many: ${refused.join(", ")}`;
      if (refused.length > 0)
        return { status: 400, result: {}, errors: [{ code: 10054, message }] };
    }
    const changes = { added: [], removed: [], updated: [], conflicting: [] };
    const subdomain = { enabled: false, previews_enabled: false };
    const id = "00000000-0000-0000-0000-000000000001";
    return { status: 200, result: { id, deployment_id: id, subdomain, ...changes }, errors: [] };
  };

  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const path = url.replace(/^\/accounts\/[0-9a-f]+\/|\?.*/g, "");
    const { status, ...answer } = answerTo(method, path, (await buffer(request)).toString("utf8"));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: status === 200, messages: [], ...answer }));
  });
  const { url, close } = await listenLocally(server, 0);
  onTestFinished(close);
  const env = {
    ...{ PATH: process.env["PATH"], CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_API_TOKEN: "made-up" },
    ...{ CLOUDFLARE_ACCOUNT_ID: "0".repeat(32), WRANGLER_SEND_METRICS: "false" },
  };
  return { uploads, env };
}

const METADATA = /name="metadata"\r\n\r\n(?<metadata>.*?)\r\n--/s;

const NOTES = Object.fromEntries(
  Array.from({ length: 60 }, (_, index) => [`NOTE_${index}`, index]),
);
const NAMES = Object.keys(VARS).length;
const notes = (count: number) => Object.fromEntries(Object.entries(NOTES).slice(0, count));
const asTable = (text: string) => ({ card: { width: 480, background: text } });

test.each<[what: string, refused: Refused, vars: object, secrets: Case["secrets"]]>([
  [
    "5,000 bytes each, and 64 in all",
    [],
    {
      ...{ GRÜSSE: paddedValue("GRÜSSE", 5_000, "é", asTable), ...notes(64 - NAMES - 3) },
      N: paddedValue("N", 5_000, "x", String),
    },
    { AWS_SECRET_ACCESS_KEY: `${paddedValue("AWS_SECRET_ACCESS_KEY", 5_000, "x", String)}` },
  ],
  [
    "5,001 bytes each, and 65 in all",
    ["AWS_SECRET_ACCESS_KEY", "GRÜSSE", "N", "vars"],
    {
      ...{ GRÜSSE: paddedValue("GRÜSSE", 5_001, '"', asTable), ...notes(65 - NAMES - 3) },
      N: paddedValue("N", 5_001, "\n", String),
    },
    { AWS_SECRET_ACCESS_KEY: `${paddedValue("AWS_SECRET_ACCESS_KEY", 5_001, "x", String)}` },
  ],
])(
  "the real wrangler uploads %s, and the account answers as is said here (L4)",
  async (_what, refused, vars, secrets) => {
    const account = await startAccount();
    const required = Object.keys(secrets);
    const deployment = {
      vars: { ...VARS, ...vars },
      required,
      secrets,
      isStaging: false,
      isJson: false,
    };
    const folder = folderOf(deployment);
    const envConfig = readEnvironment(folder);
    if (isMistake(envConfig)) throw new Error(envConfig.message);

    const { world } = createWorld({ folder, env: { HOME: folder, ...account.env } });
    const result = await wranglerDeploy(world, wranglerAt(), envConfig, secrets);
    expect([account.uploads.length, isFault(result)]).toEqual([1, refused.length > 0]);
    expect(account.uploads.map(refusedByAccount)).toEqual([refused]);
    expect(refusedHere(folder, deployment)).toEqual(refused);

    // What the other test takes for the upload is what is uploaded.
    const [uploaded = []] = account.uploads;
    expect(uploaded).toEqual(expect.arrayContaining(convertedBindings(folder, deployment)));
  },
);
