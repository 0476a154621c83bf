// npm run bench:size: the size of the uploaded Worker, as a whole and by module. With --write it also
// records the sizes, and npm test compares the next build with them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { Metafile } from "esbuild";
import { BUILT, buildWorker, ENTRY, METAFILE, ROOT } from "../support/built.ts";

const RECORD = "fixtures/bench/size.json";

/** The advice for a Worker that is too large. */
const WRITE = "npm run bench:size -- --write";

/**
 * The limit of a record is a multiple of STEP bytes with at least ROOM bytes left. On another processor,
 * gzip may need a few bytes more or less.
 */
const STEP = 128;
const ROOM = 64;

type Module = {
  /** Its path in the project. */
  readonly name: string;
  /** Its bytes in the minified bundle. */
  readonly bytes: number;
};

/** Largest first. */
type Size = { readonly gzipBytes: number; readonly modules: readonly Module[] };

/** The record of a build: minified bytes by module, gzipped bytes as a whole, and their limit. */
type SizeRecord = {
  readonly limit: number;
  readonly gzip: number;
  readonly modules: Readonly<Record<string, number>>;
};

/** Measures the Worker that `buildWorker` built, as a deploy would upload it. */
export function readSize(): Size {
  const metafile: Metafile = JSON.parse(readFileSync(join(BUILT, METAFILE), "utf8"));
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === ENTRY);
  if (output === undefined) throw new Error(`${METAFILE} has nothing of ${ENTRY}`);
  const modules = Object.entries(output.inputs).map(([name, { bytesInOutput: bytes }]) => {
    return { name, bytes };
  });
  return {
    gzipBytes: gzipSync(readFileSync(join(BUILT, "index.js"))).length,
    modules: modules.sort((a, b) => b.bytes - a.bytes),
  };
}

export function readRecord(): SizeRecord {
  return JSON.parse(readFileSync(join(ROOT, RECORD), "utf8"));
}

function recordOf({ gzipBytes, modules }: Size): SizeRecord {
  const names = modules.map(({ name, bytes }) => [name, bytes] as const);
  const limit = Math.ceil((gzipBytes + ROOM) / STEP) * STEP;
  return { limit, gzip: gzipBytes, modules: Object.fromEntries(names) };
}

/**
 * Compares a build with the record.
 * @returns undefined within the limit; otherwise a text that names the modules, the largest growth first
 */
export function growth({ gzipBytes, modules }: Size, record: SizeRecord): string | undefined {
  const { limit, gzip } = record;
  if (gzipBytes <= limit) return undefined;
  const grown = modules
    .map(({ name, bytes }) => ({ name, by: bytes - (record.modules[name] ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort((a, b) => b.by - a.by)
    .map(({ name, by }) => `  +${by} ${name}${name in record.modules ? "" : " (new)"}`);
  return [
    `The Worker is ${gzipBytes} bytes gzipped: ${gzipBytes - limit} above its limit of ${limit}.`,
    `It was ${gzip} when ${RECORD} was written. Since then these modules grew, in bytes minified:`,
    ...(grown.length > 0 ? grown : ["  none: the same bytes are packed worse"]),
    `Make it smaller. If it is worth its bytes, write its size down anew, and say why: ${WRITE}`,
  ].join("\n");
}

function print({ gzipBytes, modules }: Size): void {
  console.log("minified  module");
  for (const { name, bytes } of modules) console.log(`${`${bytes}`.padStart(8)}  ${name}`);
  console.log(`\nIn all ${gzipBytes} bytes gzipped; at most ${readRecord().limit} (${RECORD})`);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { write: { type: "boolean" } } });
  await buildWorker();
  const size = readSize();
  if (values.write) {
    writeFileSync(join(ROOT, RECORD), `${JSON.stringify(recordOf(size), null, 2)}\n`);
  }
  print(size);
}
