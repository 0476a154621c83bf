// The data points of the local run: from the Worker, by its log, into the file that `vitrine stats --local` reads.

import { mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { olderPointsFile, pointsFile, readLocalPoints } from "../../src/cli/metrics/points.ts";
import { createPointsLog as createLog } from "../../src/dev/local-points.ts";
import { localGateway } from "../../src/dev/local-worker.ts";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { isDataset, record } from "../../src/worker/log/metrics.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

type Gateway = { fetch(request: Request, env: object, run: ExecutionContext): Promise<Response> };

const MARKER = "x-vitrine-secret ";

/** The log of a local run, in which nothing may fail. */
const createPointsLog = (folder: string, environment?: string, maxBytes?: number) =>
  createLog({
    folder,
    marker: MARKER,
    environment,
    warn: expect.unreachable,
    ...(maxBytes !== undefined && { maxBytes }),
  });

function createFolder(): string {
  const folder = createTemporaryFolder("vitrine-points-");
  mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  return folder;
}

test("each request of the Worker becomes a data point, and a line of the log that looks like one does not", async () => {
  const folder = createFolder();
  const takePoint = createPointsLog(folder);
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => {
    if (!takePoint(line)) lines.push(line);
  });

  const gateway: Gateway = localGateway({
    async fetch(request, env) {
      expect("METRICS" in env && isDataset(env.METRICS)).toBe(true);
      const answer = new Response("a picture", { headers: { "content-length": "9" } });
      record(env, answer, { preset: "card", bucket: "media", cache: "miss" }, "shown", Date.now());
      console.log(`GET ${new URL(request.url).pathname}`);
      return answer;
    },
  });
  const env = { LOCAL_EDGE: "http://localhost:9/none", LOCAL_POINTS: MARKER };
  const local = createCache().entrypoint((run: ExecutionContext) => ({
    fetch: async (request: Request) => gateway.fetch(request, env, run),
  }));
  const forged = '{"time":1,"blobs":["","","","200","shown","hit",""],"doubles":[1,1]}';
  await local.fetch(new Request(`http://localhost:8787/${encodeURIComponent(forged)}`));

  expect(lines).toEqual([`GET /${encodeURIComponent(forged)}`]);
  expect(readLocalPoints(folder, undefined)).toEqual({
    points: [
      {
        time: expect.any(Number),
        weight: 1,
        blobs: ["", "card", "", "200", "shown", "miss", "media"],
        doubles: [expect.any(Number), 9],
      },
    ],
    unreadable: 0,
  });
});

test("the file is its owner's alone, stays small, and has the newest points", () => {
  const folder = createFolder();
  const takePoint = createPointsLog(folder, "staging", 1000);
  const blobs = ["", "", "", "200", "", "", ""];
  for (let time = 1; time <= 100; time += 1) {
    takePoint(MARKER + JSON.stringify({ time, blobs, doubles: [0, 0] }));
  }

  const { mode, size } = statSync(join(folder, pointsFile("staging")));
  expect([mode & 0o777, size < 1100]).toEqual([0o600, true]);
  const times = readLocalPoints(folder, "staging")?.points.map(({ time }) => time) ?? [];
  expect(times.length).toBeGreaterThan(10);
  expect(times).toEqual(Array.from(times, (_, index) => 100 - times.length + 1 + index));

  // Another local run goes on with the same file.
  const next = createPointsLog(folder, "staging", 1000);
  next(MARKER + JSON.stringify({ time: 101, blobs, doubles: [0, 0] }));
  expect(readLocalPoints(folder, "staging")?.points.at(-1)?.time).toBe(101);
  expect(readLocalPoints(folder, undefined)).toBeUndefined();
});

const pointAt = (time: number) =>
  JSON.stringify({ time, blobs: ["", "", "", "200", "", "", ""], doubles: [0, 0] });

// A line has 61 bytes, so 75 are full with one of them and a half.
test.each([
  { title: "the file of an earlier local run", maxBytes: 1000 },
  { title: "a file that was full, and became the older one", maxBytes: 75 },
])("half a line at the end of $title loses no request after it", ({ maxBytes }) => {
  const folder = createFolder();
  const file = join(folder, pointsFile(undefined));
  writeFileSync(file, `${pointAt(1)}\n{"time":2,"blo`);

  const takePoint = createPointsLog(folder, undefined, maxBytes);
  takePoint(MARKER + pointAt(3));
  takePoint(MARKER + pointAt(4));
  const local = readLocalPoints(folder, undefined);
  expect(local?.points.map(({ time }) => time)).toEqual([1, 3, 4]);
  expect(local?.unreadable).toBe(1);
});

test("a local run that was killed while it began a new file leaves the requests of the older one", () => {
  const folder = createFolder();
  createPointsLog(folder)(MARKER + pointAt(1));
  const file = join(folder, pointsFile(undefined));
  renameSync(file, olderPointsFile(file));
  expect(readLocalPoints(folder, undefined)?.points.map(({ time }) => time)).toEqual([1]);
});

test.each<{ title: string; spoil: (file: string) => void; isAtStart: boolean }>([
  { title: "is a folder", spoil: (file) => mkdirSync(file), isAtStart: true },
  { title: "is on a full disk", spoil: (file) => symlinkSync("/dev/full", file), isAtStart: false },
])("where the file $title, the local run goes on, and says so once", ({ spoil, isAtStart }) => {
  const folder = createFolder();
  const file = join(folder, pointsFile(undefined));
  const warnings: string[] = [];
  const settings = { folder, marker: MARKER, warn: (text: string) => void warnings.push(text) };
  if (isAtStart) spoil(file);
  const takePoint = createLog(settings);
  if (!isAtStart) spoil(file);

  // The lines begin with the secret word, so none of them may be printed.
  expect([takePoint(MARKER + pointAt(1)), takePoint(MARKER + pointAt(2))]).toEqual([true, true]);
  expect(takePoint("GET /")).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(/cannot be kept.*(?:EISDIR|ENOSPC)/)]);
});
