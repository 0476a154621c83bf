// The headers that a visitor gets, and what he gets who asks in other ways.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { Operator } from "../project/operator.ts";
import { ACCEPTS, type Answer, visit } from "./ask-site.ts";
import { type Finding, found, well } from "./finding.ts";

/** Whether they are as the Worker sends them. */
export function headersOf(
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
export async function conditionsOf(
  about: string,
  query: string,
  first: Answer,
): Promise<Finding[]> {
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
