// What the image edge answers (R1 to R10).

import {
  type Claim,
  codeOf,
  conclude,
  createPicture,
  isTransformed,
  listOf,
  pictureOf,
  putPicture,
  reachOf,
  transformOrigin,
  withOrigin,
  withSource,
} from "../claims.ts";
import type { Reply } from "../operation.ts";
import {
  createOrigin,
  notSeen,
  type Probe,
  s3Url,
  signS3,
  textOf,
  transformS3,
  type Verdict,
  type World,
} from "../probe.ts";

async function tellsTheResult(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const reply = await (await create()).ask({ width: 8 });
    const failed = await (await create("broken/page.jpg")).ask({ width: 8 });
    const isError = /^err=\d{4}\b/.test(failed.headers["cf-resized"] ?? "");
    return [
      [isTransformed(reply), "a picture", reply],
      [isError, "no picture", failed],
    ];
  });
}

async function sendsTheOriginal(world: World): Promise<Verdict> {
  const dev = world.workersDev ?? (world.zone === undefined ? world : undefined);
  if (dev === undefined) return notSeen("it needs the Worker on workers.dev");
  const { direct } = await reachOf(world);
  const isUntouched = ({ status, headers }: Reply) =>
    status === 200 && headers["cf-resized"] === undefined;
  const ownHost = await transformOrigin({ ...world, ...dev }, await createPicture(world), {
    width: 8,
  });
  const url = s3Url(world, await putPicture(world));
  const cf = { image: { width: 8, "origin-auth": "share-publicly" } };
  const headers = await signS3(world, url);
  const other = await dev.send({ type: "fetch", url, headers, cf });
  return conclude([
    [
      isTransformed(ownHost) || (isUntouched(ownHost) ? false : undefined),
      "on workers.dev, its own host",
      ownHost,
    ],
    // Without cf-resized nothing was attempted: the bytes are the original's.
    [
      isUntouched(other) ? other.sha256 === direct.sha256 : undefined,
      "on workers.dev, another host",
      other,
      `open: ${isTransformed(other) ? "transformed" : "not transformed"}`,
    ],
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
  return withSource(world, async () => {
    const { reachesS3, reachesOrigin } = await reachOf(world);
    const read = (reply: Reply, name: string, code: string, status: number): Claim => {
      const isRight = codeOf(reply) === code && reply.status === status;
      const isLost = textOf(reply).startsWith(`ERROR ${code}:`) && !/NoSuchKey/.test(textOf(reply));
      return [isRight && isLost, name, reply];
    };
    const claims: Claim[] = [];
    for (const [status, code, edgeStatus] of reachesOrigin ? FAILURES : []) {
      const id = await createOrigin(world, { status });
      const reply = await transformOrigin(world, id, { width: 8 });
      claims.push(read(reply, `the origin's ${status}`, code, edgeStatus));
    }
    if (!reachesS3) return claims;
    const missing = await transformS3(world, `${world.run}/missing`, { width: 8 });
    return [...claims, read(missing, "R2's NoSuchKey", "9404", 404)];
  });
}

async function namesTheOriginal(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { direct, reachesOrigin } = await reachOf(world);
    const reply = await (await create()).ask({ width: 8 });
    const [, named] = /^"cf[^:]{42}:(.+)"$/.exec(reply.headers["etag"] ?? "") ?? [];
    const isSame = named !== undefined && direct.headers["etag"]?.includes(named) === true;
    const claims: Claim[] = [[isSame, "a picture", reply, `etag ${reply.headers["etag"]}`]];
    if (!reachesOrigin) return claims;
    const id = await createPicture(world, { hidesEtag: true });
    const without = await transformOrigin(world, id, { width: 8 });
    const { etag } = without.headers;
    return [...claims, [etag === undefined, "of an origin without one", without, `etag ${etag}`]];
  });
}

async function mayChooseTheType(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const large = { width: 1300, height: 1300, fit: "contain", format: "avif" };
    const reply = await (await create()).ask(large);
    const type = reply.headers["content-type"];
    const isOther = isTransformed(reply) && type !== "image/avif";
    return [[isOther || undefined, "an AVIF of 1,300 px", reply, `it came as ${type}`]];
  });
}

async function warns(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { ask } = await create();
    const cover = await ask({ width: 8, fit: "cover" });
    const same = await ask({ quality: 100, format: "jpeg" });
    const isOriginal = same.size === pictureOf("made/key.jpg").length;
    const warningOf = ({ headers }: Reply) => `warning ${headers["warning"] ?? "none"}`;
    const isWarned = /^cf-images 299 "/.test(cover.headers["warning"] ?? "");
    const whose = isOriginal ? "the original's bytes" : "other bytes";
    return [
      [isWarned, "cover with one side", cover, warningOf(cover)],
      [undefined, "open: the same sides, larger", same, `${warningOf(same)}, with ${whose}`],
    ];
  });
}

async function passesHeadersOn(world: World): Promise<Verdict> {
  return withOrigin(world, async () => {
    const passed = {
      "cache-control": "public, max-age=7777",
      "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
    };
    const id = await createPicture(world, { headers: { ...passed, "x-amz-meta-probe": "1" } });
    const reply = await transformOrigin(world, id, { width: 8 });
    const lost = Object.entries(passed).filter(([name, value]) => reply.headers[name] !== value);
    const missing = `missing: ${listOf(lost.map(([name]) => name))}`;
    const isLeaked = reply.headers["x-amz-meta-probe"] !== undefined;
    const open = `open: x-amz-meta-probe ${isLeaked ? "comes" : "does not come"} out`;
    return [[lost.length === 0, "cache-control and last-modified", reply, `${missing}, ${open}`]];
  });
}

async function passesSvgOn(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { ask } = await create("broken/script.svg");
    const svg = await ask({ width: 8 });
    const jpeg = await ask({ width: 8, format: "jpeg" });
    const text = textOf(svg);
    const isSafe = text.includes("<svg") && !text.includes("<script");
    const isSvg = svg.headers["content-type"]?.startsWith("image/svg+xml") === true;
    const marked = svg.headers["cf-resized"] === undefined ? "without" : "with";
    const script = isSafe ? "sanitised" : "not sanitised";
    return [
      [svg.status === 200 && isSvg && isSafe, "an SVG", svg, `${script}, ${marked} cf-resized`],
      [codeOf(jpeg) === "9412" && jpeg.status === 415, "as JPEG", jpeg],
    ];
  });
}

async function tellsFacts(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const file = "made/rotated-gps.jpg"; // of 400 × 300, and turned by its EXIF
    const reply = await (await create(file)).ask({ width: 40, format: "json" });
    const [, json = "{}"] = /^(\{.*\})\s*$/s.exec(textOf(reply)) ?? [];
    const { width, height, original } = JSON.parse(json);
    const { file_size, width: w, height: h, format } = Object(original);
    const isRight = width === 40 && height > 0 && file_size === pictureOf(file).length;
    const open = `open: the original is ${w} × ${h}, of type ${format}`;
    return [[isRight && w > 0 && h > 0, "a turned picture of 400 × 300", reply, open]];
  });
}

async function answersConditions(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { ask } = await create();
    const { headers, status } = await ask({ width: 8 });
    const again = await ask({ width: 8 });
    const condition = { "if-none-match": headers["etag"] ?? "*" };
    const conditional = await ask({ width: 8 }, { headers: condition });
    return [
      [status === 200 && again.status === 200, "without a condition", again],
      [conditional.status === 304 || undefined, "with one that holds", conditional],
    ];
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
