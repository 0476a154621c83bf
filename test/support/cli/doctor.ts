// Runs the doctor on a Vitrine at https://images.example, with the strict edge and the strict S3.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { EXIT, isFault, type Outcome, type Run } from "../../../src/cli/command.ts";
import type { Check } from "../../../src/cli/doctor/finding.ts";
import { doctorCommand } from "../../../src/cli/doctor/index.ts";
import type { DoctorTools } from "../../../src/cli/doctor/write-events.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import { network } from "../emulators.ts";
import { ENV, HEALTH_TOKEN, SECRETS, VARS } from "../env.ts";
import { overhear } from "../overheard.ts";
import { arrange, get, stage } from "../run-worker.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";
import type { QueueAccount } from "./fake-queues.ts";
import { problemsOf, type Report } from "./findings.ts";
import { CACHED, tomlOf } from "./folder.ts";
import { type CommandResult, createWorld, vitrine, type WorldOptions } from "./vitrine.ts";

export const SITE = "https://images.example";

/** The configuration. Its bucket has a canary. */
export const CONFIGURED = {
  ...VARS,
  ROUTES: VARS.ROUTES.slice(0, 2),
  BUCKETS: { media: { ...VARS.BUCKETS.media, canary: "key.jpg" } },
};

const folder = createTemporaryFolder("vitrine-doctor-");
mkdirSync(join(folder, "src/worker"), { recursive: true });
writeFileSync(join(folder, "src/worker/index.ts"), ""); // what main names

/** Writes a wrangler.toml. @param more lines after it: tables */
export function configure(
  vars: object = CONFIGURED,
  secrets = Object.keys(SECRETS),
  more = "",
  routes: readonly string[] = [`${new URL(SITE).host}/*`],
): string {
  const config = {
    name: "vitrine",
    main: "src/worker/index.ts",
    compatibility_date: "2026-11-01",
    workers_dev: false,
    preview_urls: false,
    routes,
    ...CACHED,
    vars,
    secrets: { required: secrets },
  };

  writeFileSync(join(folder, "wrangler.toml"), tomlOf(config) + more);
  return folder;
}

/** Something in front of the Worker, which changes its answers. */
export type Change = (
  answer: Response,
  request: { method: string; headers: Headers; path: string },
) => Response;

export const onImages =
  (change: Change): Change =>
  (answer, request) =>
    request.path.startsWith("/images/") ? change(answer, request) : answer;

/** Sets a header of images, or takes it away. */
export const withHeader = (name: string, value?: string): Change =>
  onImages((answer) => {
    const changed = new Response(answer.body, answer);
    if (value === undefined) changed.headers.delete(name);
    else changed.headers.set(name, value);
    return changed;
  });

/** Has the detailed form of /healthz say this of the bucket. */
export const reporting =
  (health: object): Change =>
  (answer, { path, headers }) =>
    path === "/healthz" && headers.has("authorization")
      ? HttpResponse.json({ ok: true, buckets: [{ bucket: "media", edge: "on", ...health }] })
      : answer;

/** An answer as a server sends it: with the time. */
export function withDate(answer: Response): Response {
  if (answer.type === "error" || answer.headers.has("date")) return answer;
  const dated = new Response(answer.body, answer);
  dated.headers.set("date", new Date().toUTCString());
  return dated;
}

/** Puts a zone with a Worker at SITE. */
export function deploy(
  env: object = { ...ENV, ...CONFIGURED, HEALTH_TOKEN },
  change: Change = (answer) => answer,
): void {
  network.use(
    http.all(`${SITE}/*`, async ({ request }) => {
      const { url, method, headers } = request;
      const { pathname, search } = new URL(url);
      const path = pathname + search;
      const body = method === "POST" ? await request.text() : null;
      const answer =
        (await stage.edge.visit(new Request(url, { headers }))) ??
        (await get(path, { method, headers, body }, env));
      const changed = change(answer, { method, headers, path });

      return withDate(changed);
    }),
  );
}

/**
 * Sets up a healthy site, with the rule of docs/deploy.md and a key that may only read, except for some switches of
 * the edge. A test of several cases calls it for each.
 * @param vars the configuration, which is deployed
 */
export function beginSite(settings: Partial<EdgeSettings> = {}, vars: object = CONFIGURED): void {
  arrange({ firewall: true, ...settings });
  stage.s3.faults.add("no-list-bucket");
  configure(vars);
  deploy({ ...ENV, ...vars, HEALTH_TOKEN });
}

/** Runs the doctor. @returns the checks that find an error or a warning */
export async function checksOf(...options: Parameters<typeof examine>): Promise<Check[]> {
  return problemsOf(await examine(...options)).map(({ check }) => check);
}

export async function examine(
  args: readonly string[] = ["--url", SITE],
  options: WorldOptions = {},
): Promise<Report> {
  const env = { ...SECRETS, HEALTH_TOKEN, ...options.env };
  const all = ["doctor", "--json", ...args];
  const { code, out, err } = await vitrine(all, { folder, ...options, env });
  const { findings } = out === "" ? { findings: [] } : JSON.parse(out);
  return { code, findings, text: err };
}

type QueueOptions = WorldOptions & { readonly pause?: DoctorTools["sleep"] };

/** Runs the doctor of the site with a wrangler that knows the queues of an account. */
export async function examineQueues(
  account: QueueAccount,
  args: readonly string[] = ["--url", SITE],
  options: QueueOptions = {},
): Promise<Report & { readonly commands: readonly string[] }> {
  const env = { ...SECRETS, HEALTH_TOKEN, ...options.env };
  const ended = await runDoctor(account, args, { folder, ...options, env });
  const { findings } = ended.out === "" ? { findings: [] } : JSON.parse(ended.out);
  return { code: ended.code, findings, text: ended.err, commands: ended.commands };
}

/**
 * Runs `vitrine doctor --json` with a wrangler that knows the queues of an account, and with pauses that take no time.
 * @returns how it ended, and the commands of wrangler
 */
export async function runDoctor(
  account: QueueAccount,
  args: readonly string[],
  { pause = async () => {}, ...options }: QueueOptions,
): Promise<CommandResult & { readonly commands: readonly string[] }> {
  const commands: string[] = [];
  const tools: DoctorTools = {
    sleep: pause,
    run: async (_world, wranglerArgs, _input, hear) => {
      commands.push(wranglerArgs.join(" "));
      const { code, output } = account.answer(wranglerArgs) ?? { code: 1, output: "" };
      hear(output);
      return code;
    },
  };

  const { world, readScreens } = createWorld(options);
  let outcome: Outcome = EXIT.done;
  const run: Run = async (work) => {
    outcome = await work();
  };

  await doctorCommand(world, run, tools).parseAsync(["--json", ...args], { from: "user" });

  const { out, err } = readScreens();
  const code = isFault(outcome) ? EXIT.failed : outcome;
  const fault = isFault(outcome) ? outcome.fault : "";
  overhear("logged", out + err + fault);

  return { code, out, err: err + fault, commands };
}
