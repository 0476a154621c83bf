// How to go back from a deploy, which it prints at its end, however that was. It sends nothing, and claims nothing of the
// deploy before: nobody knows whether there was one, or whether that was right. A roll-back of the commit keeps the secrets.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { tableOf } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import { eventQueueOf } from "../config/event-queue.ts";
import { commandLine } from "../terminal/shell.ts";
import type { Deployment } from "./check-s3.ts";

/** @param eventsElsewhere whether the deploy had that option, which it may need again */
export function goBackLines(
  folder: string,
  deployment: Deployment,
  eventsElsewhere: true | undefined,
): string[] {
  const { envConfig, secrets } = deployment;
  const { environment, environments } = envConfig;

  // An empty name is the top level, whatever CLOUDFLARE_ENV says (S6).
  const env = environments.length === 0 ? undefined : (environment ?? "");
  const install = `npm ci && ${commandLine("deploy", { env, eventsElsewhere })}`;
  const lines: string[] = [];

  if (isInGit(folder)) {
    lines.push(
      `To go back to an older COMMIT, with nothing left uncommitted: git switch --detach COMMIT && ${install}`,
    );
  } else {
    lines.push(`To go back, put the older files back, package-lock.json too, and then: ${install}`);
  }

  lines.push(...leftLines(deployment));

  const names = Object.keys(secrets);
  if (names.length === 0) {
    lines.push(`If CI deploys, or to know more: ${page("docs/environments.md")}, “Roll back”`);
    return lines;
  }

  const deployFile = commandLine("deploy", { env, eventsElsewhere, secretsFile: "FILE" });
  lines.push(
    `That keeps the secrets that this deploy set: ${names.join(", ")}. If they are wrong, deploy a FILE with the right ones: ${deployFile}`,
    `If CI deploys, or to know more: ${page("docs/environments.md")}, “Roll back” and “Get secrets back”`,
  );
  return lines;
}

/** What stays when older files are deployed: a deploy makes queues and rules, and removes none. */
function leftLines({ envConfig }: Deployment): string[] {
  const lines: string[] = [];

  const queue = eventQueueOf(envConfig);
  if (queue !== undefined) {
    lines.push(
      `That leaves the queue ${queue.name} and R2's rules as they are. To remove them: ${page("docs/events.md")}, “Take it out again”`,
    );
  }

  const { store } = tableOf(envConfig.deployedVars["ANSWERS"]);
  if (store !== undefined) {
    lines.push(`That leaves all pictures in the store ${store}: ${page("docs/cache.md")}`);
  }
  return lines;
}

function isInGit(folder: string): boolean {
  if (existsSync(join(folder, ".git"))) return true;

  const parent = dirname(folder);
  return parent !== folder && isInGit(parent);
}
