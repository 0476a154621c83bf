// Waits until the deployed Vitrine answers, and has the doctor check it. A new domain takes a while.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { type End, EXIT, type Exit, isFault, say, type World } from "../command.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import type { sleep } from "../http/retry.ts";
import { commandLine, visible } from "../terminal/shell.ts";

/** What `vitrine deploy` is given. */
export type Options = {
  readonly env?: string;
  readonly url?: string;
  readonly key?: string[];
  readonly secretsFile?: string;
  readonly dryRun?: true;
};

/** The doctor, as `vitrine doctor` runs it. */
export type Examine = (
  world: World,
  options: Omit<Options, "dryRun"> & { readonly url: string },
) => Promise<End>;

type Sent = Readonly<Record<string, string>>;

/** What takes time, so a test can replace it. */
export type Tools = { readonly examine: Examine; readonly sleep: typeof sleep };

/** The secrets that the doctor may take from the shell: it sees more with them. */
const SINGLE = ["HEALTH_TOKEN", "URL_SIGNING_KEYS"];

const PAUSE_MS = 5000;
/** How often to ask: about a minute, with the pauses. */
const LOOKS = 12;

/**
 * Has the doctor check what is deployed, as soon as it answers.
 * @param sent the secrets that were deployed
 * @returns `done` if the doctor finds no error, else `partly`: the deploy is not undone
 */
export async function checkDeployed(
  world: World,
  base: string | undefined,
  options: Options,
  sent: Sent,
  { examine, sleep }: Tools,
): Promise<Exit> {
  const again = doctorLine(base, options);
  if (base === undefined) {
    say(world.stderr, `It is deployed, but routes names no host to check. Name one: ${again}`);
    return EXIT.partly;
  }
  const there = await answers(world, base, sleep);
  if (world.interrupted.aborted) {
    say(world.stderr, `It is deployed, and not checked: ${again}`);
    return EXIT.partly;
  }
  if (!there) {
    say(
      world.stderr,
      `It is deployed, but ${base} does not answer yet: a new domain needs some minutes for DNS and its certificate.`,
      `Then check it: ${again}`,
    );
    return EXIT.partly;
  }
  const { dryRun: _, ...given } = options;
  const end = await examine({ ...world, env: withoutOthers(world, sent) }, { ...given, url: base });
  // Warnings are shown, but a deploy may be right with them: a key may be meant to list the bucket.
  if (end === EXIT.done || end === EXIT.partly || world.interrupted.aborted) return EXIT.done;
  if (isFault(end)) say(world.stderr, visible(end.fault));
  const advice = "An older version may answer for a minute. To check it again";
  say(
    world.stderr,
    `It is deployed, but the doctor found errors. ${advice}: ${again}`,
    "If the deploy before was right, take this one back: docs/environments.md, “Roll back”",
  );
  return EXIT.partly;
}

/** The environment without the keys of S3: nobody knows whether they are the deployed ones (S5). */
function withoutOthers({ env }: World, sent: Sent): World["env"] {
  const isOther = (name: string) => name in sent || (isSecret(name) && !SINGLE.includes(name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOther(name)));
}

/** Asks until a server answers, whatever it says. */
async function answers(world: World, base: string, pause: Tools["sleep"]): Promise<boolean> {
  for (let look = 1; !world.interrupted.aborted; look += 1) {
    const absent = await askWhetherThere(base);
    if (absent === undefined || !isNotThereYet(absent.status)) return true;
    if (look === LOOKS) return false;
    if (look === 1) say(world.stderr, `Waiting for ${base} ...`);
    await pause(PAUSE_MS, world.interrupted);
  }
  return false;
}

/** No status: no DNS or no certificate yet. 520 or more: Cloudflare finds no Worker. */
function isNotThereYet(status: number | undefined): boolean {
  return status === undefined || status >= 520;
}

function doctorLine(base = "https://…", { env, key, secretsFile }: Options): string {
  return commandLine("doctor", { env, url: base, secretsFile, key });
}
