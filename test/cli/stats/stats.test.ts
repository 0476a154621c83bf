// `vitrine stats`: the figures of a simulated month, by SQL and by the file of a local run, and what it says when the API
// gives none.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { StatsReport } from "../../../src/cli/stats/report.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { stopTimers } from "../../support/clock.ts";
import { MONTH, simulateMonth } from "../../support/month.ts";
import { network } from "../../support/network.ts";
import { createDataset } from "../../support/sql-dataset.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const TOKEN = "a-token-that-reads-analytics";
const URL = `https://api.cloudflare.com/client/v4/accounts/${ACCOUNT}/analytics_engine/sql`;
const NOW = MONTH.until + 3_600_000;

const { points, ledger } = simulateMonth(7, 12);
const dataset = createDataset("vitrine_production", points);

const METRICS = {
  analytics_engine_datasets: [{ binding: "METRICS", dataset: "vitrine_production" }],
};
const COSTS = { most: 40, objects: { media: 12_000 } };
const folder = createProject({
  ...STAGED,
  ...METRICS,
  vars: { ...STAGED.vars, COSTS },
  env: { staging: STAGED.env.staging },
});
const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN: TOKEN };
const run = (args: readonly string[], more: object = {}) =>
  vitrine(["stats", ...args], { folder, env, now: () => NOW, ...more });

beforeAll(() => network.listen());
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

/** What the API gets. */
let queries: string[] = [];
beforeEach(() => {
  queries = [];
});

/** The API as it answers SQL: a whole number of 64 bits comes as a text. */
function answerSql() {
  network.use(
    http.post(URL, async ({ request }) => {
      if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
        return new HttpResponse(null, { status: 403 });
      }

      const sql = await request.text();
      queries.push(sql);
      const data = dataset.ask(sql).map((row) => {
        const cells = Object.entries(row).map(([name, value]) =>
          name === "requests" ? [name, `${value}`] : [name, value],
        );
        return Object.fromEntries(cells);
      });
      return HttpResponse.json({ meta: [], data, rows: data.length });
    }),
  );
}

/** Writes the points of the month as a local run does. */
function writeLocalPoints(): void {
  const lines = points.flatMap(({ time, weight, blobs, doubles }) =>
    Array<string>(weight).fill(`${JSON.stringify({ time, blobs, doubles })}\n`),
  );
  mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  writeFileSync(join(folder, ".wrangler/vitrine/points.jsonl.1"), lines.slice(0, 99).join(""));
  writeFileSync(
    join(folder, ".wrangler/vitrine/points.jsonl"),
    `${lines.slice(99).join("")}{"time":17`,
  );
}

test.each(["cloudflare", "local"])(
  "by %s, the figures are those that the simulation counted",
  async (source) => {
    answerSql();
    writeLocalPoints();
    const options = source === "local" ? ["--local"] : [];
    const { code, out, err } = await run(["--month", "2026-11", "--json", ...options]);
    expect([code, err]).toEqual([
      0,
      source === "local"
        ? "1 line of .wrangler/vitrine/points.jsonl cannot be read, and is left out\n"
        : "",
    ]);

    const report: StatsReport = JSON.parse(out);
    const { requests, failed, refused, bytes, views, errors, failing, timeline } = report;
    expect({ source: report.source, requests, failed, refused, bytes, views }).toEqual({
      source,
      requests: ledger.requests,
      failed: ledger.failed,
      refused: ledger.refused,
      bytes: ledger.bytes,
      views: ledger.views,
    });
    expect(
      Object.fromEntries(errors.map((row) => [`${row.event} ${row.status}`, row.requests])),
    ).toEqual(ledger.errors);
    expect(
      Object.fromEntries(failing.map((row) => [`${row.preset} ${row.bucket}`, row.failed])),
    ).toEqual(ledger.failedBy);

    const failedDays = timeline.filter((step) => step.failed > 0);
    expect(
      Object.fromEntries(failedDays.map((step) => [step.start.slice(0, 10), step.failed])),
    ).toEqual(ledger.failedOn);
    expect(timeline).toHaveLength(30);
    expect(report.presets[0]?.preset).toBe("hero");
    expect(report.madeWhileWaiting).toBe(ledger.views.miss + ledger.views.direct);
  },
);

test("the terminal shows the month, beside the worst case of check and the budget", async () => {
  answerSql();
  const { code, out, err } = await run(["--month", "2026-11"]);
  expect([code, err]).toEqual([0, ""]);
  await expectGolden("month.txt", [["--month 2026-11", { code, out, err }]]);

  const check = await vitrine(["check", "--env", ""], { folder });
  const [, dollars = ""] = /at most (\$[\d,.]+) a month/.exec(check.out) ?? [];
  expect(dollars).not.toBe("");
  expect(out).toContain(dollars);

  const lines = out.split("\n").filter((line) => /^ {2}\w.* {2}/.test(line));
  expect(lines.length).toBeGreaterThan(20);
  // A table fits into a terminal of 80 columns.
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test("--open writes a page with the figures, names it, and prints the table, too", async () => {
  writeLocalPoints();
  const { code, out, err } = await run(["--month", "2026-11", "--local", "--open"]);
  expect([code, err]).toEqual([
    0,
    expect.stringMatching(/\nThe charts are in \.wrangler\/vitrine\/stats\.html\n$/),
  ]);
  expect(out).toContain(ledger.requests.toLocaleString("en"));

  const document = readFileSync(join(folder, ".wrangler/vitrine/stats.html"), "utf8");
  expect(document).toContain(`of ${ledger.requests.toLocaleString("en")} requests failed`);
});

test("a file of the local run that cannot be read ends with what to do", async () => {
  const project = createProject({ ...STAGED, ...METRICS });
  mkdirSync(join(project, ".wrangler/vitrine/points.jsonl"), { recursive: true });
  const { code, out, err } = await run(["--local"], { folder: project });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(".wrangler/vitrine/points.jsonl cannot be read: EISDIR");
});

test("--sql prints what is asked, and asks nothing", async () => {
  answerSql();
  const { code, out } = await run(["--sql", "--month", "2026-11"]);
  expect([code, queries]).toEqual([0, []]);

  await run(["--month", "2026-11"]);
  expect(out).toBe(`${queries.join("\n\n")}\n`);
});

test.each([
  { title: "the month, until now", args: [], from: MONTH.until },
  { title: "the last seven days", args: ["--since", "7d"], from: NOW + 1000 - 7 * 86_400_000 },
  { title: "a month that has not ended", args: ["--month", "2026-12"], from: MONTH.until },
])("without another period it is $title", async ({ args, from }) => {
  answerSql();
  const { out } = await run([...args, "--json"]);
  expect(JSON.parse(out)).toMatchObject({
    from: new Date(from).toISOString(),
    until: new Date(NOW + 1000).toISOString(),
  });
});

test.each([
  { args: ["--since", "soon"], says: "--since soon: is not like 30s, 15m, 12h or 7d" },
  { args: ["--since", "200d"], says: "three months" },
  { args: ["--month", "2026-03"], says: "three months" },
  { args: ["--month", "2026-13"], says: "is not like 2026-11" },
  { args: ["--month", "2027-01"], says: "has not begun" },
  { args: ["--month", "2027-01", "--local"], says: "has not begun" },
  { args: ["--env", "staging"], says: "[[env.staging.analytics_engine_datasets]]" },
  { args: ["--local", "--env", "staging"], says: "start npx vitrine dev --env staging" },
])("$args ends with what to do: $says", async ({ args, says }) => {
  const { code, out, err } = await run(args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(says);
});

test.each([
  { title: "no token", more: { CLOUDFLARE_API_TOKEN: "" }, says: "Account Analytics → Read" },
  { title: "no account", more: { CLOUDFLARE_ACCOUNT_ID: "" }, says: "CLOUDFLARE_ACCOUNT_ID" },
  {
    title: "a token with a newline in it",
    more: { CLOUDFLARE_API_TOKEN: "abc\ndef" },
    says: "form of a token",
  },
  {
    title: "an account that would be another path",
    more: { CLOUDFLARE_ACCOUNT_ID: "../zones" },
    says: "32 hex digits",
  },
  {
    title: "an API that anybody could read on the way",
    more: { CLOUDFLARE_API_BASE_URL: "http://api.example" },
    says: "https://",
  },
])("with $title nothing is asked", async ({ more, says }) => {
  const { code, out, err } = await run([], { env: { ...env, ...more } });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(says);
  expect(err).not.toContain("def");
});

const apiError = (code: unknown, message: string) => ({
  success: false,
  errors: [{ code, message }],
});

test.each([
  {
    title: "a token without the right",
    status: 403,
    body: apiError(10000, "Authentication error"),
    says: "needs Account → Account Analytics → Read",
  },
  {
    title: "an account without Analytics Engine",
    status: 403,
    body: apiError(10089, "no access"),
    says: "10089",
  },
  {
    title: "an API that repeats what it was sent",
    status: 400,
    body: apiError({ is: "odd" }, `bad header: Bearer ${TOKEN}`),
    says: "answers 400",
  },
  {
    title: "an API whose error is cut within the token",
    status: 400,
    body: apiError(400, `${"-".repeat(280)} Bearer ${TOKEN}`),
    says: "Bearer …",
  },
  {
    title: "an API whose error has two lines",
    status: 400,
    body: apiError(400, "wrong\nFailed: 0"),
    says: "wrong Failed: 0 [code: 400]",
  },
  {
    title: "no dataset yet",
    status: 422,
    body: "unable to find type of table: vitrine_production\n",
    says: "The first data point makes it",
  },
  {
    title: "an error of SQL",
    status: 422,
    body: "sql parser error: Expected: )\nat line 1",
    says: "422: sql parser error",
  },
  {
    title: "a page of HTML",
    status: 403,
    body: "<!doctype html><title>Blocked</title>",
    says: "a page of HTML",
  },
  {
    title: "half of the JSON",
    status: 200,
    body: '{"data":[{"start":"2026',
    says: "not with whole rows",
  },
  { title: "no rows", status: 200, body: { success: true }, says: "not with whole rows" },
  {
    title: "other rows",
    status: 200,
    body: { data: [{ count: 7 }] },
    says: "does not have start, cache, event",
  },
  {
    title: "a number that is none",
    status: 200,
    body: { data: [{ start: "", cache: "", event: "", status: "", requests: "many", bytes: 1 }] },
    says: "does not have start",
  },
  {
    title: "a number that is too large to add up",
    status: 200,
    body: { data: [{ start: "", cache: "", event: "", status: "", requests: 1, bytes: 1e308 }] },
    says: "does not have start",
  },
  {
    title: "more rows than the query allows",
    status: 200,
    body: { data: Array<null>(100_001).fill(null) },
    says: "not with whole rows",
  },
])("$title ends with a reason, and without the token", async ({ status, body, says }) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  network.use(http.post(URL, () => new HttpResponse(text, { status })));
  const { code, out, err } = await run([]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(says);
  expect(err).not.toContain(TOKEN.slice(0, 8));
});

const row = {
  start: "2026-12-01 00:00:00",
  cache: "miss",
  event: "shown",
  status: "200",
  bytes: 1,
};

/** The API of a site with these rows of requests, and no others. */
function answerRequests(requests: readonly object[]) {
  network.use(
    http.post(URL, async ({ request }) => {
      const isRequests = (await request.text()).includes("AS bytes");
      return HttpResponse.json({ data: isRequests ? requests : [] });
    }),
  );
}

test.each([
  { title: "what a terminal obeys", event: "\u001b[31mred", says: "\\u001b[31mred", options: [] },
  { title: "what hides text", event: "a\u202eb", says: '"a\\u202eb"', options: ["--json"] },
  { title: "a line of a stranger", event: "x\nFailed: 0", says: "x\\u000aFailed: 0", options: [] },
])("$title is shown as text", async ({ event, says, options }) => {
  answerRequests([{ ...row, cache: "", event, status: "502", requests: 1, bytes: 0 }]);
  const { code, out } = await run(options);
  expect(code).toBe(0);
  expect(out).toContain(says);
  expect(out).not.toContain(event);
});

test("beyond the free transformations of a month it says what the images would cost, and that this is not the bill", async () => {
  answerRequests([
    { ...row, requests: 7000 },
    { ...row, cache: "direct", requests: 100_000 },
    { ...row, cache: "hit", requests: 1 },
  ]);
  expect(JSON.parse((await run(["--json"])).out)).toMatchObject({
    madeWhileWaiting: 107_000,
    costs: { dollarsIfEachIsBilled: 51, budget: 40 },
  });

  const { out } = await run([]);
  for (const text of ["If each were billed", "$51.00", "more than the budget", "not your bill"]) {
    expect(out).toContain(text);
  }
});

test.each([
  { title: "a week", args: ["--since", "7d"], says: "ask without --since" },
  { title: "several months", args: ["--since", "80d"], says: "ask without --since" },
  { title: "the local run", args: ["--local", "--month", "2026-11"], says: "costs nothing" },
])(
  "of $title it says no dollars, because the prices are those of a month of the site",
  async ({ args, says }) => {
    writeLocalPoints();
    answerRequests([{ ...row, requests: 7000 }]);
    const { out } = await run(args);
    expect(out).toMatch(/Images made while a visitor waited: [1-9]/);
    expect(out).toContain(says);
    expect(out).not.toContain("$");
    expect(JSON.parse((await run([...args, "--json"])).out)).not.toHaveProperty("costs");
  },
);

test("a month without a request says so, and what to do", async () => {
  answerRequests([]);
  const { code, out } = await run([]);
  expect(code).toBe(0);
  expect(out).toContain("Nobody asked for a picture in this time. A data point takes a minute");
});

test("a month with only errors names them, and shows no table without a row", async () => {
  answerRequests([
    { ...row, cache: "", event: "origin-failed", status: "502", bytes: 0, requests: 3 },
  ]);
  const { code, out } = await run([]);
  expect(code).toBe(0);
  expect(out).toContain("Images shown: 0 of 3 requests, 0 B");
  expect(out).toContain("Failed: 3 (100 % of all requests)");
  expect(out).not.toContain("half within");
});

test("a query is sent again after an outage of the API", async () => {
  let calls = 0;
  network.use(
    http.post(URL, () => {
      calls += 1;
      if (calls === 1) return new HttpResponse("busy", { status: 503 });
      return HttpResponse.json({ data: [] });
    }),
  );
  const fireTimersUntil = stopTimers();
  const { code, out } = (await fireTimersUntil(run(["--json"]))).value;
  expect([code, calls]).toEqual([0, 6]);
  expect(JSON.parse(out)).toMatchObject({ requests: 0, errors: [], presets: [] });
});
