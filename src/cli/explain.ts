// vitrine explain: what the Worker makes of a public URL, by its own steps.

import { Command } from "@commander-js/extra-typings";
import { edgeOptions } from "../edge.ts";
import { chooseFormat, type Readable } from "../format.ts";
import { keyFault } from "../key.ts";
import { originUrl } from "../origin.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import { findRoute, readPathname } from "../route.ts";
import { sign } from "../sign.ts";
import { checkSignature } from "../signature.ts";
import { findBaseUrl } from "./base-url.ts";
import { money, PRICE, transformationsOf } from "./costs.ts";
import { type Operator, readOperator, slotsAtHand } from "./operator.ts";
import type { Run } from "./program.ts";
import { align, EXIT, type Exit, type Fault, isFault, say, type World } from "./world.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without asking for it")
    .argument("<url>", "a public URL, or its path")
    .option("--json", "for machines")
    .option("--env-file <file>", "where secrets stand; else the environment, or .dev.vars")
    .addHelpText(
      "after",
      `
Examples:
  vitrine explain https://images.example.com/images/card@2x/photos/fig.jpg
  vitrine explain /images/hero@640w/photos/fig.jpg
  vitrine explain "/private/hero/private/friends.jpg?exp=…&kid=…&sig=…"`,
    )
    .action((url, options) => run(() => printExplained(world, url, options)));
}

type Options = { readonly json?: true | undefined; readonly envFile?: string | undefined };

async function printExplained(
  world: World,
  given: string,
  options: Options,
): Promise<Exit | Fault> {
  const here = URL.canParse(given) ? given : undefined;
  const operator = readOperator(world, { url: here, envFile: options.envFile });
  if (isFault(operator)) return operator;
  const base = findBaseUrl(undefined, operator.known.patterns);
  const host = isFault(base) ? "https://images.example" : base;
  if (!URL.canParse(given, host)) return { fault: `${given}: is no URL` };
  const found = await explainUrl(operator, new URL(given, host), world.now());
  if (options.json) say(world.stdout, JSON.stringify(found, null, 2));
  else say(world.stdout, ...align(rowsOf(found)));
  return "refused" in found ? EXIT.failed : EXIT.done;
}

/** What a URL asks for, as far as it can be told. */
export type Explained = {
  /** Why there is no image: as in the log. */
  readonly refused?: Refusal;
  readonly route?: string;
  readonly variant?: string;
  readonly preset?: string;
  readonly bucket?: string;
  /** Below the bucket's prefix, as other commands have it. */
  readonly object?: string;
  /** In the bucket. */
  readonly key?: string;
  /** When a signed URL expires; "" where none need be. */
  readonly signature?: string;
  readonly asked?: Asked;
};

type Asked = {
  readonly originUrl: string;
  /** What is signed and sent, without what is secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** The options, by what the browser reads. The edge keeps an answer by the URL and these (C1). */
  readonly options: readonly {
    readonly reads: string;
    readonly image: RequestInitCfPropertiesImage;
  }[];
  /** Unique transformations that this object can cause, of which this variant is one (L2). */
  readonly transformations: number;
};

/** Walks through the steps of a request, as `src/index.ts` does, up to what is asked of the edge. */
export async function explainUrl(operator: Operator, url: URL, now: number): Promise<Explained> {
  const { config } = operator;
  const path = readPathname(url.pathname);
  const found = isRefusal(path) ? path : findRoute(config.routes, path);
  if (isRefusal(found)) return { refused: found };
  const { bucket, presets, svg, signing } = found.route;
  const on = { route: found.route.path, variant: found.variant };
  const variant = config.variants.get(found.variant);
  if (variant === undefined || presets?.has(variant.preset) === false) {
    return { ...on, refused: { event: "no-such-variant", variant: found.variant } };
  }
  const key = bucket.prefix + found.key;
  const of = { ...on, preset: variant.preset, bucket: bucket.name, object: found.key, key };
  const reason = keyFault(key);
  if (reason !== undefined) return { ...of, refused: { event: "impossible-key", reason } };

  const grant = { route: found.route.path, preset: variant.preset, key: found.key };
  const granted = signing && (await checkSignature(url, grant, signing, now));
  if (isRefusal(granted)) return { ...of, refused: granted };
  const source = originUrl(bucket.base, key, granted?.version);
  const options = READERS.map(({ reads, readable }) => {
    return { reads, image: edgeOptions(chooseFormat(variant, readable, svg)) };
  });
  return {
    ...of,
    signature: granted === undefined ? "" : new Date(granted.expires * 1000).toISOString(),
    asked: {
      originUrl: source,
      headers: await headersOf(operator, source, bucket, now),
      options,
      transformations: transformationsOf(config).get(bucket.name) ?? 0,
    },
  };
}

const READERS = [
  { reads: "AVIF", readable: { avif: true, webp: true } },
  { reads: "WebP", readable: { avif: false, webp: true } },
  { reads: "neither", readable: { avif: false, webp: false } },
] as const satisfies readonly { reads: string; readable: Readable }[];

/** What would be signed, by a key whose end alone is shown, and without the signature. */
async function headersOf(
  operator: Operator,
  url: string,
  { name, region }: { readonly name: string; readonly region: string },
  now: number,
): Promise<Record<string, string>> {
  const [slot] = slotsAtHand(operator, name).usable;
  const accessKeyId = `***${slot?.credentials.accessKeyId.slice(-4) ?? ""}`;
  const headers = await sign(url, region, { accessKeyId, secretAccessKey: "none" }, now);
  const told = [...headers].map(([header, value]) => {
    return [header, value.replace(/(?<=Signature=)[0-9a-f]+/, "***")] as const;
  });
  return { host: new URL(url).host, ...Object.fromEntries(told) };
}

function rowsOf(found: Explained): string[][] {
  const { refused, asked } = found;
  const rows: [string, string | undefined][] = [
    ["Route", found.route],
    ["Variant", found.variant],
    ["Preset", found.preset],
    ["Bucket", found.bucket],
    ["Key", found.key],
  ];
  if (refused !== undefined) {
    const { event, ...more } = refused;
    rows.push(["Answer", `no image: ${event}`]);
    for (const [name, value] of Object.entries(more)) rows.push([`  ${name}`, `${value}`]);
  }
  if (asked !== undefined) {
    rows.push([
      "Signature",
      found.signature ? `right, until ${found.signature}` : "none is asked for",
    ]);
    rows.push(["Origin URL", asked.originUrl]);
    for (const [name, value] of Object.entries(asked.headers)) rows.push([`  ${name}`, value]);
    rows.push([
      "Options",
      "by what the browser reads; the edge keeps each under the origin URL and these",
    ]);
    for (const { reads, image } of asked.options) rows.push([`  ${reads}`, JSON.stringify(image)]);
    const { transformations: all } = asked;
    rows.push(
      [
        "Cost",
        `1 unique transformation a month, whatever the format: free, or ${money(PRICE * 1000)} for 1,000`,
      ],
      ["", `all variants of this object: ${all}`],
      ["Purge", `npx vitrine purge ${shellQuote(found.object ?? "")}, for all of its variants`],
    );
  }
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function shellQuote(text: string): string {
  return /^[\w./@:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
