// The commands that the operator is told to run. No part of them is secret.

import { commandLine, shellQuote } from "../terminal/shell.ts";
import { envFlag, type Place } from "../wrangler/config-file.ts";
import { type Plan, USER_NAME, WAIT_S } from "./plan.ts";
import { changeOf, type Ends, type Step } from "./steps.ts";

/**
 * The arguments of wrangler that change several secrets at once, read from stdin (S1). They always name the
 * environment: an empty one is the top level (S6).
 */
export function bulkOf({ file, environment = "" }: Pick<Place, "file" | "environment">) {
  return ["secret", "bulk", "--config", file, `--env=${environment}`] as const;
}

/** The command that was given, to run it again. */
export function commandOf(plan: Plan, restart = false): string {
  const { options, local } = plan;
  const { url, bucket, credentials, keyFile, key, userName, wait, secretsFile, ...rest } = options;
  return commandLine("rotate", {
    env: environmentOf(plan),
    ...{ url, bucket, credentials, keyFile, key, secretsFile },
    userName: userName === USER_NAME ? undefined : userName,
    wait: wait === WAIT_S ? undefined : wait,
    print: local ? undefined : rest.print,
    yes: rest.yes,
    restart: restart || undefined,
  });
}

/** The doctor of the same Vitrine. */
export function doctorOf(plan: Plan): string {
  const { options, base } = plan;
  return commandLine("doctor", {
    env: environmentOf(plan),
    url: base,
    secretsFile: options.secretsFile,
  });
}

/** The value of `--env`, whatever CLOUDFLARE_ENV says where the command is pasted. */
function environmentOf({ options, place }: Plan): string | undefined {
  return options.env === "" ? "" : place.environment;
}

export function createKey({ options: { userName } }: Plan): string {
  return `aws iam create-access-key --user-name ${shellQuote(userName)}`;
}

export function setOldKey({ options: { userName } }: Plan, status: "Active" | "Inactive"): string {
  return `aws iam update-access-key --user-name ${shellQuote(userName)} --access-key-id <the old id> --status ${status}`;
}

export function listKeys({ options: { userName } }: Plan): string {
  return `aws iam list-access-keys --user-name ${shellQuote(userName)}`;
}

export function deleteOldKey({ options: { userName } }: Plan, ends: Ends): string {
  return `aws iam delete-access-key --user-name ${shellQuote(userName)} --access-key-id <the old id>   # ${oldKeyText(ends)}`;
}

/** Which key is the old one. */
function oldKeyText({ old, new: end }: Ends): string {
  return old === "" || old === end ? `not ${end}` : `it ends in ${old}`;
}

/** What is done for a step: by the operator, or by this program. */
export function linesOf(plan: Plan, step: Step, ends: Ends): string[] {
  if (step.number === 1) return plan.options.keyFile === undefined ? [createKey(plan)] : [];
  if (!step.byHand) return changeLines(plan, step, plan.options.print === true);
  const which = oldKeyText(ends);
  if (!plan.local) return [`${setOldKey(plan, "Inactive")}   # ${which}`];
  if (plan.played) return ["nothing: the local S3 knows only one key"];
  return [`deactivate the old key in your S3: ${which}`];
}

/** What changes the secrets of a step: the operator (`byHand`), or this program. */
export function changeLines(plan: Plan, step: Step, byHand: boolean): string[] {
  if (step.puts === undefined) return [];
  const { local, place } = plan;
  const change = Object.entries(changeOf(step, plan));
  const [set, removed] = [
    change.filter(([, to]) => to !== null),
    change.filter(([, to]) => to === null),
  ];
  if (byHand && !local) {
    // wrangler asks for each value itself.
    return [...set, ...removed].map(([name, to]) => {
      const does = to === null ? "delete" : "put";
      const note = name.includes("_SESSION_TOKEN") ? "   # if there is one" : "";
      return `npx wrangler secret ${does} ${name}${envFlag(place)}${note}`;
    });
  }
  const where = local ? place.devVars : `npx wrangler ${bulkOf(place).join(" ")} (values by stdin)`;
  const parts = [["set", set] as const, ["remove", removed] as const];
  const does = parts.flatMap(([word, some]) =>
    some.length > 0 ? [`${word} ${some.map(([name]) => name).join(", ")}`] : [],
  );
  return [`${where}: ${does.join("; ")}`];
}
