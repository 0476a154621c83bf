// That the requests of the benchmark are real requests, and its figures those of the page.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { type Running, start } from "../support/workerd.ts";
import { measure } from "./load.ts";
import { seeded } from "./random.ts";
import { type Report, trafficTable } from "./report.ts";
import { subjects } from "./subjects.ts";

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
const ASKS_SOMEBODY = /miss|check|cache|direct|way/;

describe.each(subjects().filter(({ name }) => name !== "bare"))(
  "$name",
  ({ name, script, draw }) => {
    let running: Running;
    beforeAll(async () => {
      running = await start(script, { edge: ASKS_SOMEBODY.test(name) ? STRICT : UNASKED });
    });
    afterAll(() => running.stop());

    test("asks the edge correctly, and answers as the benchmark expects", async () => {
      const { cpu, rate } = await measure(running, await draw(8, seeded(1)));
      expect(cpu).toBeGreaterThan(0);
      expect(rate).toBeGreaterThan(0);
    });
  },
);

test("the committed figures are those of docs/performance.md", () => {
  const file = join(ROOT, "fixtures/bench/bench.json");
  const report: Report = JSON.parse(readFileSync(file, "utf8"));
  const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8").replace(/ +/g, " ");
  const [head = "", , ...rows] = trafficTable(report);
  for (const line of [head, ...rows]) expect(page).toContain(line.replace(/ +/g, " "));
});
