// What the image edge answers (R1 to R10).

import {
  type Claim,
  claim,
  codeOf,
  conclude,
  createPicture,
  isMade,
  pictureOf,
  putPicture,
  reachOf,
  transformOwn,
  withOwn,
  withSource,
} from "../claims.ts";
import type { Reply } from "../operation.ts";
import {
  createOrigin,
  notSeen,
  type Probe,
  record,
  s3Url,
  signS3,
  textOf,
  transformS3,
  type Verdict,
  type World,
} from "../probe.ts";

/** A claim with the name of its record. */
type Row = readonly [holds: boolean | undefined, name: string, reply: Reply];

/** Concludes from replies alone. */
function concludeRows(rows: readonly Row[], more: readonly Claim[] = []): Verdict {
  const claims = rows.map(([holds, name, reply]) => claim(holds, name, reply));
  const records = rows.map(([, name, reply]) => record(name, reply));
  return conclude([...claims, ...more], records);
}

async function tellsTheResult(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const made = await (await source())({ width: 8 });
    const failed = await (await source("broken/page.jpg"))({ width: 8 });
    const isError = /^err=\d{4}\b/.test(failed.headers["cf-resized"] ?? "");
    return concludeRows([
      [isMade(made), "a picture", made],
      [isError, "no picture", failed],
    ]);
  });
}

async function sendsTheOriginal(world: World): Promise<Verdict> {
  const dev = world.workersDev ?? (world.zone === undefined ? world : undefined);
  if (dev === undefined) return notSeen("it needs the Worker on workers.dev");
  const { size } = await reachOf(world).then(({ direct }) => direct);
  const isOriginal = (reply: Reply) =>
    reply.status === 200 && reply.headers["cf-resized"] === undefined && reply.size === size;
  const id = await createPicture(world);
  const own = await transformOwn({ ...world, ...dev }, id, { width: 8 });
  const url = s3Url(world, await putPicture(world));
  const cf = { image: { width: 8, "origin-auth": "share-publicly" } };
  const headers = await signS3(world, url);
  const foreign = await dev.send({ type: "fetch", url, headers, cf });
  const isShort = foreign.status === 200 && foreign.headers["cf-resized"] === undefined;
  return concludeRows([
    [isMade(own) || (isOriginal(own) ? false : undefined), "on workers.dev, the same host", own],
    // Without cf-resized nothing was attempted: the bytes are the original's.
    [isOriginal(foreign) || (isShort ? false : isMade(foreign) || undefined), "R2's host", foreign],
  ]);
}

/** What the origin answers, and the edge's code and status for it. */
const FAILURES = [
  [404, "9404", 404],
  [403, "9408", 403],
  [400, "9519", 502],
  [500, "9509", 502],
] as const;

async function losesTheOriginsAnswer(world: World): Promise<Verdict> {
  const { reachesS3, reachesOwn } = await reachOf(world);
  const rows: Row[] = [];
  const add = (reply: Reply, name: string, code: string, status: number) => {
    const isRight = codeOf(reply) === code && reply.status === status;
    rows.push([isRight && textOf(reply).startsWith(`ERROR ${code}:`), name, reply]);
  };
  for (const [status, code, shown] of reachesOwn ? FAILURES : []) {
    const id = await createOrigin(world, { status });
    add(await transformOwn(world, id, { width: 8 }), `the origin's ${status}`, code, shown);
  }
  if (reachesS3) {
    const missing = await transformS3(world, `${world.run}/missing`, { width: 8 });
    add(missing, "R2's NoSuchKey", "9404", 404);
  }
  if (rows.length === 0) return notSeen("the edge transforms no source of this run");
  const isKept = rows.some(([, , reply]) => textOf(reply).includes("NoSuchKey"));
  return concludeRows(rows, [[!isKept, `S3's code is ${isKept ? "shown" : "lost"}`]]);
}

/** The entity tag of an original in that of a rendition (R4). */
const ETAG = /^"cf[^:]{42}:(.+)"$/;

async function namesTheOriginal(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const { direct, own, reachesOwn } = await reachOf(world);
    const made = await (await source())({ width: 8 });
    const etag = direct.headers["etag"]?.replaceAll('"', "");
    const [, named] = ETAG.exec(made.headers["etag"] ?? "") ?? [];
    const rows: Row[] = [[named === etag, `etag ${made.headers["etag"]}`, made]];
    if (reachesOwn) {
      const id = await createPicture(world, { hidesEtag: true });
      const without = await transformOwn(world, id, { width: 8 });
      const { etag: other } = without.headers;
      rows.push([other === undefined, `of an origin without one: etag ${other}`, without]);
    }
    return own && concludeRows(rows);
  });
}

async function mayChooseTheType(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const large = { width: 1300, height: 1300, fit: "contain", format: "avif" };
    const reply = await (await source())(large);
    const type = reply.headers["content-type"];
    const isOther = isMade(reply) && type !== "image/avif";
    return concludeRows([[isOther || undefined, `AVIF of 1,300 px came as ${type}`, reply]]);
  });
}

async function warns(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const isWarned = ({ headers }: Reply) => /^cf-images 299 "/.test(headers["warning"] ?? "");
    const ask = await source();
    const cover = await ask({ width: 8, fit: "cover" });
    const same = await ask({ quality: 100, format: "jpeg" });
    const isOriginal = same.size === pictureOf("made/key.jpg").length;
    const bytes = `with ${isOriginal ? "the original's bytes" : "other bytes"}`;
    const shown = (reply: Reply) => `warning ${reply.headers["warning"] ?? "none"}`;
    return concludeRows([
      [isWarned(cover), `cover with a width alone: ${shown(cover)}`, cover],
      [undefined, `open: ${shown(same)}, ${bytes}`, same],
    ]);
  });
}

async function passesHeadersOn(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const sent = {
      "cache-control": "public, max-age=7777",
      "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
      "x-amz-meta-probe": "1",
    };
    const id = await createPicture(world, { headers: sent });
    const reply = await transformOwn(world, id, { width: 8 });
    const lost = ["cache-control", "last-modified"].filter(
      (name) => reply.headers[name] !== Object(sent)[name],
    );
    const isLeaked = reply.headers["x-amz-meta-probe"] !== undefined;
    const open = `open: x-amz-meta-probe ${isLeaked ? "comes" : "does not come"} out`;
    return concludeRows([[lost.length === 0, `not passed on: [${lost}]; ${open}`, reply]]);
  });
}

async function passesSvgOn(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const ask = await source("broken/script.svg");
    const svg = await ask({ width: 8 });
    const jpeg = await ask({ width: 8, format: "jpeg" });
    const text = textOf(svg);
    const isSafe = svg.status === 200 && text.includes("<svg") && !text.includes("<script");
    const type = svg.headers["content-type"] ?? "";
    const isSvg = type.startsWith("image/svg+xml") && isSafe;
    return concludeRows([
      [isSvg, `an SVG ${isSafe ? "without" : "with"} its script`, svg],
      [codeOf(jpeg) === "9412" && jpeg.status === 415, "as JPEG", jpeg],
    ]);
  });
}

async function tellsFacts(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const reply = await (await source("made/rotated-gps.jpg"))({ width: 40, format: "json" });
    let facts: unknown;
    try {
      facts = JSON.parse(textOf(reply));
    } catch {} // no facts
    const { width, height, original } = Object(facts);
    const { file_size, width: w, height: h, format } = Object(original);
    const isRight =
      width === 40 && height > 0 && file_size === pictureOf("made/rotated-gps.jpg").length;
    const sides = `open: an original of 400 × 300 that is turned is ${w} × ${h}, type ${format}`;
    return concludeRows([[isRight && w > 0 && h > 0, sides, reply]]);
  });
}

async function answersConditions(world: World): Promise<Verdict> {
  return withSource(world, async (source) => {
    const ask = await source();
    const first = await ask({ width: 8 });
    const again = await ask({ width: 8 });
    const headers = { "if-none-match": first.headers["etag"] ?? "*" };
    const asked = await ask({ width: 8 }, { headers });
    return concludeRows([
      [first.status === 200 && again.status === 200, "without a condition", again],
      [asked.status === 304 || undefined, "with one that holds", asked],
    ]);
  });
}

export const ANSWERS: readonly Probe[] = [
  { rule: "R1", title: "cf-resized tells the result", run: tellsTheResult },
  { rule: "R2", title: "without it the original comes", run: sendsTheOriginal },
  { rule: "R3", title: "codes for the origin's failures", run: losesTheOriginsAnswer },
  { rule: "R4", title: "etag names the original", run: namesTheOriginal },
  { rule: "R5", title: "the type may be another one", run: mayChooseTheType },
  { rule: "R6", title: "warnings", run: warns },
  { rule: "R7", title: "the origin's headers", run: passesHeadersOn },
  { rule: "R8", title: "SVG is sanitised and passed on", run: passesSvgOn },
  { rule: "R9", title: "facts as JSON", run: tellsFacts },
  { rule: "R10", title: "304 only for a condition", run: answersConditions },
];
