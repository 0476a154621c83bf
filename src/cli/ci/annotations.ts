// Findings as annotations of GitHub Actions, which stand beside the change. A message of a stranger is never a command:
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

import { visible } from "../terminal/shell.ts";
import type { Finding } from "./report.ts";

const LEVELS = { error: "error", warning: "warning", note: "notice" } as const satisfies Readonly<
  Record<Finding["severity"], string>
>;

export function annotationLines(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, command, about, file, message, remedy }) => {
    const properties = [`title=${escapeProperty(`vitrine ${command}: ${about}`)}`];
    if (file !== undefined) properties.unshift(`file=${escapeProperty(file)}`);

    const text = remedy === "" ? message : `${message}\nWhat to do: ${remedy}`;
    return `::${LEVELS[severity]} ${properties.join(",")}::${escapeData(text)}`;
  });
}

/** As the runner reads it back. */
function escapeData(text: string): string {
  return visible(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
