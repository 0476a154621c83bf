// What `vitrine explain` prints, for people.

import { withoutSignatures } from "../../worker/base/log.ts";
import type { Refusal } from "../../worker/base/refusal.ts";
import { money, PRICE } from "../project/costs.ts";
import { shellQuote } from "../terminal/shell.ts";
import { visible } from "../terminal/visible.ts";
import type { Asked, Call } from "./asked.ts";
import type { Explained } from "./explain-url.ts";

type Row = readonly [name: string, value: string];

/** Each with its name in front. */
export function rowsOf(found: Explained): Row[] {
  const { refused, asked, expires } = found;
  const rows: [string, string | undefined][] = [
    ["Route", found.route],
    ["Pages", found.origins && `of ${[...found.origins, "its own host"].join(", ")} alone`],
    ["Variant", found.variant],
    ["Preset", found.preset],
    ["Bucket", found.bucket],
    ["Key", found.key],
    ["Signature", found.signature && `${found.signature}${expires ? `; until ${expires}` : ""}`],
    ["Fallback", found.fallback],
    ["Answer", found.health && "how Vitrine is (docs/doctor.md, Health), and no image"],
  ];
  const known = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, shown(value)] as const],
  );
  if (refused !== undefined) {
    const { object, route, variant, version } = found;
    const there = (found.known ?? []).join(", ");
    const rows = [...known, ...rowsOfRefusal(refused)].map(redacted);
    if (there !== "") rows.push(["There is", shown(there)]);
    const signs = refused.event === "signature-wrong" || refused.event === "url-expired";
    // A signature that got into the path is no key to sign for.
    if (signs && object && route && variant && withoutSignatures(object) === object) {
      const of = version === undefined ? "" : `--v ${version} `;
      const how = `--route ${shellQuote(route)} --preset ${shellQuote(variant)}`;
      rows.push(["Sign", `npx vitrine sign ${how} ${of}${argument(object)}`]);
    }
    return rows;
  }
  return asked === undefined ? known : [...known, ...rowsOfAsked(asked, found.object ?? "")];
}

/** On one line. */
function shown(value: string): string {
  return visible(value).replaceAll("\n", "\\u000a");
}

function redacted([name, value]: Row): Row {
  return [name, withoutSignatures(value)];
}

function rowsOfRefusal({ event, ...facts }: Refusal): Row[] {
  const rows = Object.entries(facts).flatMap(([name, value]): Row[] => {
    // The lines that had to be signed: one below the other.
    const [first = "", ...more] = name === "text" ? `${value}`.split("\n") : [`${value}`];
    return [[`  ${name}`, shown(first)], ...more.map((line): Row => ["", shown(line)])];
  });
  return [["Answer", `no image: ${event}`], ...rows];
}

function rowsOfAsked(
  { originUrl, headers, options, transformations, maxAge }: Asked,
  object: string,
): Row[] {
  const { ofThis, ofAll } = transformations;
  const counted = `${ofThis} unique transformation${ofThis === 1 ? "" : "s"}`;
  return [
    ["Origin URL", originUrl],
    ...Object.entries(headers).map(([name, value]): Row => [`  ${name}`, value]),
    ["Options", "sent to the edge, by what the browser reads"],
    ...merged(options).map(([name, image]): Row => [`  ${name}`, image]),
    ["Cache key", "the edge's: the origin URL and these options, and nothing else"],
    ["Browsers", `keep it for up to ${maxAge} s`],
    ["Cost", `${counted} a month, whatever the format: free, or ${money(PRICE * 1000)} for 1,000`],
    [
      "",
      `all variants of this object${originUrl.includes("?") ? ", in this version" : ""}: ${ofAll}`,
    ],
    ["Purge", `npx vitrine purge ${purgeOf(object, originUrl)}, for all of its variants`],
  ];
}

/** What follows `purge`. */
function purgeOf(object: string, originUrl: string): string {
  const version = new URL(originUrl).searchParams.get("v");
  return `${version === null ? "" : `--v ${version} `}${argument(object)}`;
}

/** A key after all options. */
function argument(object: string): string {
  return `${object.startsWith("-") ? "-- " : ""}${shellQuote(object)}`;
}

/** Options by who is asked for with them; those that are the same for all, once. */
function merged(options: readonly Call[]): [name: string, image: string][] {
  const [first, ...more] = options.map(({ image }) => JSON.stringify(image));
  if (first !== undefined && more.every((image) => image === first)) return [["any", first]];
  return options.map(({ reads, when, image }) => {
    return [when === undefined ? reads : `${reads}: ${when}`, JSON.stringify(image)];
  });
}
