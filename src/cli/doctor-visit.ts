// What a visitor gets: the image, in the format that his browser reads, with the right headers, and never
// the original.

import { createHash } from "node:crypto";
import { PROTECTION } from "../answer.ts";
import { chooseFormat, mayYield, readAccept } from "../format.ts";
import type { Variant } from "../preset.ts";
import type { BoundRoute } from "../routes.ts";
import { statusCause } from "./edge-causes.ts";
import { type Cause, type Finding, found, well } from "./finding.ts";
import type { Operator } from "./operator.ts";
import { sniff } from "./sniff.ts";
import { TRICKS } from "./tricks.ts";

/** A picture to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** As in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The part of the path that is the object's, encoded. */
  readonly key: string;
  readonly query: string;
  /** Undefined where it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

const PATIENCE_MS = 60_000;

export async function visit(url: string, init: RequestInit): Promise<Answer | string> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const answer = await fetch(url, { ...init, redirect: "manual", signal });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes };
  } catch (error) {
    return signal.aborted
      ? "no answer within 60 s"
      : `${error instanceof Error ? (error.cause ?? error) : error}`;
  }
}

/** What browsers of three kinds send. */
const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** Asks for a picture as browsers of three kinds do, and in other ways. */
export async function examineVisit(operator: Operator, asked: Visit): Promise<Finding[]> {
  const { route, base, path, query, variant, name } = asked;
  const about = base + path;
  const findings: Finding[] = [];
  const types: string[] = [];
  let first: Answer | undefined;
  for (const [reads, accept] of ACCEPTS) {
    const answer = await visit(about + query, { headers: { accept } });
    if (typeof answer === "string") return [found(about, noAnswer(answer))];
    if (answer.status !== 200) return [...findings, found(about, statusCause(answer.status, path))];
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    if (isSame(answer.bytes, asked.original)) return [...findings, found(about, LEAK)];
    const chosen = chooseFormat(variant, readAccept(accept), route.svg);
    if (sniff(answer.bytes) !== type || !mayYield(chosen, type)) {
      return [...findings, found(about, wrongFormat(reads, type, sniff(answer.bytes)))];
    }
    types.push(`${type.replace("image/", "")} for ${reads}`);
    first ??= answer;
  }
  if (first === undefined) return findings;
  findings.push(
    well(
      about,
      "image",
      `${name}: ${first.bytes.length.toLocaleString("en")} bytes; the edge transforms`,
    ),
  );
  findings.push(well(about, "formats", types.join(", ")));
  const negotiated = variant.format === "auto" && !route.svg;
  findings.push(...headersOf(operator, about, first, negotiated, route.signing !== undefined));
  findings.push(...(await conditionsOf(about, query, first)));
  findings.push(...(await originalsOf(about, asked, first)));
  return findings;
}

function noAnswer(reason: string): Cause {
  return {
    check: "image",
    what: `no answer: ${reason}`,
    why: "visitors see no image",
    remedy: "see that the domain leads to Cloudflare, and that this machine has a network",
  };
}

const LEAK: Cause = {
  check: "originals",
  what: "the answer is the original, byte for byte",
  why: "originals are to stay in the bucket",
  remedy:
    "see which Worker is at that URL: npx wrangler deployments list. This one's guard lets none through",
};

function wrongFormat(reads: string, type: string, real: string | undefined): Cause {
  return {
    check: "formats",
    what: `who reads ${reads} gets ${type || "no type"}${real === type ? "" : `, and it is ${real ?? "no image"}`}`,
    why: "browsers show a broken image, or get more bytes than they need",
    remedy:
      "something keeps one format for all: a cache rule of the zone that ignores the Worker's vary, or cache.enabled in wrangler.toml: turn it off for this host",
  };
}

function headersOf(
  operator: Operator,
  about: string,
  { headers }: Answer,
  negotiated: boolean,
  signed: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const varies = /\baccept\b/i.test(headers.get("vary") ?? "");
  if (negotiated && !varies) {
    findings.push(
      found(about, {
        check: "headers",
        what: "its format is negotiated, and vary does not say so",
        why: "shared caches hand one browser's format to all",
        remedy: "a rule of the zone takes vary away (Rules → Transform Rules): let it stand",
      }),
    );
  }
  const control = headers.get("cache-control") ?? "none";
  const { max_age: maxAge } = operator.config.answers;
  const right = signed
    ? /^public, max-age=\d+, must-revalidate/.test(control)
    : control === `public, max-age=${maxAge}`;
  findings.push(
    right
      ? well(about, "cache", `cache-control: ${control}${varies ? "; vary: accept" : ""}`)
      : found(about, {
          check: "cache",
          severity: "warning",
          what: `cache-control is ${control}, and wrangler.toml says max_age = ${maxAge}`,
          why: "browsers keep images for longer or shorter than is meant",
          remedy:
            "npx wrangler deploy, if wrangler.toml has changed since; or in the dashboard, Caching → Configuration → Browser Cache TTL: Respect Existing Headers",
        }),
  );
  const missing = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  if (leaked.length > 0) {
    findings.push(
      found(about, {
        check: "headers",
        what: `it shows ${leaked.join(", ")}`,
        why: "visitors learn where the originals are",
        remedy:
          "see which Worker is at that URL: npx wrangler deployments list. This one lets none through",
      }),
    );
  }
  findings.push(
    missing.length === 0
      ? well(about, "headers", "nosniff, a policy that allows nothing, nothing of S3's")
      : found(about, {
          check: "headers",
          severity: "warning",
          what: `${missing.map(([name]) => name).join(", ")}: not as the Worker sends it`,
          why: "what keeps images from running as pages is weaker",
          remedy: "a rule of the zone changes it (Rules → Transform Rules): let it stand",
        }),
  );
  return findings;
}

/** HEAD, and what a browser asks that has the image already. */
async function conditionsOf(about: string, query: string, first: Answer): Promise<Finding[]> {
  const headers = { accept: ACCEPTS[0][1] };
  const head = await visit(about + query, { method: "HEAD", headers });
  const type = first.headers.get("content-type");
  const fine =
    typeof head !== "string" && head.status === 200 && head.headers.get("content-type") === type;
  const findings = [
    fine
      ? well(about, "headers", "HEAD is answered as GET, without a body")
      : found(about, {
          check: "headers",
          severity: "warning",
          what: `HEAD is ${typeof head === "string" ? head : head.status}`,
          why: "link checkers and monitors take the image for broken",
          remedy: LET_PASS,
        }),
  ];
  const etag = first.headers.get("etag");
  if (etag === null) {
    const what =
      "there is no etag, so that browsers load it again: the original has none, or something in front takes it away";
    return [...findings, { about, check: "cache", severity: "note", what }];
  }
  const again = await visit(about + query, { headers: { ...headers, "if-none-match": etag } });
  const unchanged = typeof again !== "string" && again.status === 304;
  findings.push(
    unchanged
      ? well(about, "cache", "304 for who has it already")
      : found(about, {
          check: "cache",
          severity: "warning",
          what: `if-none-match with its etag is ${typeof again === "string" ? again : again.status}, and not 304`,
          why: "browsers load again what they have",
          remedy: LET_PASS,
        }),
  );
  return findings;
}

const LET_PASS =
  "see that nothing of the zone (Rules, Snippets, another Worker) stands in front of this one";

/** Tries what has let originals out elsewhere. */
async function originalsOf(about: string, asked: Visit, print: Answer): Promise<Finding[]> {
  const came: string[] = [];
  for (const { what, ask, elsewhere } of TRICKS) {
    const { url, headers, ...rest } = ask({ ...asked, source: asked.route.bucket.base });
    const answer = await visit(url, { ...rest, headers: { accept: ACCEPTS[0][1], ...headers } });
    if (typeof answer === "string" || answer.status < 200 || answer.status > 299) continue;
    const etag = answer.headers.get("etag");
    const same =
      isSame(answer.bytes, print.bytes) || (etag !== null && etag === print.headers.get("etag"));
    const other = !elsewhere && !same && sniff(answer.bytes) !== undefined;
    if (other || isSame(answer.bytes, asked.original)) came.push(what);
  }
  if (came.length === 0) {
    return [
      well(
        about,
        "originals",
        `none of ${TRICKS.length} tricks gets the original, or another size`,
      ),
    ];
  }
  return [
    found(about, {
      check: "originals",
      what: `an image that no preset allows comes out by ${came.join("; by ")}`,
      why: "originals are to stay in the bucket, and sizes cost money",
      remedy:
        "see which Worker is at that URL (npx wrangler deployments list), and what else answers on its domain",
    }),
  ];
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  if (one.length !== other?.length) return false;
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  return hash(one) === hash(other);
}
