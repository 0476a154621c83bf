// What a run prints: what is missing, what it would do and cost, and its table.

import type { Resource } from "./account.ts";
import { budgetOf, type Sent } from "./deployed-world.ts";
import type { Probe, Verdict } from "./probe.ts";

const USAGE = `npm run test:cloudflare -- [--yes] [--only E5,W3] [--records DIR] [--clean]
  --yes          do it
  --only RULES   try these rules alone
  --records DIR  write what was seen here; default: fixtures/vectors/cloudflare
  --clean        list what a run that was killed has left in the account; with --yes, delete it
  --help         print this
`;

const CREDENTIALS = `Set these in the environment:
  CLOUDFLARE_API_TOKEN   https://dash.cloudflare.com/profile/api-tokens, "Create Custom Token", with the permissions
                         Account: Workers Scripts Edit, Workers R2 Storage Edit, Account Settings Read;
                         and Account Analytics Read, to count transformations (L2)
                         If CLOUDFLARE_ZONE is set, Zone: Workers Routes Edit, Cache Purge
  CLOUDFLARE_ACCOUNT_ID  the 32 hex digits in the address of the dashboard
  CLOUDFLARE_ZONE        optional: a domain of the account for which image transformations are on, for example
                         images.example.com. Without it the Worker is on workers.dev, and some rules are not seen.
                         About half of the rules need R2 as a source: add <account id>.r2.cloudflarestorage.com under
                         Images > Transformations > Sources, of this zone
R2 must be switched on in the dashboard, and the account must have a workers.dev subdomain.
`;

/** The list prices of docs/costs.md, in dollars: as if nothing were free (L2, B10, W12, T5). */
const PRICES = { transformation: 0.5e-3, request: 0.3e-6, write: 4.5e-6, read: 0.36e-6 };
/** Runs of the Worker, and reads of R2, for one request of a probe: gateway, entrypoint, origin. */
const RUNS = 3;

export const usage = (reason: string): string => `${reason}\n\n${USAGE}\n${CREDENTIALS}`;

function maxCost({ requests, transformations }: Sent): number {
  const { transformation, request, write, read } = PRICES;
  return transformations * transformation + requests * (RUNS * (request + read) + write);
}

export function planText(probes: readonly Probe[], zone: string | undefined): string {
  const budget = budgetOf(probes);
  const name = "vitrine-probe-<16 hex digits>";
  const isTwice = probes.some(({ rule }) => rule === "E9")
    ? "; and the same once more, for E9"
    : "";
  const domain = `\n  its domain     ${name}.${zone}${isTwice}
                 with a DNS record and a certificate: its name stays in public certificate logs`;
  return `It makes, and deletes at its end:
  a Worker       ${name}, on workers.dev${zone === undefined ? "" : domain}
  an R2 bucket   ${name}-bucket, with at most ${budget.requests} objects, of ${budget.megabytes} MB in all
It tries ${probes.length === 1 ? "1 rule" : `${probes.length} rules`}, in up to half an hour. For that it sends
  at most ${budget.requests} requests to the Worker, which then asks the image edge, R2 and itself
  at most ${budget.transformations} unique transformations
That can cost at most $${maxCost(budget).toFixed(2)} at list prices. What is free in your plan is not counted.
`;
}

export function sentText({ requests, transformations, megabytes }: Sent): string {
  const bytes = `${Math.ceil(megabytes)} MB`;
  return `Sent: ${requests} requests, ${transformations} transformations, ${bytes}\n`;
}

/** The table of outcomes, a line a probe, and how many there are of each kind. */
export function tableText(rows: readonly (readonly [Probe, Verdict])[]): string {
  const kinds: Verdict["outcome"][] = ["as the rule says", "otherwise", "open", "not seen"];
  const counts = kinds.map(
    (kind) => `${kind}: ${rows.filter(([, { outcome }]) => outcome === kind).length}`,
  );
  const lines = rows.map(
    ([{ rule, title }, { outcome, summary }]) =>
      `${rule.padEnd(4)} ${outcome.padEnd(17)} ${title}\n${" ".repeat(23)}${summary}\n`,
  );
  return `${lines.join("")}${counts.join(" · ")}\n`;
}

export const listText = (resources: readonly Resource[]): string =>
  resources.map(({ kind, name }) => `  ${kind.padEnd(7)} ${name}\n`).join("");

export function deleteCommand({ kind, name }: Resource): string {
  if (kind === "worker") return `npx wrangler delete --name ${name}`;
  if (kind === "bucket") return `npx wrangler r2 bucket delete ${name}  (after its objects)`;
  return `in the dashboard: Workers, Domains, ${name}`;
}
