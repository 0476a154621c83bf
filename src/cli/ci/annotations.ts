// Findings as annotations of GitHub Actions, which stand beside the change. A message of a stranger is never a command:
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

import { join } from "node:path";
import { visible } from "../terminal/shell.ts";
import type { Finding } from "./report.ts";

const LEVELS = { error: "error", warning: "warning", note: "notice" } as const satisfies Readonly<
  Record<Finding["severity"], string>
>;

/** @param folder that of the project, in its repository */
export function annotationLines(findings: readonly Finding[], folder: string): string[] {
  return findings.map(({ severity, command, about, file, message, remedy }) => {
    const properties = [`title=${escapeProperty(`vitrine ${command}: ${about}`)}`];
    if (file !== undefined) properties.unshift(...locationOf(join(folder, file)));

    const text = remedy === "" ? message : `${message}\nWhat to do: ${remedy}`;
    return `::${LEVELS[severity]} ${properties.join(",")}::${escapeData(text)}`;
  });
}

/** `wrangler.toml`, or with a line: `wrangler.toml:3:1`. */
function locationOf(location: string): string[] {
  const groups = /^(?<file>.*?)(?::(?<line>\d+):\d+)?$/.exec(location)?.groups;
  const file = `file=${escapeProperty(groups?.["file"] ?? location)}`;
  const line = groups?.["line"];
  return line === undefined ? [file] : [file, `line=${line}`];
}

/** As the runner reads it back. */
function escapeData(text: string): string {
  return visible(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
