// vitrine facts on many objects: npm run bench:facts
//
// The strict S3 answers 2 % of the requests with 429 and 1 % with 500. The command is interrupted by Ctrl-C, then by
// SIGKILL, and then runs to its end. It checks every fact, and that another run reads only what has no facts, and
// prints the peak memory. --large has originals that are as large as Cloudflare reads.

import {
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as ask, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listenOn } from "../../src/emulator/listen.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../src/emulator/serve.ts";
import { makeLarge, makeSamples, type Sample, wrongKeys } from "../support/pictures.ts";
import { seeded } from "./random.ts";

const { values: given } = parseArgs({
  options: {
    objects: { type: "string", default: "10000" },
    seed: { type: "string", default: "21" },
    large: { type: "boolean", default: false },
  },
});

const credentials = { accessKeyId: "bench-key-id", secretAccessKey: "bench-secret" };
const s3 = createS3({
  ...{ endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme-media", region: "eu-west-1" },
  credentials,
});
const objects = new Map<string, Sample>();
const samples = given.large ? await makeLarge() : await makeSamples();
const many = given.large ? 24 : Number(given.objects);
for (let at = 0; at < many; at += 1) {
  const sample = samples[at % samples.length];
  if (sample === undefined) throw new Error("there are no samples");
  const key = `photos/${at % 97}/ü ${at}%+&'.jpg`;
  objects.set(key, sample);
  s3.objects.set(key, sample.stored);
}

// In front of S3: its trouble, and who counts.
const random = seeded(Number(given.seed));
const count = { gets: 0, lists: 0, "429": 0, "500": 0 };
let reached: { readonly gets: number; readonly act: () => void } | undefined;
const served = await serveS3(s3);
const front = createServer((message, response) => {
  count[message.url?.includes("list-type") ? "lists" : "gets"] += 1;
  if (reached !== undefined && count.gets >= reached.gets) {
    reached.act();
    reached = undefined; // a second Ctrl-C would end it at once
  }
  const chance = random();
  const status = chance < 0.02 ? 429 : chance < 0.03 ? 500 : undefined;
  if (status !== undefined) {
    count[`${status}`] += 1;
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(`<Error><Code>${status === 429 ? "SlowDown" : "InternalError"}</Code></Error>`);
    return;
  }
  const { method, headers, url } = message;
  const passed = ask(`${served.url}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => response.destroy()).end();
  response.on("close", () => passed.destroy());
});
const { url: endpoint, close } = await listenOn(front, 0);

const folder = mkdtempSync(join(tmpdir(), "vitrine-bench-facts-"));
writeFileSync(
  join(folder, "wrangler.toml"),
  `name = "vitrine"
[vars.BUCKETS.media]
endpoint = "${endpoint}"
bucket = "acme-media"
region = "eu-west-1"
addressing = "path"
[[vars.ROUTES]]
path = "/images/:preset/*"
object = "media/*"
[vars.PRESETS.card]
width = 160
[secrets]
required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
`,
);

const PROGRAM = join(import.meta.dirname, "../../src/cli/main.ts");
/** Prints the peak of memory in KiB. Linux counts that of the parent for `maxRSS`, but not for `VmHWM`. */
const HOOK = `import { existsSync, readFileSync, writeSync } from "node:fs";
const peak = () => {
  const status = "/proc/self/status";
  const [, own] = (existsSync(status) && /VmHWM:\\s+(\\d+)/.exec(readFileSync(status, "utf8"))) || [];
  return own ?? process.resourceUsage().maxRSS;
};
process.on("exit", () => writeSync(2, "peak " + peak() + "\\n"));`;

/** Runs the command, and says what it did. @param end ends it after so many GETs */
async function run(end?: { readonly gets: number; readonly signal: NodeJS.Signals }) {
  const before = { ...count };
  const began = performance.now();
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const args = ["--import", hook, PROGRAM, "facts", "--out", "facts.json"];
  const options: SpawnOptionsWithStdioTuple<StdioNull, StdioNull, StdioPipe> = {
    cwd: folder,
    env: {
      ...process.env,
      ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, CLOUDFLARE_ENV: "" },
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stdio: ["ignore", "inherit", "pipe"],
  };
  const child = spawn(process.execPath, args, options);
  reached = end && { gets: before.gets + end.gets, act: () => void child.kill(end.signal) };
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk;
  });
  const code = await new Promise((settle) =>
    child.on("close", (status, signal) => settle(signal ?? status)),
  );
  reached = undefined;
  s3.requests.splice(0);
  const [, kilobytes] = /^peak (\d+)$/m.exec(err) ?? [];
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const memory = kilobytes ? `${Math.round(Number(kilobytes) / 1024)} MiB` : "unknown";
  const asked = `${count.gets - before.gets} GETs, ${count.lists - before.lists} lists`;
  const trouble = `${count[429] - before[429]} × 429, ${count[500] - before[500]} × 500`;
  if (code === 2 || code === 3) throw new Error(err);
  console.log(`exit ${code}, ${seconds} s, peak memory ${memory}: ${asked}, ${trouble}`);
  return err;
}

try {
  const third = Math.floor(many / 3);
  if (!given.large) {
    await run({ gets: third, signal: "SIGINT" });
    await run({ gets: third, signal: "SIGKILL" });
  }
  const err = await run();
  const wrong = await wrongKeys(objects, readFileSync(join(folder, "facts.json"), "utf8"), err);
  const { gets } = count;
  const again = await run();
  const [read] = /^Facts .*$/m.exec(again) ?? [];
  console.log(`${objects.size} objects, ${wrong.length} wrong: ${wrong.slice(0, 5).join(", ")}`);
  console.log(`The second run: ${count.gets - gets} GETs. ${read}`);
  // Each GET may be sent again.
  const unknown = [...objects.values()].filter(
    ({ known }) => !(known instanceof Object && "type" in known),
  );
  if (wrong.length > 0 || count.gets > gets + 2 * unknown.length) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
  await close();
  await served.close();
}
