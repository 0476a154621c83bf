// The queries of docs/metrics.md, on made-up data whose results were calculated by hand.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dataPoint, type RequestMetrics } from "../../src/worker/log/metrics.ts";
import { createFolder } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { createDataset } from "../support/sql-dataset.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/metrics.md");
const NOW = Date.UTC(2026, 10, 26, 10);
const DAY = 86_400_000;

const QUERIES = new Map(
  [...PAGE.matchAll(/^### ([^\n]+)\n[^#]*?```sh\nask <<'SQL'\n(.*?)\nSQL\n```/gms)].map(
    ([, heading = "", sql = ""]) => [heading, sql],
  ),
);

const IMAGE: Omit<RequestMetrics, "ms" | "bytes"> = {
  ...{ route: "/images/:preset/*", preset: "card", format: "avif", status: 200, event: "shown" },
  bucket: "media",
};
const AVATAR = { ...IMAGE, route: "/avatars/:user/:preset", preset: "thumbnail", bucket: "people" };
const USERS = { route: "/users/:user/:preset/*", preset: "card", bucket: "media" };
const failed = (status: number, event: string) => ({ status, event, ms: 90, bytes: 0 });

/** Requests: when, for how many they stand, and what the Worker knew of them. */
const REQUESTS: readonly (readonly [at: number, weight: number, facts: RequestMetrics])[] = [
  [NOW - 3_600_000, 1, { ...IMAGE, cache: "hit", ms: 10, bytes: 1000 }],
  [NOW - 3_600_000, 4, { ...IMAGE, cache: "hit", ms: 20, bytes: 2000 }],
  [NOW - 3_600_000, 1, { ...IMAGE, cache: "miss", ms: 400, bytes: 3000 }],
  [NOW - 3_600_000, 2, { ...IMAGE, cache: "stale", ms: 15, bytes: 500 }],
  [NOW - 3_600_000, 1, { ...IMAGE, cache: "hit", status: 304, ms: 5, bytes: 0 }],
  [NOW - 3_600_000, 2, { ...AVATAR, cache: "stored", ms: 100, bytes: 50 }],
  [NOW - 3_600_000, 15, { ...USERS, ...failed(404, "token-refused") }],
  [NOW - 3_600_000, 5, { ...USERS, ...failed(502, "token-keys-failed") }],
  [NOW - 60_000, 2, { ...AVATAR, cache: "direct", ms: 300, bytes: 100 }],
  [NOW - 60_000, 3, { ...IMAGE, cache: "miss", ...failed(404, "object-missing") }],
  [NOW - 60_000, 1, { ...AVATAR, cache: "direct", ...failed(502, "origin-failed") }],
  [NOW - 60_000, 10, failed(404, "no-such-route")],
  [NOW - 60_000, 2, failed(500, "configuration-broken")],
  [NOW - 60_000, 1, { status: 503, ms: 0, bytes: 0 }], // /healthz
  [NOW - 3 * DAY, 1, { ...IMAGE, cache: "hit", ms: 9000, bytes: 70_000 }],
];

const points = REQUESTS.map(([time, weight, facts]) => {
  const { blobs, doubles } = dataPoint(facts);
  return { time, weight, blobs: blobs.map(String), doubles };
});
const dataset = createDataset("vitrine", points, NOW);

const RESULTS: Readonly<Record<string, readonly object[]>> = {
  // 1 + 4 + 2 + 1 of 1 + 4 + 1 + 2 + 1.
  "Hit rate": [
    { route: "/images/:preset/*", images: 9, hit_rate: 8 / 9, stored: 0 },
    { route: "/avatars/:user/:preset", images: 4, hit_rate: 0, stored: 2 / 4 },
  ],
  // card: 5, 10, 15 twice, 20 four times, 400; thumbnail: 100 twice, 300 twice.
  "Slowest presets": [
    { preset: "card", images: 9, median_ms: 20, p95_ms: 400 },
    { preset: "thumbnail", images: 4, median_ms: 100, p95_ms: 300 },
  ],
  "Errors by bucket": [
    { bucket: "media", event: "token-refused", status: "404", requests: 15 },
    { bucket: "", event: "no-such-route", status: "404", requests: 10 },
    { bucket: "media", event: "token-keys-failed", status: "502", requests: 5 },
    { bucket: "media", event: "object-missing", status: "404", requests: 3 },
    { bucket: "", event: "configuration-broken", status: "500", requests: 2 },
    { bucket: "people", event: "origin-failed", status: "502", requests: 1 },
  ],
  "Refused tokens": [{ route: USERS.route, requests: 20, refused: 15 / 20, without_keys: 5 / 20 }],
  "The last five minutes": [
    { bucket: "people", requests: 3, failed: 1 / 3 },
    { bucket: "", requests: 12, failed: 2 / 12 },
    { bucket: "media", requests: 3, failed: 0 },
  ],
  // A stale one is only checked in the background, and a stored one was made before.
  "Images made in a day": [
    { bucket: "people", made: 2, dollars: 2 * 0.0005 },
    { bucket: "media", made: 1, dollars: 1 * 0.0005 },
  ],
};

test("each query gives what the data say", () => {
  expect(
    Object.fromEntries([...QUERIES].map(([heading, sql]) => [heading, dataset.ask(sql)])),
  ).toEqual(RESULTS);
});

test("the table of columns is that of a data point", () => {
  const facts = { route: "route", preset: "preset", format: "format", event: "event" };
  const numbers = { status: 7, ms: 8, bytes: 9 };
  const point = dataPoint({ ...facts, cache: "hit", bucket: "bucket", ...numbers });
  const names: Record<string, string> = {
    ...{ hit: "cache", 7: "status", 8: "milliseconds", 9: "bytes" },
  };
  const cells = (column: string, values: readonly unknown[]) =>
    values.map((value, at) => [`${column}${at + 1}`, names[`${value}`] ?? value]);
  const rows = [...PAGE.matchAll(/^\| `((?:blob|double|index)\d+)` +\| (\w+) +\|/gm)];
  expect(rows.map(([, column, name]) => [column, name])).toEqual([
    ...cells("blob", point.blobs),
    ...cells("double", point.doubles),
    ...cells("index", point.indexes),
  ]);
});

test("what is pasted into wrangler.toml passes the check, and is the dataset of the queries", async () => {
  const [, toml = ""] = /```toml\n(.*?)```/s.exec(PAGE) ?? [];
  const folder = createFolder();
  appendFileSync(join(folder, "wrangler.toml"), `\n${toml.replace(/^ +/gm, "")}`);
  const { code, err } = await vitrine(["check"], { folder });
  expect([code, err]).toEqual([0, expect.not.stringContaining("dataset")]);
  const [, dataset = ""] = /^ *dataset = "(\w+)"/m.exec(toml) ?? [];
  for (const sql of QUERIES.values()) expect(sql).toContain(`FROM ${dataset}\n`);
});
