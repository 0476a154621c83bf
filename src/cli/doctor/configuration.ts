// Checks the configuration as `vitrine check` does, each mistake once, and says what holds it. Nothing is sent.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import type { LocatedMistake } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { locatedText, mistakeRemedy } from "../config/mistakes.ts";
import { settingsFor } from "../wrangler/settings.ts";
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
  const subject = { about: config.file };
  const { warnings, mistakes } = checkEnvironment(folder, config);

  const texts = new Set(mistakes.map(mistakeText));
  const blockingTexts = new Set(blocking.map(mistakeText));
  const newMistakes = blocking.filter((mistake) => !texts.has(mistakeText(mistake)));

  const findings: Finding[] = [];
  for (const mistake of [...mistakes, ...newMistakes]) {
    const isBlocking = blockingTexts.has(mistakeText(mistake));
    findings.push(explainMistake(config, mistake, isBlocking, options));
  }
  for (const { message, remedy } of warnings) {
    findings.push(warning("configuration", subject, { seen: message, remedy }));
  }

  if (findings.length > 0) return findings;
  return [ok("configuration", subject, "it has no mistakes")];
}

/** @param isBlocking whether the project cannot be opened with it */
function explainMistake(
  config: EnvironmentConfig,
  mistake: LocatedMistake,
  isBlocking: boolean,
  { isLocal, secretsFile }: ConfigurationOptions,
): Finding {
  const { file, devVars } = config;
  const { path } = mistake;
  const isOfSecret = isSecret(path);
  const defaultSource = isLocal && isOfSecret ? devVars : file;
  const source = mistake.source ?? defaultSource;

  // Secrets of this machine are not the Worker's, unless they are in the file that is deployed.
  const isOfFile = source === file;
  const isOfWorker = isOfFile || source === secretsFile;
  const isError = isLocal ? isBlocking : isOfWorker;

  let impact = `this is about ${source}`;
  if (isOfWorker) impact = "a Worker with it answers 500 to every request";

  // A secret may be wrong in two tables of the file.
  let holder = source;
  if (isOfFile && isOfSecret) holder = `${settingsFor(config, "[secrets]")} or vars of ${file}`;

  const remedy = mistakeRemedy(mistake, holder);
  const report = isError ? error : warning;
  const problem = { seen: locatedText(mistake), impact, remedy, needsDeploy: isOfFile };
  return report("configuration", { about: file }, problem);
}
