// What a run in CI found, and what the change does to the costs. Pure.

import { isPlainObject, parseJson, tableOf } from "../../worker/util/json.ts";
import type { Exit } from "../command.ts";
import { configFileText, environmentText } from "../wrangler/config-file.ts";

export type Finding = {
  readonly severity: "error" | "warning" | "note";
  /** The command that found it: `check`, `deploy` or `doctor`; `ci`: the comparison. */
  readonly command: string;
  /** What it is about: `wrangler.toml PRESETS.card.width`, a bucket, a URL. */
  readonly about: string;
  /** The file, if it is about one, and the line of the setting. */
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
  readonly remedy: string;
};

/** An environment, as `vitrine check --json` has it. */
type CheckedEnvironment = {
  readonly environment: string | undefined;
  readonly findings: readonly Finding[];
  /** Undefined: it has mistakes, or nothing is deployed from it. */
  readonly worstCase: { readonly transformations: number; readonly dollars: number } | undefined;
  /** A hash by preset. */
  readonly presets: Readonly<Record<string, unknown>>;
};

export type CheckedProject = {
  readonly exit: Exit;
  readonly environments: readonly CheckedEnvironment[];
  /** What is about the whole folder, or keeps the check from its work. */
  readonly findings: readonly Finding[];
};

export type CiReport = {
  readonly checked: CheckedProject;
  /** The commit to compare with; undefined: there is none. */
  readonly before:
    | { readonly kind: "known"; readonly checked: CheckedProject }
    | { readonly kind: "unknown"; readonly reason: string }
    | undefined;
  readonly findings: readonly Finding[];
  readonly exit: Exit;
  readonly isDeployed: boolean;
};

/** Returns the line of a setting. */
export type FindLine = (environment: string | undefined, path: string) => number | undefined;

/**
 * Reads what `vitrine check --json` printed.
 * @param err what it printed beside the JSON: why there is none
 */
export function readCheck(
  { exit, out, err }: { readonly exit: Exit; readonly out: string; readonly err: string },
  findLine: FindLine,
): CheckedProject {
  const json = parseJson(out);
  if (!isPlainObject(json)) {
    return { exit, environments: [], findings: [faultFinding("check", err)] };
  }

  const folderWarnings = listOf(json["warnings"]);
  return {
    exit,
    environments: listOf(json["environments"]).map((item) => readEnvironment(item, findLine)),
    findings: folderWarnings.map((warning) => warningFinding("the folder", warning)),
  };
}

function readEnvironment(item: Table, findLine: FindLine): CheckedEnvironment {
  const { environment, worstCase, presets } = item;
  const name = typeof environment === "string" ? environment : undefined;
  const site = environmentText(name);

  const lineOfFinding = ({ path }: Table) =>
    typeof path === "string" ? findLine(name, path) : undefined;
  const mistakes = listOf(item["mistakes"]).map((mistake) =>
    mistakeFinding(name, mistake, lineOfFinding(mistake)),
  );
  const warnings = listOf(item["warnings"]).map((warning) =>
    warningFinding(site, warning, lineOfFinding(warning)),
  );
  const { transformations, dollars } = tableOf(worstCase);
  const isPriced = typeof transformations === "number" && typeof dollars === "number";
  return {
    environment: name,
    findings: [...mistakes, ...warnings],
    worstCase: isPriced ? { transformations, dollars } : undefined,
    presets: tableOf(presets),
  };
}

function mistakeFinding(
  environment: string | undefined,
  { path, message, source, remedy }: Table,
  line: number | undefined,
): Finding {
  const file = `${source}`;
  const isAboutFile = path === file;
  const setting = `${configFileText({ file, environment, environments: [] })} ${path}`;
  return {
    severity: "error",
    command: "check",
    about: isAboutFile ? file : setting,
    file,
    ...(line !== undefined && { line }),
    message: `${path}: ${message}`,
    remedy: `${remedy}`,
  };
}

function warningFinding(about: string, { message, remedy, source }: Table, line?: number): Finding {
  return {
    severity: "warning",
    command: "check",
    about,
    ...(typeof source === "string" && { file: source }),
    ...(line !== undefined && { line }),
    message: `${message}`,
    remedy: `${remedy}`,
  };
}

export function checkFindings({ environments, findings }: CheckedProject): readonly Finding[] {
  const unique = new Map<string, Finding>();
  for (const finding of [...environments.flatMap((item) => item.findings), ...findings]) {
    unique.set(JSON.stringify(finding), finding);
  }
  return [...unique.values()];
}

/** Reads what `vitrine doctor --json` printed: all that is not well. */
export function doctorFindings(out: string, err: string): readonly Finding[] {
  const json = parseJson(out);
  if (!isPlainObject(json) || !Array.isArray(json["findings"])) {
    return [faultFinding("doctor", err)];
  }

  const findings: Finding[] = [];
  for (const { severity, about, seen, impact, remedy, check } of listOf(json["findings"])) {
    if (severity !== "error" && severity !== "warning") continue;

    const consequence = typeof impact === "string" ? ` ${impact}` : "";
    findings.push({
      severity,
      command: "doctor",
      about: `${check}: ${about}`,
      message: `${seen}${consequence}`,
      remedy: `${remedy}`,
    });
  }
  return findings;
}

/**
 * A command that could not do its work.
 * @param err what it printed, which says what to do
 */
export function faultFinding(command: string, err: string): Finding {
  const message = err.trim() || `vitrine ${command} ended without a word`;
  const remedy = `do what it says, and run npx vitrine ${command} again`;
  return { severity: "error", command, about: `vitrine ${command}`, message, remedy };
}

type Table = Readonly<Record<string, unknown>>;

function listOf(value: unknown): readonly Table[] {
  return Array.isArray(value) ? value.map(tableOf) : [];
}

/** What an environment can cost, now and before. */
export type CostChange = {
  readonly environment: string | undefined;
  readonly after: CheckedEnvironment["worstCase"];
  readonly before: CheckedEnvironment["worstCase"];
  readonly added: readonly string[];
  /** Their renditions are made anew. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
};

/** A line for each environment that is priced now, or was. */
export function costChanges({ checked, before }: CiReport): readonly CostChange[] {
  const earlier = before?.kind === "known" ? before.checked.environments : [];
  const names = [...checked.environments, ...earlier].map(({ environment }) => environment);

  const changes: CostChange[] = [];
  for (const name of new Set(names)) {
    const after = checked.environments.find(({ environment }) => environment === name);
    const former = earlier.find(({ environment }) => environment === name);
    if (after?.worstCase === undefined && former?.worstCase === undefined) continue;

    changes.push({
      environment: name,
      after: after?.worstCase,
      before: former?.worstCase,
      ...presetChanges(former, after),
    });
  }
  return changes;
}

/** Nothing is known to change where one of the two is not known. */
function presetChanges(
  former: CheckedEnvironment | undefined,
  after: CheckedEnvironment | undefined,
): Pick<CostChange, "added" | "changed" | "removed"> {
  if (former?.worstCase === undefined || after?.worstCase === undefined) {
    return { added: [], changed: [], removed: [] };
  }

  const names = Object.keys(after.presets);
  const common = names.filter((name) => Object.hasOwn(former.presets, name));
  return {
    added: names.filter((name) => !Object.hasOwn(former.presets, name)),
    changed: common.filter((name) => former.presets[name] !== after.presets[name]),
    removed: Object.keys(former.presets).filter((name) => !Object.hasOwn(after.presets, name)),
  };
}

/** The outputs of a step of GitHub Actions, as its file takes them: only numbers and fixed words. */
export function outputsOf(report: CiReport): string {
  const { findings, isDeployed } = report;
  const changes = costChanges(report);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;

  const lines = [
    `errors=${errors}`,
    `warnings=${warnings}`,
    `deployed=${isDeployed}`,
    `worst-case=${dollarsIn(changes.map(({ after }) => after))}`,
    `worst-case-before=${dollarsIn(changes.map(({ before }) => before))}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** US dollars a month of all environments together; empty: it is not known. */
function dollarsIn(costs: readonly CheckedEnvironment["worstCase"][]): string {
  const priced = costs.filter((cost) => cost !== undefined);
  if (priced.length === 0) return "";
  return priced.reduce((dollars, cost) => dollars + cost.dollars, 0).toFixed(2);
}
