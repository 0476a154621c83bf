// npm run bench:bytes: what a browser gets from Vitrine's defaults, and from others that encode with the same sharp. The
// first run takes about a quarter of an hour, later ones only make what is new.
//   --write        writes fixtures/bench/bytes.json and the table of docs/performance.md
//   --only <text>  takes the pictures whose group or name has this text
//   --each         also lists single pictures for which Vitrine is worse

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pMap from "p-map";
import sharp from "sharp";
import { createProgress } from "../../../src/cli/terminal/progress.ts";
import { ROOT } from "../../support/built.ts";
import type { Answer } from "./answer.ts";
import { startIpx, startNext, VERSIONS } from "./others.ts";
import { type Picture, readPictures } from "./pictures.ts";
import {
  bytesTable,
  cellsOf,
  type Measure,
  type Sample,
  SENDERS,
  type Sender,
  VARIANTS,
  type Worse,
  worseIn,
  writeTable,
} from "./report.ts";
import { similarity } from "./similarity.ts";
import { startVitrine } from "./vitrine.ts";

const FIGURES = join(ROOT, "fixtures/bench/bytes.json");
const PAGE = join(ROOT, "docs/performance.md");

/** What Chrome asks with, and the same of a browser without AVIF. */
const ACCEPT = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
} as const;

const { values: options } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    each: { type: "boolean", default: false },
  },
});

if (options.write && options.only !== "") throw new Error("--write takes all pictures");

const all = await readPictures();
const pictures = all.filter(({ key, group }) => `${group} ${key}`.includes(options.only));

const ipx = startIpx(pictures);
const next = { avif: await startNext(["image/avif", "image/webp"]), webp: await startNext() };
const vitrine = await startVitrine(pictures);

const nothing: string[] = [];
const { stderr, env } = process;
const total = pictures.length * VARIANTS.length;
const progress = createProgress({ stderr, env, now: Date.now }, "renditions", total);
const samples = await pMap(
  pictures.flatMap((picture) => VARIANTS.map((variant) => ({ picture, variant }))),
  async ({ picture, variant }) => {
    const sample = await measure(picture, variant);
    progress.step();
    return sample;
  },
  { concurrency: 2 },
);
progress.clear();

const cells = cellsOf(samples);
report();
if (options.write) {
  const versions = { sharp: sharp.versions.sharp ?? "", ...VERSIONS };
  writeFileSync(FIGURES, `${JSON.stringify({ versions, cells }, null, 2)}\n`);
  writeFileSync(PAGE, writeTable(readFileSync(PAGE, "utf8"), cells));
}

/** Asks each sender for one picture. */
async function measure(
  picture: Picture,
  { name: variant, width }: (typeof VARIANTS)[number],
): Promise<Sample> {
  const sent: Partial<Record<Sender, Measure>> = {};
  for (const { name, tool, format } of SENDERS) {
    const answer = await ask(tool, format, picture, variant, width);
    if (answer.kind === "nothing") {
      nothing.push(`${picture.group}, ${variant}, ${picture.key}: ${name}: ${answer.status}`);
      continue;
    }

    const ssim = await similarity(answer.bytes, picture);
    sent[name] = { bytes: answer.bytes.length, ssim, format: formatOf(answer.bytes) };
  }

  const { group, key, bytes } = picture;
  return { group, key, variant, original: bytes.length, sent };
}

/** Reads the format in the first bytes. */
function formatOf(bytes: Uint8Array): Measure["format"] {
  const brand = String.fromCharCode(...bytes.subarray(8, 12));
  if (brand === "avif") return "avif";
  if (brand === "WEBP") return "webp";
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? "jpeg" : "other";
}

function ask(
  tool: (typeof SENDERS)[number]["tool"],
  format: "avif" | "webp",
  picture: Picture,
  variant: string,
  width: number,
): Promise<Answer> {
  const accept = ACCEPT[format];
  switch (tool) {
    case "vitrine":
      return vitrine(picture.key, variant, accept);
    case "ipx":
      return ipx(picture, width, accept);
    case "next":
      return next[format](picture, width, accept);
  }
}

function report(): void {
  const every = VARIANTS.map(({ name }) => name);
  for (const line of bytesTable(cells, every)) console.log(line);

  list("Nothing came", nothing);

  const worseCells = worseIn(cells);
  const worsePictures = worseIn(samples);
  list("More bytes than next/image, and not more like the original", worseCells.map(lineOf));
  if (options.each) list("The same, picture by picture", worsePictures.map(lineOf));
  console.log(
    `\nVitrine is worse in ${worseCells.length} of ${cells.length} cells, and for ${worsePictures.length} of ${samples.length} renditions.`,
  );
}

function lineOf({ text, reason }: Worse): string {
  return reason === undefined ? text : `${text} · reason: ${reason}`;
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`\n${title}:`);
  for (const line of lines) console.log(`  ${line}`);
}
