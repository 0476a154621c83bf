// Whether an original, or a size that nobody allowed, can be got out.

import { ACCEPTS, type Answer, isSame, visit } from "./ask-site.ts";
import type { Visit } from "./doctor-visit.ts";
import { type Finding, found, well } from "./finding.ts";
import { sniff } from "./sniff.ts";
import { TRICKS } from "./tricks.ts";

/** Tries what has let originals out elsewhere. */
export async function originalsOf(about: string, asked: Visit, print: Answer): Promise<Finding[]> {
  const came: string[] = [];
  for (const { what, ask, elsewhere } of TRICKS) {
    const { url, headers, ...rest } = ask({ ...asked, source: asked.route.bucket.base });
    const answer = await visit(url, { ...rest, headers: { accept: ACCEPTS[0][1], ...headers } });
    if (typeof answer === "string" || answer.status > 299) continue;
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
