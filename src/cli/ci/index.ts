// vitrine ci: what CI runs. It checks the project, compares its costs with those of an earlier commit, and, if asked,
// deploys it and runs the doctor. It writes all findings as a table. Each step is the command that an operator runs.

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { PassThrough } from "node:stream";
import { Command } from "@commander-js/extra-typings";
import {
  EXIT,
  type Exit,
  isFault,
  isMistake,
  log,
  type Outcome,
  print,
  type Run,
  type World,
} from "../command.ts";
import { readEnvironment } from "../config/environment-config.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { findConfigFile } from "../wrangler/config-file.ts";
import { annotationLines } from "./annotations.ts";
import { openCommit } from "./git.ts";
import {
  type CheckedProject,
  type CiReport,
  checkFindings,
  doctorFindings,
  type Finding,
  faultFinding,
  outputsOf,
  readCheck,
} from "./report.ts";
import { findSettingLines, lineOf, type SettingLines } from "./setting-lines.ts";
import { createSummary } from "./summary.ts";
import { summaryLines } from "./text.ts";

/** Runs a command of this program, as if it were typed: no command imports another one. */
export type RunVitrine = (args: readonly string[], world: World) => Promise<Exit>;

export function ciCommand(world: World, run: Run, runVitrine: RunVitrine) {
  return new Command("ci")
    .description("checks, deploys and examines the project in CI, and writes a summary")
    .option("--env <name>", "an environment; default: the top level for --deploy, else all of them")
    .option("--compare <commit>", "compares what visitors can make it cost with this commit")
    .option("--deploy", "deploys, and runs the doctor")
    .option("--secrets-file <file>", "with --deploy: the secrets to deploy")
    .option("--summary <file>", "appends the summary, as Markdown; default: GITHUB_STEP_SUMMARY")
    .addHelpText("after", HELP)
    .action((options) => run(() => ci(world, options, runVitrine)));
}

const HELP = `
It fails if a check has mistakes, if --compare names nothing, if nothing is deployed, or if the doctor
finds errors. Warnings do not fail.
In GitHub Actions, each finding becomes an annotation, too, and the numbers become outputs.

Examples:
  npx vitrine ci
  npx vitrine ci --compare origin/main --summary summary.md
  npx vitrine ci --deploy --env production`;

type Options = {
  readonly env?: string | undefined;
  readonly compare?: string | undefined;
  readonly deploy?: true | undefined;
  readonly secretsFile?: string | undefined;
  readonly summary?: string | undefined;
};

async function ci(world: World, options: Options, runVitrine: RunVitrine): Promise<Outcome> {
  const findings: Finding[] = [];

  // GitHub's runner obeys lines that begin with `::`, and a message may quote what a stranger wrote.
  const isGitHub = world.env["GITHUB_ACTIONS"] === "true";
  const resumeToken = randomUUID();
  if (isGitHub) print(world.stdout, `::stop-commands::${resumeToken}`);

  // Check this commit, and the one before.
  const checked = await checkProject(world, options.env, runVitrine);
  findings.push(...checkFindings(checked));
  const { before, refusal } = await checkBase(world, options, runVitrine);
  if (refusal !== undefined) findings.push(refusal);

  // Deploy it, and look at what is deployed.
  const isRight = checked.exit === EXIT.done && refusal?.severity !== "error";
  let exit: Exit = isRight ? EXIT.done : EXIT.failed;
  if (options.deploy === true && exit === EXIT.done) {
    const deployed = await deploy(world, options, runVitrine);
    findings.push(...deployed.findings);
    exit = deployed.exit;
  }

  // Write the summary also after a failure.
  const isDeployed = options.deploy === true && (exit === EXIT.done || exit === EXIT.partly);
  const report: CiReport = { checked, before, findings, exit, isDeployed };
  writeSummary(world, options, report);
  if (isGitHub) writeToGitHub(world, resumeToken, report);
  return exit;
}

async function checkProject(
  world: World,
  env: string | undefined,
  runVitrine: RunVitrine,
): Promise<CheckedProject> {
  const environment = env === undefined ? ["--all"] : ["--env", env];
  const check = await capture(["check", "--json", ...environment], world, runVitrine);

  const lines = readSettingLines(world.folder);
  return readCheck(check, (name, path) => lineOf(lines, name, path));
}

function readSettingLines(folder: string): SettingLines {
  const file = findConfigFile(folder);
  if (isFault(file)) return new Map();
  return findSettingLines(file, readFileSync(join(folder, file), "utf8"));
}

type Base = {
  readonly before: CiReport["before"];
  /** An error if the name is wrong, and a warning if this clone lacks the commit. */
  readonly refusal?: Finding;
};

async function checkBase(
  world: World,
  { compare, env }: Options,
  runVitrine: RunVitrine,
): Promise<Base> {
  if (compare === undefined || compare === "") return { before: undefined };

  const commit = await openCommit(world, compare);
  switch (commit.kind) {
    case "first":
      return { before: { kind: "unknown", reason: commit.reason } };
    case "out-of-reach":
      return unknownBase("warning", compare, commit);
    case "refused":
      return unknownBase("error", compare, commit);
    case "opened":
      break;
  }

  try {
    const checked = await checkProject({ ...world, folder: commit.folder }, env, runVitrine);
    if (checked.environments.length > 0) return { before: { kind: "known", checked } };

    const reason = `the configuration of ${compare} cannot be read`;
    return { before: { kind: "unknown", reason } };
  } finally {
    commit.close();
  }
}

function unknownBase(
  severity: "warning" | "error",
  compare: string,
  { reason, remedy }: { readonly reason: string; readonly remedy: string },
): Base {
  const about = `--compare ${compare}`;
  return {
    before: { kind: "unknown", reason },
    refusal: { severity, command: "ci", about, message: reason, remedy },
  };
}

type Deployed = { readonly exit: Exit; readonly findings: readonly Finding[] };

/** `vitrine deploy` runs the doctor, too. Its findings are asked for once more, as a list. */
async function deploy(
  world: World,
  { env, secretsFile }: Options,
  runVitrine: RunVitrine,
): Promise<Deployed> {
  const environment = ["--env", env ?? ""];
  const secrets = secretsFile === undefined ? [] : ["--secrets-file", secretsFile];

  const { exit, err } = await capture(
    ["deploy", ...environment, ...secrets],
    world,
    runVitrine,
    "printed",
  );
  if (exit !== EXIT.done && exit !== EXIT.partly) {
    return { exit, findings: [faultFinding("deploy", err)] };
  }

  const site = siteOf(world, env);
  const doctorArgs = ["doctor", "--json", ...environment, ...secrets, ...site];
  const doctor = await capture(doctorArgs, world, runVitrine);
  const findings = doctorFindings(doctor.out, doctor.err);
  const hasErrors = findings.some(({ severity }) => severity === "error");
  if (hasErrors) return { exit: EXIT.partly, findings };
  if (exit === EXIT.done) return { exit, findings };

  const passing: Finding = {
    severity: "error",
    command: "deploy",
    about: "vitrine deploy",
    message: "The doctor of the deploy found errors, and finds none any more",
    remedy: "see in the log of this run what it was",
  };
  return { exit, findings: [...findings, passing] };
}

/** Where the doctor finds the site, as `vitrine deploy` has it. A site without a domain has no URL that is known here. */
function siteOf(world: World, env: string | undefined): readonly string[] {
  const envConfig = readEnvironment(world.folder, env === "" ? undefined : env);
  if (isMistake(envConfig)) return [];

  const url = findBaseUrl(undefined, envConfig.patterns, "--url");
  return isFault(url) ? [] : ["--url", url];
}

type Captured = { readonly exit: Exit; readonly out: string; readonly err: string };

/** @param screens `printed`: what the command prints is also printed here */
async function capture(
  args: readonly string[],
  world: World,
  runVitrine: RunVitrine,
  screens: "printed" | "hidden" = "hidden",
): Promise<Captured> {
  const out = createScreen(screens === "printed" ? world.stdout : undefined);
  const err = createScreen(world.stderr);
  try {
    const exit = await runVitrine(args, { ...world, stdout: out.screen, stderr: err.screen });
    return { exit, out: out.read(), err: err.read() };
  } catch (error) {
    // The summary must not be lost: the bug is a finding in it.
    const bug = `vitrine ${args[0]} has a bug: ${error}. Report it with the log of this run`;
    return { exit: EXIT.failed, out: "", err: err.read() + bug };
  }
}

/** @param target gets the same */
function createScreen(target: World["stdout"] | undefined) {
  const chunks: Buffer[] = [];
  const screen = new PassThrough();
  screen.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    target?.write(chunk);
  });
  return { screen, read: () => Buffer.concat(chunks).toString() };
}

function writeSummary({ env, stdout }: World, options: Options, report: CiReport): void {
  const summaryFile = options.summary ?? env["GITHUB_STEP_SUMMARY"];
  if (summaryFile) appendFileSync(summaryFile, createSummary(report));
  else log(stdout, ...summaryLines(report));
}

function writeToGitHub(world: World, resumeToken: string, report: CiReport): void {
  const { env, stdout, folder } = world;
  const folderInRepository = relative(env["GITHUB_WORKSPACE"] ?? folder, folder);
  print(stdout, `::${resumeToken}::`, ...annotationLines(report.findings, folderInRepository));
  const outputFile = env["GITHUB_OUTPUT"];
  if (outputFile) appendFileSync(outputFile, outputsOf(report));
}
