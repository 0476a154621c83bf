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
  return findings.map(({ severity, command, about, file, line, message, remedy }) => {
    const properties = [`title=${escapeProperty(`vitrine ${command}: ${about}`)}`];
    if (file !== undefined) properties.unshift(...locationOf(join(folder, file), line));

    const text = escapeData(remedy === "" ? message : `${message}\nWhat to do: ${remedy}`);
    return `::${LEVELS[severity]} ${properties.join(",")}::${text}`;
  });
}

/** @param path the file, or with the line of an error of syntax: `wrangler.toml:3:1` */
function locationOf(path: string, line: number | undefined): string[] {
  const syntax = /^(?<file>.*):(?<line>\d+):\d+$/.exec(path)?.groups;
  if (syntax !== undefined) return locationOf(`${syntax["file"]}`, Number(syntax["line"]));

  const file = `file=${escapeProperty(path)}`;
  return line === undefined ? [file] : [file, `line=${line}`];
}

/** As the runner reads it back. */
function escapeData(text: string): string {
  return visible(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
