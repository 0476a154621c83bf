// What the doctor finds, and how it is told.

import { align, EXIT, type Exit, paint, type Style, type World } from "../command.ts";
import { visible } from "../terminal/visible.ts";

/** What can be looked at. */
export type Check =
  // wrangler.toml and the secrets
  | "configuration"
  | "keys"
  | "session"
  // S3
  | "reachable"
  | "tls"
  | "endpoint"
  | "clock"
  | "region"
  | "bucket"
  | "key-id"
  | "secret"
  | "busy"
  | "prefix"
  | "sample"
  | "list"
  | "write"
  | "public"
  // what is deployed
  | "deployed"
  | "health"
  | "transformations"
  | "sources"
  | "edge"
  | "quota"
  | "image"
  | "formats"
  | "cache"
  | "headers"
  | "originals";

export type Severity = "ok" | "note" | "warning" | "error";

export type Finding = {
  /** Which bucket, slot, route or URL it is about. */
  readonly about: string;
  /** The bucket's name in wrangler.toml, where it is about one. */
  readonly bucket?: string;
  readonly check: Check;
  readonly severity: Severity;
  readonly what: string;
  /** Why it matters. */
  readonly why?: string;
  /** The command or the click that mends it. */
  readonly remedy?: string;
};

/** One that does not say yet what it is about. */
export type Own = Omit<Finding, "about">;

/** Something that is wrong, whatever it is found about. */
export type Cause = Pick<Finding, "check" | "what"> &
  Required<Pick<Finding, "why" | "remedy">> & { readonly severity?: Severity };

export function found(about: string, { severity = "error", ...cause }: Cause): Finding {
  return { about, severity, ...cause };
}

export function well(about: string, check: Check, what: string): Finding {
  return { about, check, severity: "ok", what };
}

const STYLES = {
  ok: "green",
  note: "cyan",
  warning: "yellow",
  error: "red",
} as const satisfies Record<Severity, Style>;

/** The findings by what they are about, in the order in which they came, and a last line that counts. */
export function tellFindings(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const dim = (text: string) => paint(world, stdout, "dim", text);
  const rows = findings.map(({ check, severity, what, why, remedy }) => [
    [`  ${paint(world, stdout, STYLES[severity], severity)}`, check, visible(what)],
    ...(why === undefined ? [] : [["", dim("why"), visible(why)]]),
    ...(remedy === undefined ? [] : [["", dim("remedy"), visible(remedy)]]),
  ]);
  const told = align(rows.flat());
  const lines: string[] = [];
  for (const [about, own] of Map.groupBy(findings, (finding) => finding.about)) {
    lines.push(paint(world, stdout, "bold", visible(about)));
    for (const finding of own) {
      const at = findings.indexOf(finding);
      const from = rows.slice(0, at).flat().length;
      lines.push(...told.slice(from, from + (rows[at]?.length ?? 0)));
    }
    lines.push("");
  }
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const verdict = errors > 0 ? "error" : warnings > 0 ? "warning" : "ok";
  const sum = `${plural(errors, "error")}, ${plural(warnings, "warning")}, ${plural(count("note"), "note")}, ${count("ok")} well`;
  lines.push(paint(world, stdout, STYLES[verdict], sum));
  return lines;
}

function plural(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? "" : "s"}`;
}

/** What an image that does not come may be for: of a 403 or a 429 something in front of the Worker says why. */
const FOLLOWS = / is (?:404|5\d\d)$|^no image was asked for/;
/** What keeps no image from coming. */
const HARMLESS: ReadonlySet<Check> = new Set<Check>([
  ...(["public", "list", "write", "clock"] as const),
  ...(["headers", "cache", "formats", "originals"] as const),
]);
/** Of the keys here, which say nothing where the deployed ones are well. */
const KEYS: ReadonlySet<Check> = new Set<Check>(["key-id", "secret", "session", "keys"]);

/** The findings, where an image that does not come may be no more than what was found before it. */
export function withFirstCauses(findings: readonly Finding[]): Finding[] {
  return findings.map((finding, at) => {
    const { check, severity, bucket } = finding;
    if (check !== "image" || severity === "ok" || severity === "note") return finding;
    if (!FOLLOWS.test(finding.what)) return finding;
    const isOfIt = (one: Finding) =>
      [one.bucket, bucket].includes(undefined) || one.bucket === bucket;
    const before = findings.slice(0, at).filter(isOfIt);
    const serves = before.some((one) => one.check === "health" && one.severity === "ok");
    const cause = before.find((one) => {
      const isNone = one.check === "image" || HARMLESS.has(one.check);
      return one.severity === "error" && !isNone && !(serves && KEYS.has(one.check));
    });
    if (cause === undefined) return finding;
    const why = `most likely what is found above: ${cause.what}`;
    return { ...finding, why, remedy: "mend that first, then look again" };
  });
}

/** What the doctor ends with: the worst that it found. */
export function exitOf(findings: readonly Finding[]): Exit {
  if (findings.some(({ severity }) => severity === "error")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warning") ? EXIT.partly : EXIT.done;
}
