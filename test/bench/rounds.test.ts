// The arithmetic of the benchmark, and that its requests are real requests.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { pageNotes, pageTable } from "./bench-page.ts";
import { chartOf, type Report, tell } from "./bench-report.ts";
import { lengthsOfKeys, sizesOfConfiguration } from "./growth.ts";
import { measure } from "./load.ts";
import { seeded } from "./random.ts";
import { quantile } from "./rounds.ts";
import { FIRST, type Subject, subjects } from "./subjects.ts";
import { type Running, start } from "./workerd.ts";

test.each<[number[], number, number]>([
  [[3], 0.5, 3],
  [[3, 1], 0.5, 2],
  [[5, 1, 3], 0.5, 3],
  [[10, 9, 1, 2], 0.25, 1.75],
  [[10, 2], 1, 10],
])("of %j the quantile %d is %d", (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

/** S3 and an edge that answer only the requests that this kind of Worker must send. */
const STRICT = `export default {
  fetch({ url, method, headers, cf }) {
    const sent = ["authorization", "x-amz-content-sha256", "x-amz-date"].every((one) => headers.has(one));
    if (sent && headers.get("range") === "bytes=0-1023") {
      const head = { "content-length": "3", "content-range": "bytes 0-2/3", etag: '"9bb58f26192e4ba00f01e2e7b136bbd8"' };
      return new Response(new Uint8Array([0xff, 0xd8, 0xff]), { status: 206, headers: head });
    }
    const asked = cf?.image?.["origin-auth"] === "share-publicly" && cf.image.width === 480;
    const right = sent && asked && method === "GET" && url.includes("acme-media.s3.eu-west-1");
    return new Response(right ? "print" : "wrong", {
      status: right ? 200 : 500,
      headers: { "content-type": "image/webp", "cf-resized": "internal=ok/m", etag: '"cfJ2tGBBeYWBC8vHqAgVxmSDPwDkDbDNVj3OXG9yv4bQQ:9bb58f26192e4ba00f01e2e7b136bbd8"' },
    });
  },
};`;

/** An edge that nobody may ask. */
const UNASKED = `export default { fetch: () => new Response("asked", { status: 500 }) };`;
const ASKS_NOBODY = ["floor of a hit", "hit", "signed", "404", "304"];

describe.each(subjects().filter(({ name }) => name !== "bare"))(
  "$name",
  ({ name, script, draw }) => {
    let running: Running;
    beforeAll(async () => {
      running = await start(script, { edge: ASKS_NOBODY.includes(name) ? UNASKED : STRICT });
    });
    afterAll(() => running.stop());

    test("asks the edge correctly, and answers as the benchmark expects", async () => {
      const { cpu, rate } = await measure(running, await draw(8, seeded(1)));
      expect(cpu).toBeGreaterThan(0);
      expect(rate).toBeGreaterThan(0);
    });
  },
);

test("an unexpected answer is not measured", async () => {
  const [{ script, draw } = expect.unreachable()] = subjects();
  const running = await start(script);
  try {
    const load = { ...(await draw(4, seeded(1))), status: 418 };
    await expect(measure(running, load)).rejects.toThrow(/^not 4 answers with 418, but 4: /);
  } finally {
    await running.stop();
  }
});

test("each is compared with a floor that is measured, too", () => {
  const all = [subjects(), sizesOfConfiguration(), lengthsOfKeys()];
  for (const group of all) {
    const names = group.map(({ name }) => name);
    expect(names.length).toBe(new Set(names).size);
    for (const { floor } of group) if (floor !== undefined) expect(names).toContain(floor);
  }
  expect(subjects().filter(({ name }) => FIRST.includes(name))).toHaveLength(2);
});

/** What the benchmark knows of a subject before it is measured. */
type Facts = { [Fact in "name" | "note" | "floor" | "limit"]?: Subject[Fact] | undefined };

describe("the committed figures", () => {
  const folder = join(ROOT, "fixtures/bench");
  const report: Report & { gzip: number } = JSON.parse(
    readFileSync(join(folder, "bench.json"), "utf8"),
  );

  test.each(["light", "dark"])("are those of the chart, %s", (shade) => {
    const kept = readFileSync(join(folder, `bench-${shade}.svg`), "utf8");
    expect(chartOf(report, shade === "dark")).toBe(kept);
  });

  test("are those of today's subjects, and can be told", () => {
    const facts = (all: readonly Facts[]) =>
      all.map(({ name, note, floor, limit }) => ({ name, note, floor, limit }));
    expect(facts(report.traffic)).toEqual(facts(subjects()));
    const lines = tell({ ...report, size: { gzipBytes: report.gzip, modules: [] } });
    expect(lines.join("\n")).toContain("404");
  });

  test("are the table and the sentences of docs/performance.md", () => {
    const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
    for (const text of [pageTable(report), ...pageNotes(report)]) expect(page).toContain(text);
  });
});

test.each([
  [["--fast"], "Unknown option '--fast'\n"],
  [["extra"], "Unexpected argument 'extra'"],
  [["--quick", "--out", import.meta.filename], `--out ${import.meta.filename}: EEXIST`],
])("npm run bench -- %j says at once what is wrong", (args, message) => {
  const script = join(import.meta.dirname, "bench.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr.startsWith(message)).toBe(true);
});
