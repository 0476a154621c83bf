// Whether an original, or a size that nobody allowed, can be got out.

import type { Operator } from "../project/operator.ts";
import { ACCEPTS, type Answer, isSame, visit } from "./ask-site.ts";
import { type Finding, found, well } from "./finding.ts";
import { sniff } from "./sniff.ts";
import { TRICKS } from "./tricks.ts";
import type { Visit } from "./visit.ts";

/** Tries what has let originals out elsewhere. */
export async function originalsOf(
  { config }: Operator,
  about: string,
  asked: Visit,
  print: Answer,
): Promise<Finding[]> {
  const came: string[] = [];
  let tried = 0;
  const allows = (variant: string) => config.variants.has(variant);
  const right = { ...asked, source: asked.route.bucket.base, allows };
  const tricks = TRICKS.flatMap(({ ask, ...trick }) => {
    const request = ask(right);
    return request === undefined ? [] : [{ ...request, ...trick }];
  });
  for (const { what, url, headers, elsewhere, ...rest } of tricks) {
    const answer = await visit(url, { ...rest, headers: { accept: ACCEPTS[0][1], ...headers } });
    if (typeof answer === "string" || NOT_TRIED.has(answer.status)) continue;
    tried += 1;
    if (answer.status > 299) continue;
    const etag = answer.headers.get("etag");
    const same =
      isSame(answer.bytes, print.bytes) || (etag !== null && etag === print.headers.get("etag"));
    const other = !elsewhere && !same && sniff(answer.bytes) !== undefined;
    if (other || isSame(answer.bytes, asked.original)) came.push(what);
  }
  if (came.length > 0) {
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
  const none = `none of ${tried} tricks gets the original, or another size`;
  if (tried === tricks.length) return [well(about, "originals", none)];
  const what = `${none}; ${tricks.length - tried} more were not answered: try again`;
  return [{ about, check: "originals", severity: "note", what }];
}

/** Answers that say nothing of what was asked: too many questions, or an error. */
const NOT_TRIED = new Set([429, 500, 502, 503, 504]);
