// npm start: the Worker in the real Workers runtime; beside it, in the same `wrangler dev`, a private
// S3 that verifies signatures, filled from fixtures/objects/; and between them the strict edge. No
// account, no network.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  watchFile,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { localKeys, localRun } from "../cli/project/local.ts";
import { readVars } from "../cli/project/vars.ts";
import { createEdge } from "../emulator/edge/edge.ts";
import { type Mistake, mistakeText } from "../worker/base/mistake.ts";
import { readConfig } from "../worker/config/config.ts";
import { bucketsOf } from "../worker/config/routes.ts";
import { watchBuckets } from "./buckets.ts";
import { serveEdge } from "./edge.ts";
import { fillBucket } from "./fill.ts";
import { liveSecrets } from "./live.ts";
import { originConfig } from "./origin.ts";
import { readPort } from "./port.ts";
import { contentsOf, describeFixtures } from "./sheet/contents.ts";
import { forgetOwn, listOwn, putOwn } from "./sheet/own.ts";
import { serveSheet } from "./sheet/serve.ts";
import { welcome } from "./welcome.ts";

// The Worker's own lines are shown as they are, and of wrangler's none that welcome() has said already.
const DECORATION = /^(?:. )?\[[\w:-]+\]\s*/u;
const NOISE =
  /^\s*$|low-fidelity mock|^env\.|^Binding|following bindings|Using secrets|wrangler types|experimental_s3|Processing \S+ configuration/;

const port = await readPort(process.env["PORT"]);
if (typeof port !== "number") stop(port.fault);
const address = `http://localhost:${port}`;
const endpoint = `${address}/cdn-cgi/local/r2/s3`;
if (!existsSync(".dev.vars")) {
  copyFileSync(".dev.vars.example", ".dev.vars");
  console.log("Made .dev.vars of .dev.vars.example.");
}

let known = readAll();
if ("mistakes" in known.config && known.config.mistakes.some(isMissingSigner)) {
  const keys = JSON.stringify({ local: randomBytes(32).toString("hex") });
  try {
    appendFileSync(".dev.vars", `\nURL_SIGNING_KEYS='${keys}'\n`);
  } catch (error) {
    stop(`A route is signed, and .dev.vars takes no URL_SIGNING_KEYS: ${error}`);
  }
  console.log("Put a signing key into .dev.vars, since a route is signed.");
  known = readAll();
}
const { own, buckets, config } = known;
if ("mistakes" in config) {
  stop(
    ["wrangler.toml or .dev.vars has mistakes:", ...config.mistakes.map(mistakeText)].join("\n  "),
  );
}

const played = Object.values(buckets);

mkdirSync(".wrangler/local", { recursive: true });
chmodSync(".wrangler", 0o700); // what is in it opens the doors below
const origin = resolve(`.wrangler/local/${port}.json`);
const names = played.map(({ bucket }) => bucket);
writeFileSync(origin, JSON.stringify(originConfig(join(import.meta.dirname, "bucket.ts"), names)));

// What is asked for is listed under Sources (E5), and need not be https here (E6). The zone is another
// one than this host, which S3 is at as well: else that would be allowed, listed or not.
const bases = own ? [...bucketsOf(config.routes)].map(({ base }) => base) : [endpoint];
const asked = bases.map((base) => new URL(base));
const edge = createEdge({
  zone: "images.example",
  sources: asked.map(({ host }) => host),
  plain: asked.filter(({ protocol }) => protocol === "http:").map(({ host }) => host),
  fetch: (input, { cf: _cf, ...init } = {}) => fetch(input, init),
  now: Date.now,
  cache: false,
  quota: Number.POSITIVE_INFINITY,
  unplayable: "left-out",
});
const say = (reason: unknown) => console.error(`The local edge: ${reason}`);
const secrets = liveSecrets({
  file: ".dev.vars",
  read: () => {
    const vars = readVars();
    return "fault" in vars ? { fault: vars.fault } : { vars: localRun(vars, endpoint).secrets };
  },
  switches: edge.switches,
  tell: (line) => console.log(line),
  warn: (line) => console.error(line),
});
const door = await serveEdge(edge, say, secrets);
secrets();
setInterval(secrets, 500).unref(); // so that what is wrong is told before the next request
const bucketsNow = () => {
  const vars = readVars();
  return "fault" in vars ? undefined : vars.deployed["BUCKETS"];
};
const look = watchBuckets(bucketsNow, (line) => console.error(line));
if (!own) watchFile("wrangler.toml", { interval: 500, persistent: false }, look);

const fixtures = own ? [] : await describeFixtures();
const sheet = await serveSheet(
  {
    contents: async () => {
      const now = readAll();
      if ("mistakes" in now.config) return { mistakes: now.config.mistakes.map(mistakeText) };
      if (own) return contentsOf(now.config, now.started, [], false, Date.now());
      try {
        const known = [...listOwn(), ...fixtures];
        return await contentsOf(now.config, now.started, known, true, Date.now());
      } catch (error) {
        return { mistakes: [`${error}`] };
      }
    },
    put: async (file, body, type) => {
      if (own) return ".dev.vars names the S3 that is asked, and nothing is put there";
      const now = readAll();
      const here = readConfig({ ...now.started, ...now.secrets, BUCKETS: buckets });
      if ("mistakes" in here) return here.mistakes.map(mistakeText).join("; ");
      return putOwn(here, file, body, type, Date.now());
    },
    forget: forgetOwn,
  },
  (reason) => console.error(`The contact sheet: ${reason}`),
);

// Not as --var: everybody on this machine may see the arguments of a process.
const entry = resolve(`.wrangler/local/${port}.js`);
const worker = JSON.stringify(join(import.meta.dirname, "index.ts"));
const doors = JSON.stringify({ LOCAL_EDGE: door.url, LOCAL_SHEET: sheet.url });
writeFileSync(
  entry,
  `import worker from ${worker};
export default { fetch: (request, env, context) => worker.fetch(request, { ...env, ...${doors} }, context) };
`,
);

console.log("Starting ...");
const wrangler = spawn(
  process.execPath,
  [
    join(import.meta.dirname, "../../node_modules/wrangler/bin/wrangler.js"),
    ...[
      "dev",
      entry,
      "-c",
      "wrangler.toml",
      "-c",
      origin,
      "--port",
      `${port}`,
      // Else the host of `routes` would stand in for this one, and no signature be right.
      "--local-upstream",
      `localhost:${port}`,
      "--inspector-port",
      "0",
    ],
    ...["--show-interactive-dev-session=false"],
    ...(own ? [] : ["--var", `BUCKETS:${JSON.stringify(buckets)}`]),
  ],
  {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CLOUDFLARE_CF_FETCH_ENABLED: "false", // it would ask Cloudflare for a Request.cf
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
    },
  },
);

// However this ends, wrangler ends with it: by a signal, by a fault, or with the npm that started it.
let ending = false;
const end = (): void => {
  ending = true;
  wrangler.kill();
};
process.on("exit", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
const parent = process.ppid;
setInterval(() => process.ppid !== parent && end(), 500).unref();

// What wrangler says is shown once all is up, and before that from its first error on.
let show: ((line: string) => void) | undefined;
const before: string[] = [];
const ready = new Promise<void>((settle) => {
  for (const stream of [wrangler.stdout, wrangler.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const said = stripVTControlCharacters(line);
      before.push(said);
      if (/Ready on http/.test(said)) settle();
      else if (show !== undefined) show(said);
      else if (/\[ERROR\]/.test(said)) showAll();
    });
  }
});
wrangler.on("close", (code) => {
  if (show === undefined && !ending) showAll();
  process.exit(ending ? 0 : (code ?? 1));
});

await ready;
for (const { bucket, prefix } of played) {
  await fillBucket(`${endpoint}/${bucket}/`, prefix ?? "", localKeys(), (done, all) =>
    progress(`Filling the private bucket "${bucket}": ${done} of ${all} objects`, done === all),
  ).catch((error: unknown) => ending || stop(`The bucket cannot be filled: ${error}`));
}
if (!ending) {
  console.log(await welcome(address, config, !own));
  show = (said) => {
    const line = said.replace(DECORATION, "");
    if (line.startsWith("{") || !NOISE.test(line)) console.log(line);
  };
}

/** The configuration as it will be started, with the secrets that open what is played here. */
function readAll() {
  const vars = readVars();
  if ("fault" in vars) stop(vars.fault);
  const run = localRun(vars, endpoint);
  return { ...run, started: vars.started, config: readConfig(run.vars) };
}

function isMissingSigner({ path, message }: Mistake): boolean {
  return path === "URL_SIGNING_KEYS" && message.startsWith("is missing");
}

function showAll(): void {
  show = (said) => console.error(said);
  for (const said of before) show(said);
}

/** Says what keeps this from starting, and ends. */
function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}

/** One line that is written over on a terminal, and once when done elsewhere. */
function progress(line: string, done: boolean): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${line}${done ? "\n" : ""}`);
  else if (done) console.log(line);
}
