// vitrine explain: what the Worker makes of a public URL, by its own steps.

import { Command } from "@commander-js/extra-typings";
import { withoutSignatures } from "../../worker/base/log.ts";
import { isRefusal, type Refusal } from "../../worker/base/refusal.ts";
import type { Signing } from "../../worker/config/routes.ts";
import { type Order, readOrder } from "../../worker/request/read-order.ts";
import {
  checkGrant,
  checkTime,
  type Granted,
  readClaim,
} from "../../worker/request/url-signature.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import { align, EXIT, type Exit, type Fault, isFault, say, type World } from "../command.ts";
import type { Run } from "../program.ts";
import { findBaseUrl } from "../project/base-url.ts";
import { variantsOf } from "../project/find-urls.ts";
import { type Operator, readOperator } from "../project/operator.ts";
import { visible } from "../terminal/visible.ts";
import { type Asked, explainAsked } from "./asked.ts";
import { rowsOf } from "./rows.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without asking for it")
    .argument("<url>", "a public URL, or its path")
    .option("--json", "for machines")
    .option("--secrets-file <file>", "where secrets stand; else the environment, or .dev.vars")
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

type Options = { readonly json?: true | undefined; readonly secretsFile?: string | undefined };

async function printExplained(
  world: World,
  given: string,
  { json, secretsFile }: Options,
): Promise<Exit | Fault> {
  const whole = /^https?:\/\//i.test(given);
  if (!whole && !given.startsWith("/")) {
    return { fault: `${given}: is neither a URL that begins with https://, nor a path with /` };
  }
  const operator = readOperator(world, { url: whole ? given : undefined, secretsFile });
  if (isFault(operator)) return operator;
  const base = findBaseUrl(undefined, operator.known.patterns);
  const host = isFault(base) ? "https://images.example" : base;
  // A path as a client sends it: two slashes at its beginning are no host.
  const url = whole ? given : host + given;
  if (!URL.canParse(url)) return { fault: `${given}: is no URL` };
  const found = await explainUrl(operator, new URL(url), world.now());
  const told = json ? [tellJson(found)] : align(rowsOf(found));
  say(world.stdout, ...told.map(visible));
  return found.refused === undefined ? EXIT.done : EXIT.failed;
}

/** As JSON; where a signature got into a path, without it. */
function tellJson(found: Explained): string {
  return JSON.stringify(
    found,
    (_name, value: unknown) =>
      typeof value === "string" && found.refused ? withoutSignatures(value) : value,
    2,
  );
}

/** What a URL asks for, as far as it can be told. */
export type Explained = {
  /** Why there is no image: as in the log. */
  readonly refused?: Refusal;
  /** What there is in its place: the paths of routes, or variants. */
  readonly known?: readonly string[];
  /** True where it is Vitrine itself that is asked how it is. */
  readonly health?: true;
  readonly route?: string;
  readonly variant?: string;
  readonly preset?: string;
  readonly bucket?: string;
  /** Below the bucket's prefix, as other commands have it. */
  readonly object?: string;
  /** In the bucket. */
  readonly key?: string;
  readonly signature?: "none is asked for" | "right" | typeof UNCHECKED;
  /** Of the URL, where it is not signed rightly. */
  readonly version?: string;
  /** When a signed URL expires. */
  readonly expires?: string;
  /** The origins of the pages that may embed it, where not all may. */
  readonly origins?: readonly string[];
  /** The origin URL of what is shown where the object cannot be. */
  readonly fallback?: string;
  readonly asked?: Asked;
};

const UNCHECKED = "not checked: URL_SIGNING_KEYS is not at hand";

/** Walks through the steps of a request, as `src/worker/index.ts` does, up to what is asked of the edge. */
export async function explainUrl(operator: Operator, url: URL, now: number): Promise<Explained> {
  const { config } = operator;
  if (url.pathname === "/healthz") return { health: true };
  const order = readOrder(config, url.pathname);
  if (order.route === undefined) {
    const { refusal } = order;
    const known = config.routes.map((route) => route.path);
    return { refused: refusal, ...(refusal.event === "no-such-route" && { known }) };
  }
  const { route, object, key, name } = order;
  const { bucket, svg, signing, origins, fallback } = route;
  const on = {
    route: route.path,
    ...(origins !== undefined && { origins: [...origins] }),
    variant: name,
  };
  const { variant } = order;
  if (variant === undefined) {
    return { ...on, refused: order.refusal, known: variantsOf(operator, route) };
  }
  const of = { ...on, preset: variant.preset, bucket: bucket.name, object, key };
  if ("refusal" in order) return { ...of, refused: order.refusal };

  const granted = signing && (await readGranted(operator, url, order, signing, now));
  if (isRefusal(granted)) {
    const version = url.searchParams.get("v") ?? "";
    return { ...of, ...(/^[\w.-]{1,64}$/.test(version) && { version }), refused: granted };
  }
  const source = originUrl(bucket.base, key, granted?.version);
  const other = fallback && originUrl(fallback.bucket.base, fallback.key);
  return {
    ...of,
    signature: granted?.signature ?? "none is asked for",
    ...(granted && { expires: new Date(granted.expires * 1000).toISOString() }),
    ...(other !== undefined && other !== originUrl(bucket.base, key) && { fallback: other }),
    asked: await explainAsked(operator, bucket, source, { variant, svg }, now),
  };
}

type Signed = Granted & { readonly signature: NonNullable<Explained["signature"]> };

/** What a signed URL grants, or would if its signature is right where there is no key to check it with. */
async function readGranted(
  { secrets }: Operator,
  url: URL,
  order: Order,
  signing: Signing,
  now: number,
): Promise<Signed | Refusal | undefined> {
  if (secrets.has("URL_SIGNING_KEYS")) {
    const granted = await checkGrant(order, url, now);
    return isRefusal(granted) || !granted ? granted : { ...granted, signature: "right" };
  }
  const claim = readClaim(url);
  const granted = isRefusal(claim) ? claim : checkTime(claim, signing.maxAge, now);
  return isRefusal(granted) ? granted : { ...granted, signature: UNCHECKED };
}
