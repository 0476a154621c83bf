// Checks the configuration as `vitrine check` does, each mistake once, and says what holds it. Nothing is sent.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import type { LocatedMistake } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { locatedText, pageFor } from "../config/mistakes.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

export type ConfigurationOptions = {
  /** Whether the local run is checked, whose secrets are in .dev.vars. */
  readonly isLocal: boolean;
  readonly secretsFile: string | undefined;
};

/** @param blocking the mistakes with which the project cannot be opened, so nothing else is checked */
export function checkConfiguration(
  folder: string,
  config: EnvironmentConfig,
  blocking: readonly LocatedMistake[],
  options: ConfigurationOptions,
): Finding[] {
  const { file } = config;
  const { warnings, mistakes } = checkEnvironment(folder, config);
  const texts = new Set(mistakes.map(mistakeText));
  const isNew = (mistake: LocatedMistake) => !texts.has(mistakeText(mistake));
  const blockingTexts = new Set(blocking.map(mistakeText));

  const findings = [...mistakes, ...blocking.filter(isNew)].map((mistake) =>
    explainMistake(config, mistake, blockingTexts.has(mistakeText(mistake)), options),
  );
  for (const { message, remedy } of warnings) {
    findings.push({
      check: "configuration",
      severity: "warning",
      about: file,
      seen: message,
      remedy,
    });
  }
  if (findings.length > 0) return findings;
  return [ok("configuration", { about: file }, "it has no mistakes")];
}

function explainMistake(
  { file, devVars }: EnvironmentConfig,
  mistake: LocatedMistake,
  isBlocking: boolean,
  { isLocal, secretsFile }: ConfigurationOptions,
): Finding {
  const { path } = mistake;
  const defaultSource = isLocal && isSecret(path) ? devVars : file;
  const source = mistake.source ?? defaultSource;

  // Secrets of this machine are not the Worker's, unless they are in the file that is deployed.
  const isOfWorker = source === file || source === secretsFile;
  const isError = isLocal ? isBlocking : isOfWorker;
  const page = pageFor(path);
  const holder = source === file && isSecret(path) ? `[secrets] or vars of ${source}` : source;
  const rule = page === undefined ? "" : `: ${page} says what it may be`;

  return (isError ? error : warning)(
    "configuration",
    { about: file },
    {
      seen: locatedText(mistake),
      impact: isOfWorker
        ? "a Worker with it answers 500 to every request"
        : `this is about ${source}`,
      remedy: `fix ${path} in ${holder}${rule}`,
      needsDeploy: source === file,
    },
  );
}
