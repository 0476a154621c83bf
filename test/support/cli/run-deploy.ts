// `vitrine deploy` in a folder of its own, with a fake wrangler and a fake doctor.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type CommandFault, EXIT, type Exit, isFault } from "../../../src/cli/command.ts";
import { type DeployOptions, type DeployTools, deploy } from "../../../src/cli/deploy/index.ts";
import { createS3, type S3 } from "../../../src/emulator/s3/s3.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS, SECRETS, VARS } from "../env.ts";
import { handlersOf, network } from "../network.ts";
import { overhear } from "../overheard.ts";
import { createQueueAccount, type QueueAccount } from "./fake-queues.ts";
import { createProject, envLine, STAGED } from "./folder.ts";
import { addOpenBucket } from "./policed-s3.ts";
import { createWorld, type WorldOptions } from "./vitrine.ts";

const { accessKeyId: ID, secretAccessKey: SECRET } = CREDENTIALS;
export const KEY = { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET };
/** Variables whose routes give no warnings. */
export const QUIET = { ...VARS, ROUTES: VARS.ROUTES.slice(0, 2) };

type Ran = {
  readonly args: string;
  /** The file of --secrets-file, while wrangler ran. */
  readonly file?: { readonly path: string; readonly secrets: unknown; readonly mode: number };
};

export let folder: string;
/** The S3 of the bucket of VARS. It knows both keys. */
export let s3: S3;
export let ran: Ran[];
/** The options that the doctor got, and the names of the variables that it saw. */
export let examined: [options: object, names: string[]][];
/** How often it waited before it asked again whether the Worker is there. */
export let pauses: number;
export let ended: {
  wrangler: number;
  output: string;
  /** What it writes for programs. */
  file: string;
  doctor: Exit | CommandFault;
  /** What the doctor reports. */
  findings: Extract<Awaited<ReturnType<DeployTools["examine"]>>, { outcome: Exit }>["findings"];
};
/** What wrangler knows of queues, and of the rules of R2. */
export let account: QueueAccount;

export function project(...worldOptions: Parameters<typeof createProject>): void {
  folder = createProject(...worldOptions);
}

export function write(secrets: Readonly<Record<string, string>>): void {
  writeFileSync(join(folder, "secrets.env"), lines(secrets));
}

export function lines(secrets: Readonly<Record<string, string>>): string {
  return Object.entries(secrets)
    .map(([name, value]) => envLine(name, value))
    .join("");
}

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => {
  project({ ...STAGED, vars: QUIET });
  write({ ...SECRETS, HEALTH_TOKEN });
  [ran, examined, pauses] = [[], [], 0];
  account = createQueueAccount();
  ended = { wrangler: 0, output: "", file: "", doctor: EXIT.done, findings: [] };

  const { endpoint, bucket, region, prefix } = VARS.BUCKETS.media;
  s3 = createS3({
    endpoint,
    bucket,
    region,
    credentials: CREDENTIALS,
    readable: prefix,
    now: Date.now,
  });
  s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  network.resetHandlers(
    http.get("https://*/healthz", () => new HttpResponse("ok\n")),
    ...handlersOf(s3),
  );
  addOpenBucket("acme-staging");
});

const readFile = (path: string) => ({
  path,
  secrets: JSON.parse(readFileSync(path, "utf8")),
  mode: statSync(path).mode & 0o777,
});

export async function run(
  options: DeployOptions = { secretsFile: "secrets.env" },
  worldOptions: WorldOptions = {},
) {
  const { world, readScreens } = createWorld({ folder, ...worldOptions });
  const tools: DeployTools = {
    run: async ({ env }, args, _input, hear) => {
      const path = args.find((arg) => arg.endsWith("secrets.json"));
      ran.push({ args: args.join(" "), ...(path && { file: readFile(path) }) });

      const reply = account.answer(args);
      if (reply !== undefined) {
        hear(reply.output);
        return reply.code;
      }

      hear(ended.output);
      const { WRANGLER_OUTPUT_FILE_PATH: file } = env;
      if (file !== undefined && ended.file !== "") writeFileSync(file, ended.file);

      return ended.wrangler;
    },
    sleep: async () => {
      pauses += 1;
    },
    examine: async ({ env }, options) => {
      examined.push([options, Object.keys(env)]);
      if (isFault(ended.doctor)) return ended.doctor;
      return { outcome: ended.doctor, findings: ended.findings };
    },
  };

  const result = await deploy(world, options, tools);
  const { out, err } = readScreens();
  const fault = isFault(result) ? result.fault : "";
  overhear("logged", out + err + fault);

  return { code: isFault(result) ? EXIT.failed : result, out, err: err + fault };
}
