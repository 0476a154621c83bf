// What `vitrine explain` prints for people: rows with a name and a value.

import type { Refusal } from "../../worker/base/refusal.ts";
import { withoutQueries } from "../../worker/base/without-signatures.ts";
import { type BindingCall, money, PRICE } from "../config/transformations.ts";
import { counted } from "../terminal/progress.ts";
import { commandLine, type Flags, visible } from "../terminal/shell.ts";
import { densityFault } from "../urls/public-url.ts";
import type { Asked, Call } from "./asked.ts";
import type { Explained } from "./explain-url.ts";

type Row = readonly [name: string, value: string];

/** Where the printed commands have to work. */
type CommandContext = {
  /** The options that they need. */
  readonly flags: Flags;
  readonly local: boolean;
};

export function rowsOf(found: Explained, place: CommandContext): Row[] {
  const { refused, asked, expires } = found;
  const rows: [string, string | undefined][] = [
    ["Route", found.route],
    ["Pages", found.origins && `only those of ${[...found.origins, "its own host"].join(", ")}`],
    ["Variant", found.variant],
    ["Preset", found.preset],
    ["Bucket", found.bucket],
    ["Key", found.key],
    ["Signature", found.signature && `${found.signature}${expires ? `; until ${expires}` : ""}`],
    ["Fallback", found.fallback],
    ["Answer", found.facts && "the sizes as JSON, not an image (docs/configuration.md, Facts)"],
    ["Answer", found.health && "the health of Vitrine, not an image (docs/doctor.md, Health)"],
  ];
  const known = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, shown(value)] as const],
  );
  if (refused !== undefined) {
    const { object, route, variant, version } = found;
    const there = (found.known ?? []).join(", ");
    const rows = [...known, ...rowsOfRefusal(refused)].map(
      ([name, value]): Row => [name, withoutQueries(value)],
    );
    const why = densityFault(found.variant ?? "");
    if (why !== undefined) rows.push(["Why", why]);
    if (there !== "") rows.push(["There is", shown(there)]);
    const signs = refused.event === "signature-wrong" || refused.event === "url-expired";
    // A path with a signature in it is not a key to sign.
    if (signs && object && route && variant && withoutQueries(object) === object) {
      const flags = { ...place.flags, route, preset: variant, v: version };
      rows.push(["Sign", commandLine("sign", flags, [object])]);
    }
    return rows;
  }
  return asked === undefined ? known : [...known, ...rowsOfAsked(asked, found.object ?? "", place)];
}

/** Makes a text safe to print, on one line. */
function shown(value: string): string {
  return visible(value).replaceAll("\n", "\\u000a");
}

function rowsOfRefusal({ event, ...facts }: Refusal): Row[] {
  const rows = Object.entries(facts).flatMap(([name, value]): Row[] => {
    // The text to sign has several lines.
    const [first = "", ...more] = name === "text" ? `${value}`.split("\n") : [`${value}`];
    return [[`  ${name}`, shown(first)], ...more.map((line): Row => ["", shown(line)])];
  });
  return [["Answer", `no image: ${event} (docs/errors.md#${event})`], ...rows];
}

function rowsOfAsked(
  {
    originUrl,
    parameter,
    headers,
    engine,
    binding,
    options,
    kept,
    stored,
    keep,
    transformations,
    maxAge,
  }: Asked,
  object: string,
  { flags, local }: CommandContext,
): Row[] {
  const { ofThis, ofAll } = transformations;
  const purge = commandLine("purge", flags, [object]);
  const doctor = commandLine("doctor", { ...flags, key: object }, []);
  const unique = `${counted(ofThis, "unique transformation")} a month, whatever the format`;
  return [
    ["Origin URL", originUrl],
    ...(parameter
      ? [["", `the edge fetches it with ?${parameter}=, a hash of its ETag`] as const]
      : []),
    ...Object.entries(headers).map(([name, value]): Row => [`  ${name}`, value]),
    ...(engine === "binding" ? rowsOfBinding(binding ?? []) : rowsOfEdge(options)),
    ...rowsOfKept(kept, keep, local),
    ...(stored.length > 0 ? stored : ["nothing"]).map(
      (name, at): Row => [at ? "" : "Stored as", name],
    ),
    ["Browsers", `keep it for up to ${maxAge} s`],
    ["Cost", `${unique}: free, or ${money(PRICE * 1000)} for 1,000`],
    ["", `all variants of this object: ${ofAll}`],
    ["Object", `is not asked for here. If the answer is 404 or 415: ${doctor}`],
    ["Purge", local ? "nothing: the local run has no Workers Cache" : purge],
  ];
}

function rowsOfEdge(options: readonly Call[]): Row[] {
  return [
    ["Options", "sent to the edge, by what the browser reads"],
    ...merged(options).map(([name, image]): Row => [`  ${name}`, image]),
    ["Cache key", "at the edge: the URL that it fetches and these options, nothing else"],
  ];
}

function rowsOfBinding(calls: readonly BindingCall[]): Row[] {
  const [first] = calls;
  if (first === undefined) return [["Engine", `binding: .info() of the Images binding, free`]];
  const { transform, draw = [] } = first;
  return [
    ["Engine", `binding: the Worker fetches the original for the Images binding`],
    ["  transform", JSON.stringify(transform)],
    ...draw.map((one): Row => ["  draw", JSON.stringify(one)]),
    ...calls.map(({ reads, of, output }): Row => {
      return ["  output", `${reads}, of ${of}: ${JSON.stringify(output)}`];
    }),
  ];
}

/** Under which URL Cloudflare keeps it for all visitors. The formats differ in one word. */
function rowsOfKept(kept: Asked["kept"], keep: number, local: boolean): Row[] {
  const [url, ...others] = new Set(kept.map((one) => one.url));
  if (local) return [["Kept as", "nothing: the local run has no Workers Cache"]]; // W15
  if (url === undefined) return [["Kept as", "nothing: keep is 0 in [vars.ANSWERS]"]];
  const words = others.map((other) => new URL(other).searchParams.get("as"));
  const same = words.length > 0 ? `. Other browsers: the same with as=${words.join(", as=")}` : "";
  return [
    ["Kept as", url],
    ["", `by Cloudflare, for all visitors, for ${keep} s${same}`],
  ];
}

/** The options by what the browser reads; once, if they are the same for all. */
function merged(options: readonly Call[]): [name: string, image: string][] {
  const [first, ...more] = options.map(({ image }) => JSON.stringify(image));
  if (first !== undefined && more.every((image) => image === first)) return [["any", first]];
  return options.map(({ reads, when, image }) => {
    return [when === undefined ? reads : `${reads}: ${when}`, JSON.stringify(image)];
  });
}
