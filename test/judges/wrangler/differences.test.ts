// The same cases in wrangler's own parts, inside workerd, and on our emulators: they end alike, or differ for a reason.
// differences.md is what was seen; `vitest -u` writes it anew.

import { createRequire } from "node:module";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestHarness } from "wrangler";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { readPage } from "../../docs/pages.ts";
import { ROOT } from "../../support/built.ts";
import { createEmulators, file, network } from "../../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS } from "../../support/env.ts";
import { markdownTable } from "../../support/markdown-table.ts";
import { CASES, type Case, respond, SESSION } from "./cases.ts";

const { version } = createRequire(import.meta.url)("wrangler/package.json");
const PAGE = "test/judges/wrangler/differences.md";

const sea = sharp(file("photos/fig.jpg")).resize(400, 300);
const jpeg = await sea.clone().jpeg().toBuffer();
const blank = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
const frames = Buffer.concat([Buffer.alloc(3600, 0), Buffer.alloc(3600, 255)]);
const raw = { width: 40, height: 60, channels: 3, pageHeight: 30 } as const;

const SOURCES: Readonly<Record<string, Buffer>> = {
  "sea.jpg": jpeg,
  "sea.tiff": await sea.clone().tiff().toBuffer(),
  "sea.avif": await sea.clone().avif({ effort: 0 }).toBuffer(),
  "turned.jpg": await sea.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  "half.jpg": jpeg.subarray(0, 5000),
  "20MB.jpg": Buffer.concat([jpeg, Buffer.alloc(20_000_001 - jpeg.length)]),
  "1300px.png": await blank(1300, 10),
  "12001px.png": await blank(12_001, 1),
  "moves.gif": await sharp(frames, { raw }).gif().toBuffer(),
  "logo.svg": Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  "text.jpg": Buffer.from("hello"),
  "nothing.jpg": Buffer.alloc(0),
};
const ORIGINALS = [...Object.values(SOURCES), Buffer.from(file("made/key.jpg"))];

const env = {
  PRIVATE: `${BUCKET_URL}published/key.jpg`,
  OPEN: "https://open.example/",
  ...CREDENTIALS,
};
const config = {
  ...{ name: "judged", main: join(import.meta.dirname, "cases.ts"), vars: env },
  compatibility_date: "2026-11-01",
  images: { binding: "IMAGES" },
  r2_buckets: [{ binding: "BUCKET", bucket_name: "judged" }],
};
const server = createTestHarness({ root: ROOT, workers: [{ config }] });

beforeAll(async () => {
  network.listen();
  await server.listen();
});
afterAll(async () => {
  await server.close();
  network.close();
});

/** Sets up a private bucket, open pictures, and our edge in front of both. */
function setUpEmulators(state: Case["state"]) {
  const sources = ["open.example", new URL(BUCKET_URL).host];
  const emulators = createEmulators({ sources, ...state });
  const { accessKeyId, sessionToken } = SESSION;
  const session = { sessionToken, expires: Number.POSITIVE_INFINITY };
  emulators.sessions.set(accessKeyId, { ...session, secretAccessKey: env.secretAccessKey });
  const pictures = http.all(/^https?:\/\/(?:open|other)\.example\//, ({ request }) => {
    const name = new URL(request.url).pathname.slice(1);
    const type = name.replace(/.*\./, "image/").replace("svg", "svg+xml");
    return new HttpResponse(new Blob([SOURCES[name] ?? ""]), { headers: { "content-type": type } });
  });
  network.use(pictures);
  return emulators;
}

async function runOnEmulators(one: Case): Promise<Response> {
  const { edge } = setUpEmulators(one.state);
  const send = globalThis.fetch;
  const spy = vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    return init?.cf === undefined ? send(input, init) : edge.fetch(`${input}`, init);
  });
  const BUCKET = createR2({}, { limitsWrites: ["put"] });
  try {
    return await respond(one, { ...env, IMAGES: edge.images, BUCKET });
  } finally {
    spy.mockRestore();
  }
}

type Answer = Awaited<ReturnType<typeof server.fetch>> | Response;

/** How a case ended: its status and code, its type and sides, or what R2 gave. */
async function resultOf({ status, headers }: Answer, bytes: Buffer) {
  const refused = headers.get("x-refused");
  if (refused !== null) return `refused, ${refused}`;
  const [, code] = /err=(\d+)/.exec(headers.get("cf-resized") ?? "") ?? [];
  if (status !== 200) return `${status}, ${code}`;
  if (ORIGINALS.some((one) => one.equals(bytes))) return "200, the original";
  const type = headers.get("content-type") ?? "";
  if (type.includes("json")) return `200, ${bytes}`;
  const { width, height } = await sharp(bytes).metadata();
  return `200, ${type.replace("image/", "")}, ${width} × ${height}`;
}

/** How a case ended, and of a picture the mean colours of its quarters. */
async function outcomeOf(response: Answer) {
  const bytes = Buffer.from(await response.arrayBuffer());
  const result = await resultOf(response, bytes);
  if (!result.includes("×")) return { result, quarters: [] };
  const quarters = sharp(bytes).flatten({ background: "white" }).resize(2, 2, { fit: "fill" });
  return { result, quarters: [...(await quarters.toColourspace("srgb").raw().toBuffer())] };
}
type Outcome = Awaited<ReturnType<typeof outcomeOf>>;

const isRefused = (result: string) => !result.startsWith("200");

/** Wrangler has one code for all that sharp, which it uses, refuses. Colours are 0 to 255. */
function agree(dev: Outcome, ours: Outcome): boolean {
  if (dev.result === "refused, 9523") return isRefused(ours.result);
  const isNear = dev.quarters.every((one, at) => Math.abs(one - (ours.quarters[at] ?? one)) < 8);
  return dev.result === ours.result && isNear;
}

/** The rows of the table: what Workers do, and how it ends. */
const rows = new Map<string, readonly string[]>();

test.each(CASES.map((one, at) => ({ ...one, at })))("$does $title", async ({ at, ...one }) => {
  setUpEmulators({});
  const dev = await outcomeOf(await server.fetch(`/?case=${at}`));
  const ours = await outcomeOf(await runOnEmulators(one));
  expect([dev, ours, agree(dev, ours)]).toEqual([dev, ours, one.reason === undefined]);
  if (one.reason === undefined) return;
  const isTaken = !isRefused(dev.result) && !isRefused(ours.result);
  const [inWrangler, inProduction] = [dev, ours].map(({ result }) =>
    isTaken ? result : result.replace(/^(200, )(?!the).*/, "200"),
  );
  const key = `${`${one.does} %s`.trim()} | ${inWrangler} | ${inProduction}: ${one.reason}`;
  rows.set(key, [...(rows.get(key) ?? []), one.title]);
});

/** Titles of cases that end alike. The data has those that are too many for a table. */
const listOf = (titles: readonly string[]) =>
  [...titles.slice(0, 4), ...(titles[4] ? [`and ${titles.length - 4} more`] : [])].join(", ");

test("differences.md has the table of the differences", async () => {
  const head = ["a Worker that", "`wrangler dev`", "production, and our emulators"];
  const alike = CASES.filter(({ reason }) => reason === undefined).length;
  const texts = [...rows].map(([row, titles]) => row.replace("%s", () => listOf(titles)));
  const cells = texts.map((row) => row.split(" | "));
  const table = `${markdownTable(head, cells).join("\n")}\n`;
  const page = readPage(PAGE)
    .replace(/^\| a Worker that .*?\n(?!\|)/ms, () => table)
    .replace(
      /wrangler [\d.]+: \d+ of \d+ cases/,
      `wrangler ${version}: ${alike} of ${CASES.length} cases`,
    );
  console.log(
    `wrangler ${version}: ${alike} of ${CASES.length} cases ended alike, and these differ\n${table}`,
  );
  await expect(page).toMatchFileSnapshot(join(ROOT, PAGE));
});
