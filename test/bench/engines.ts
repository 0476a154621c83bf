// npm run bench:engines: what a request costs with each engine, by the size of the original: processor time and
// memory of workerd. S3, Cloudflare's edge and Cloudflare Images are in another process.

import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listenOn } from "../../src/emulator/listen.ts";
import { buildWorker, ROOT } from "../support/built.ts";
import { startOutsideImages } from "../support/outside-images.ts";
import { startOutsideS3 } from "../support/outside-s3.ts";
import { builtWorker, type Script, start } from "../support/workerd.ts";
import { measure } from "./load.ts";
import { markdownTable } from "./report.ts";
import { quantile } from "./rounds.ts";
import { bundled, VARS } from "./subjects.ts";

const SIZES = [1, 5, 20]; // MB
const AT_ONCE = [1, 4];
const ACCEPT = { accept: "image/webp,*/*" };
const MB = 1_000_000;

type Figures = {
  readonly engine: string;
  /** MB of the original. */
  readonly size: number;
  /** Processor time of a request, all threads: ms. The median of the rounds. */
  readonly cpu: number;
  /** The same divided by that of the engine cf in the same round. */
  readonly ratio: number;
  /** By requests at once: how much more memory workerd had at its peak than before: MB. */
  readonly memory: Readonly<Record<string, number>>;
};

const HEAD = ["original", "engine", "processor time", "ratio", "memory", "memory, 4 at once"];

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values;
const ROUNDS = quick ? 1 : 5;
/** Requests of a round. */
const REQUESTS = quick ? 5 : 40;

await buildWorker();
const s3 = await startOutsideS3();
const images = await startOutsideImages();
const rendition = Buffer.alloc(20_000, "A-RENDITION");
const edge = createServer(({ headers }, response) => {
  if (headers.range) {
    const part = { "content-length": 3, "content-range": "bytes 0-2/3", etag: '"x"' };
    response.writeHead(206, part).end(Buffer.from([0xff, 0xd8, 0xff]));
    return;
  }
  response.writeHead(200, {
    ...{ "content-type": "image/webp", "content-length": rendition.length },
    ...{ "cf-resized": "internal=ok/m q=0 n=17+85 c=0+0", etag: '"cf1:x"' },
  });
  response.end(rendition);
});
const { url, close } = await listenOn(edge, 0);

const media = { ...VARS.BUCKETS.media, engine: "binding" };
const bound = builtWorker({ ...VARS, BUCKETS: { media } });
const outsideEdge = new URL(url).host;
/** The engines, the one that the others are compared with first. */
const ENGINES: Readonly<Record<string, { script: Script; outside: string }>> = {
  cf: { script: builtWorker(VARS), outside: outsideEdge },
  binding: { script: bound, outside: s3.address },
  "nothing but the binding": { script: bundled("floor-binding"), outside: s3.address },
};

try {
  const figures: Figures[] = [];
  for (const size of SIZES) figures.push(...(await measureSize(size)));
  const { model } = cpus()[0] ?? {};
  const report = { machine: model, node: process.version, rounds: ROUNDS, figures };
  const rows = figures.map(({ engine, size, cpu, ratio, memory }) => {
    const more = Object.values(memory).map((one) => `${one} MB`);
    return [`${size} MB`, engine, `${cpu} ms`, `${ratio}`, ...more];
  });
  for (const line of markdownTable(HEAD, rows)) console.log(line);
  if (!quick) {
    const out = join(ROOT, "fixtures/bench/engines.json");
    writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  s3.close();
  images.close();
  await close();
}

async function measureSize(size: number): Promise<Figures[]> {
  const load = { headers: ACCEPT, status: 200 };
  const paths = (count: number) => Array<string>(count).fill(`/images/card/photos/${size}`);
  const all = Object.entries(ENGINES);
  const running = await Promise.all(
    all.map(([, { script, outside }]) => start(script, { outside, images: images.address })),
  );
  const rounds = all.map((): number[] => []);
  for (const one of running) await measure(one, { ...load, paths: paths(REQUESTS) }, 1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, one] of running.entries()) {
      const { cpu } = await measure(one, { ...load, paths: paths(REQUESTS) }, 1);
      rounds[at]?.push(cpu / 1_000);
    }
  }
  await Promise.all(running.map((one) => one.stop()));
  const figures: Figures[] = [];
  for (const [at, [engine, { script, outside }]] of all.entries()) {
    const memory: Record<string, number> = {};
    for (const connections of AT_ONCE) {
      const fresh = await start(script, { outside, images: images.address });
      await measure(fresh, { ...load, paths: ["/images/card/photos/1"] }, 1);
      const before = fresh.memory();
      await measure(fresh, { ...load, paths: paths(4 * connections) }, connections);
      memory[connections] = Math.round((fresh.peak() - before) / MB);
      await fresh.stop();
    }
    const own = rounds[at] ?? [];
    const ratios = own.map((cpu, round) => cpu / (rounds[0]?.[round] ?? Number.NaN));
    figures.push({
      ...{ engine, size, memory },
      cpu: Number(quantile(own, 0.5).toFixed(2)),
      ratio: Number(quantile(ratios, 0.5).toFixed(1)),
    });
  }
  return figures;
}
