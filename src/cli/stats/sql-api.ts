// Asks the SQL API of Cloudflare's Analytics Engine. A query changes nothing, so it is sent again where that may help.
// No message has the token.

import { isPlainObject, parseJson, tableOf } from "../../worker/util/json.ts";
import { type CommandFault, isFault, page, type World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { isHere } from "../config/site-url.ts";
import { fetchText, isNoAnswer, type TextBody } from "../http/body.ts";
import { createSender } from "../http/retry.ts";
import { isFigure } from "../metrics/points.ts";
import { MAX_ROWS, type Period, queriesOf, type StatsRows } from "../metrics/rows.ts";

export type SqlApi = {
  readonly url: string;
  readonly token: string;
};

/** Finds the account and the token. */
export function findSqlApi(
  { env }: Pick<World, "env">,
  { wrangler, file }: Pick<EnvironmentConfig, "wrangler" | "file">,
): SqlApi | CommandFault {
  const account = wrangler.account_id || env["CLOUDFLARE_ACCOUNT_ID"];
  const token = env["CLOUDFLARE_API_TOKEN"]?.trim();
  if (!account || !token) {
    return {
      fault: `Cloudflare is asked with CLOUDFLARE_API_TOKEN, a token with Account → Account Analytics → Read, and with CLOUDFLARE_ACCOUNT_ID or account_id in ${file}: ${page("docs/metrics.md")}. Without an account: npx vitrine stats --local`,
    };
  }

  if (!/^[\da-f]{32}$/i.test(account)) {
    return { fault: "the id of the account is not 32 hex digits: npx wrangler whoami prints it" };
  }
  // No header may have it, and the error that says so would have the token in its text.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return {
      fault: "what CLOUDFLARE_API_TOKEN has is not of the form of a token. Copy it again",
    };
  }

  const apiUrl = env["CLOUDFLARE_API_BASE_URL"] || "https://api.cloudflare.com/client/v4";
  if (!apiUrl.startsWith("https://") && !isHere(apiUrl)) {
    return {
      fault: `CLOUDFLARE_API_BASE_URL is ${apiUrl}: it gets a token, so it must begin with https://`,
    };
  }
  return { url: `${apiUrl}/accounts/${account}/analytics_engine/sql`, token };
}

/** @param dataset its name, as wrangler.toml has it */
export async function askRows(
  world: World,
  api: SqlApi,
  dataset: string,
  period: Period,
): Promise<StatsRows | CommandFault> {
  const queries = queriesOf(dataset, period);
  const ask = createQuery(world, api, dataset);

  const requests = await ask(queries.requests, REQUEST);
  if (isFault(requests)) return requests;
  const waits = await ask(queries.waits, { cache: "text", ...WAITS });
  if (isFault(waits)) return waits;
  const presets = await ask(queries.presets, { preset: "text", ...WAITS });
  if (isFault(presets)) return presets;
  const failures = await ask(queries.failures, FAILURE);
  if (isFault(failures)) return failures;
  const delays = await ask(queries.delays, { start: "text", p95_ms: "number" });
  if (isFault(delays)) return delays;

  return { requests, waits, presets, failures, delays };
}

type ColumnTypes = { readonly text: string; readonly number: number };

type Columns = Readonly<Record<string, keyof ColumnTypes>>;

type RowOf<C extends Columns> = { readonly [Name in keyof C]: ColumnTypes[C[Name]] };

const REQUEST = {
  start: "text",
  cache: "text",
  event: "text",
  status: "text",
  requests: "number",
  bytes: "number",
} as const satisfies Columns;

const WAITS = {
  images: "number",
  median_ms: "number",
  p95_ms: "number",
} as const satisfies Columns;

const FAILURE = {
  preset: "text",
  bucket: "text",
  requests: "number",
  failed: "number",
} as const satisfies Columns;

/** How long a query may take: s. A month of a large site is much to read. */
const TIMEOUT_S = 60;

const MAX_BYTES = 50e6;

function createQuery(world: World, { url, token }: SqlApi, dataset: string) {
  const { now, interrupted: signal } = world;
  const send = createSender({
    now,
    signal,
    retries: 2,
    statuses: [429, 500, 502, 503, 504],
    maxWaitMs: 30_000,
  });

  return async <C extends Columns>(
    sql: string,
    columns: C,
  ): Promise<readonly RowOf<C>[] | CommandFault> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "text/plain" };
    const init = { method: "POST", headers, body: sql, signal };
    const answer = await send(async () => {
      const reply = await fetchText(url, init, TIMEOUT_S, MAX_BYTES);
      if (isNoAnswer(reply)) throw new TypeError(reply.reason);
      return reply;
    });

    if (answer === undefined) return { fault: "Interrupted: nothing was changed" };
    if (isNoAnswer(answer)) return { fault: `Cloudflare's SQL API: ${answer.reason}` };
    if (answer.status !== 200) {
      // An API may repeat what it was sent. A message is cut, and half of the token would not be found in it.
      const text = answer.text.replaceAll(token, "…");
      return { fault: refusalText({ ...answer, text }, dataset) };
    }
    return readRows(answer, columns);
  };
}

function refusalText({ status, text }: TextBody, dataset: string): string {
  // A dataset is there after its first data point.
  if (/unable to find type of table|unknown table|table .* does not exist/i.test(text)) {
    return `Analytics Engine has no dataset ${dataset}. The first data point makes it: ask for a picture, and wait a minute`;
  }

  const answer = `Cloudflare's SQL API answers ${status}: ${messageOf(text)}`;
  if (status === 401 || status === 403) {
    return `${answer}. The token in CLOUDFLARE_API_TOKEN needs Account → Account Analytics → Read for this account`;
  }
  return answer;
}

/** The message of the API's JSON, or the first line of another text. A page of HTML says nothing to a reader. */
function messageOf(text: string): string {
  const { errors } = tableOf(parseJson(text));
  const [error] = Array.isArray(errors) ? errors : [];
  const { code, message } = tableOf(error);
  const isCode = typeof code === "number" || typeof code === "string";
  if (typeof message === "string" && isCode) {
    const coded = `${message.slice(0, 300)} [code: ${`${code}`.slice(0, 20)}]`;
    return coded.replaceAll(/\s+/g, " ");
  }

  if (/^\s*</.test(text)) return "a page of HTML";
  const [line = ""] = text.trim().split("\n");
  return line.slice(0, 300) || "nothing";
}

/** Reads all rows, or none. A large whole number comes as a text. */
function readRows<C extends Columns>(
  { text, whole }: TextBody,
  columns: C,
): readonly RowOf<C>[] | CommandFault {
  const { data } = tableOf(whole ? parseJson(text) : undefined);
  if (!Array.isArray(data) || data.length > MAX_ROWS) {
    return { fault: "Cloudflare's SQL API answers 200, and not with whole rows: try again" };
  }

  const rows: RowOf<C>[] = [];
  for (const item of data) {
    const row = readRow(item, columns);
    if (row === undefined) {
      return {
        fault: `Cloudflare's SQL API answers with a row that does not have ${Object.keys(columns).join(", ")}`,
      };
    }
    rows.push(row);
  }
  return rows;
}

function readRow<C extends Columns>(item: unknown, columns: C): RowOf<C> | undefined {
  if (!isPlainObject(item)) return undefined;

  const row: Record<string, string | number> = {};
  for (const [name, type] of Object.entries(columns)) {
    const value = readCell(item[name], type);
    if (value === undefined) return undefined;
    row[name] = value;
  }
  return hasColumns(row, columns) ? row : undefined;
}

function readCell(value: unknown, type: keyof ColumnTypes): string | number | undefined {
  if (type === "number") return readNumber(value);
  return typeof value === "string" ? value : undefined;
}

function hasColumns<C extends Columns>(
  row: Readonly<Record<string, string | number>>,
  columns: C,
): row is RowOf<C> & typeof row {
  return Object.keys(columns).every((name) => Object.hasOwn(row, name));
}

function readNumber(value: unknown): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  if (value === "") return undefined;

  const number = Number(value);
  return isFigure(number) ? number : undefined;
}
