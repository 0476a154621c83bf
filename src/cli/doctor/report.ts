// How findings are reported, and what the doctor ends with.

import { align, EXIT, type Exit, paint, type World } from "../command.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { hintFor, type Place } from "../wrangler/config-file.ts";
import { CAUSES, isOfSlot } from "./checks/index.ts";
import type { Finding, Severity } from "./finding.ts";

const STYLES = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

/** The findings, grouped by what they are about, and a last line that counts them. */
export function tellFindings(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const dim = (text: string) => paint(world, stdout, "dim", text);
  const rowsOf = ({ check, severity, what, why, remedy }: Finding) => [
    [`  ${paint(world, stdout, STYLES[severity], severity)}`, check, visible(what)],
    ...(why === undefined ? [] : [["", dim("why"), visible(why)]]),
    ...(remedy === undefined ? [] : [["", dim("remedy"), visible(remedy)]]),
  ];
  const groups = [...Map.groupBy(findings, ({ about }) => about)];
  const aligned = align(groups.flatMap(([, own]) => own.flatMap(rowsOf)));
  const lines = groups.flatMap(([about, own]) => [
    paint(world, stdout, "bold", visible(about)),
    ...aligned.splice(0, own.flatMap(rowsOf).length),
    "",
  ]);
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const verdict = errors > 0 ? "error" : warnings > 0 ? "warning" : "ok";
  const worse = `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
  const sum = `${worse}, ${counted(count("note"), "note")}, ${count("ok")} ok`;
  return [...lines, paint(world, stdout, STYLES[verdict], sum)];
}

/** The findings, with commands for this environment and the name of its file. */
export function findingsFor(place: Place, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => {
    const { what, why, remedy } = finding;
    return {
      ...{ ...finding, what: hintFor(place, what) },
      ...(why !== undefined && { why: hintFor(place, why) }),
      ...(remedy !== undefined && { remedy: hintFor(place, remedy) }),
    };
  });
}

/** The findings; what is changed in wrangler.toml must be deployed, but not for the local run. */
export function withDeploys(findings: readonly Finding[], local: boolean): Finding[] {
  return findings.map(({ deploys, ...finding }) => {
    if (!deploys || local || finding.remedy === undefined) return finding;
    return { ...finding, remedy: `${finding.remedy}. Then npx vitrine deploy` };
  });
}

/** The findings; an image that does not come is explained by what was found wrong before it. */
export function withFirstCauses(findings: readonly Finding[]): Finding[] {
  return findings.map((finding, at) => {
    const first = firstCauseOf(finding, findings.slice(0, at));
    if (first === undefined) return finding;
    const why = `most likely because of the finding above: ${first.what}`;
    const isPassing = first.severity === "warning" && first.remedy !== undefined;
    const remedy = isPassing ? first.remedy : "fix that first, then run the doctor again";
    return { ...finding, why, ...(remedy !== undefined && { remedy }) };
  });
}

function firstCauseOf(finding: Finding, before: readonly Finding[]): Finding | undefined {
  const { bucket, cause, severity } = finding;
  if (severity === "note" || CAUSES.get(cause ?? "")?.follows !== true) return undefined;
  const related = before.filter(
    (one) => one.bucket === undefined || bucket === undefined || one.bucket === bucket,
  );
  // If the deployed keys work, those at hand explain nothing.
  const serves = related.some((one) => one.check === "health" && one.severity === "ok");
  return related.find(({ check, severity, cause = check }) => {
    const explains = check !== "image" && CAUSES.get(cause)?.harmless !== true;
    const isPassing = severity === "warning" && CAUSES.get(cause)?.passing === true;
    return (severity === "error" || isPassing) && explains && !(serves && isOfSlot(check));
  });
}

/** What the doctor ends with: the worst that it found. */
export function exitOf(findings: readonly Finding[]): Exit {
  if (findings.some(({ severity }) => severity === "error")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warning") ? EXIT.partly : EXIT.done;
}
