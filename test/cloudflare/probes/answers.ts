// What the image edge answers (R1 to R10).

import { createHash } from "node:crypto";
import type { Reply } from "../operation.ts";
import {
  type Claim,
  codeOf,
  hasBytes,
  isTransformed,
  listOf,
  PHOTO,
  type Probe,
  pictureOf,
  probe,
  textOf,
} from "../probe.ts";
import {
  createOrigin,
  probeOrigin,
  probeSource,
  putPicture,
  reachOf,
  transformS3,
} from "../sources.ts";

const IMAGE = { width: 8 };

/** What the origin answers, and the edge's code and status for it. */
const FAILURES = [
  [404, "9404", 404],
  [403, "9408", 403],
  [400, "9519", 502],
  [500, "9509", 502],
] as const;

const PASSED = {
  // More than a zone adds for browsers: four hours, if it was not changed.
  "cache-control": "public, max-age=777777",
  "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
};

export const ANSWERS: readonly Probe[] = [
  probeSource("R1", "cf-resized tells the result", async (create) => {
    const reply = await (await create()).transform(IMAGE);
    const failed = await (await create("broken/page.jpg")).transform(IMAGE);
    const isError = /^err=\d{4}\b/.test(failed.headers["cf-resized"] ?? "");
    return [
      [isTransformed(reply), "a picture", reply],
      [isError, "no picture", failed],
    ];
  }),
  probe("R2", "without it the original comes", async (world) => {
    const dev = world.workersDev ?? (world.zone === undefined ? world : undefined);
    if (dev === undefined) return "it needs the Worker on workers.dev";
    const isUntouched = ({ status, headers }: Reply) =>
      status === 200 && headers["cf-resized"] === undefined;
    const ownReply = await (await createOrigin({ ...world, ...dev })).transform(IMAGE);
    const isOwnRight = isTransformed(ownReply) || (isUntouched(ownReply) ? false : undefined);
    const foreign = await transformS3({ ...world, ...dev }, await putPicture(world), IMAGE);
    // Without cf-resized nothing was attempted: the bytes are the original's.
    const isOriginal = isUntouched(foreign) ? hasBytes(foreign, pictureOf(PHOTO)) : undefined;
    return [
      [isOwnRight, "on workers.dev, its own host", ownReply],
      [isOriginal, "on workers.dev, another host (open)", foreign],
    ];
  }),
  probeSource("R3", "codes for the origin's failures", async (_create, world) => {
    const { reachesS3, reachesOrigin } = await reachOf(world);
    const claims: Claim[] = [];
    const read = (reply: Reply, name: string, code: string, status: number) => {
      const text = textOf(reply);
      const isLost = text.startsWith(`ERROR ${code}:`) && !text.includes("NoSuchKey");
      const isRight = codeOf(reply) === code && reply.status === status;
      claims.push([isRight && isLost, name, reply]);
    };
    for (const [status, code, edgeStatus] of reachesOrigin ? FAILURES : []) {
      const { transform } = await createOrigin(world, { status });
      read(await transform(IMAGE), `the origin's ${status}`, code, edgeStatus);
    }
    const missing = await transformS3(world, `${world.run}/missing`, IMAGE);
    if (reachesS3) read(missing, "R2's NoSuchKey", "9404", 404);
    return claims;
  }),
  probeSource("R4", "etag names the original", async (create) => {
    const reply = await (await create()).transform(IMAGE);
    const [, named] = /^"cf[^:]{42}:(.+)"$/.exec(reply.headers["etag"] ?? "") ?? [];
    const isSame = named?.includes(createHash("md5").update(pictureOf(PHOTO)).digest("hex")); // R2's
    return [[isSame === true, "a picture", reply, `etag ${reply.headers["etag"]}`]];
  }),
  probeSource("R5", "the type may be another one", async (create) => {
    const large = { width: 1300, height: 1300, fit: "contain", format: "avif" };
    const reply = await (await create()).transform(large);
    const type = reply.headers["content-type"];
    const isOther = isTransformed(reply) && type !== "image/avif";
    return [[isOther ? "open" : undefined, "an AVIF of 1,300 px", reply, `it came as ${type}`]];
  }),
  probeSource("R6", "warnings", async (create) => {
    const { transform } = await create();
    const cover = await transform({ ...IMAGE, fit: "cover" });
    const same = await transform({ quality: 100, format: "jpeg" });
    const warningOf = ({ headers }: Reply) => headers["warning"] ?? "none";
    const bytes = hasBytes(same, pictureOf(PHOTO)) ? "the original's bytes" : "other bytes";
    const detail = `warning ${warningOf(same)}, with ${bytes}`;
    return [
      [/^cf-images 299 "/.test(warningOf(cover)), "cover with one side", cover, warningOf(cover)],
      [undefined, "open: the same sides, larger", same, detail],
    ];
  }),
  probeOrigin("R7", "the origin's headers", async (create) => {
    const { transform } = await create({ headers: { ...PASSED, "x-amz-meta-probe": "1" } });
    const reply = await transform(IMAGE);
    const lost = Object.entries(PASSED).flatMap(([name, value]) =>
      reply.headers[name] === value ? [] : name,
    );
    const isOut = reply.headers["x-amz-meta-probe"] !== undefined;
    const detail = `missing: ${listOf(lost)}, open: x-amz-meta-probe ${isOut ? "too" : "not"}`;
    return [[lost.length === 0, "cache-control and last-modified", reply, detail]];
  }),
  probeSource("R8", "SVG is sanitised and passed on", async (create) => {
    const { transform } = await create("broken/script.svg");
    const [svg, jpeg] = [await transform(IMAGE), await transform({ ...IMAGE, format: "jpeg" })];
    const isSafe = textOf(svg).includes("<svg") && !textOf(svg).includes("<script");
    const isSvg = svg.headers["content-type"]?.startsWith("image/svg+xml") === true;
    const { "cf-resized": mark = "none", ...headers } = svg.headers; // open: whether there is one
    const detail = `${isSafe ? "sanitised" : "not sanitised"}, open: cf-resized ${mark}`;
    return [
      [svg.status === 200 && isSvg && isSafe, "an SVG", { ...svg, headers }, detail],
      [codeOf(jpeg) === "9412" && jpeg.status === 415, "as JPEG", jpeg],
    ];
  }),
  probeSource("R9", "facts as JSON", async (create) => {
    const file = "made/rotated-gps.jpg"; // of 400 × 300, and turned by its EXIF
    const reply = await (await create(file)).transform({ width: 40, format: "json" });
    const [, json = "{}"] = /^(\{.*\})\s*$/s.exec(textOf(reply)) ?? [];
    const { width, height, original } = JSON.parse(json);
    const { file_size, width: w, height: h, format } = Object(original);
    const isRight = width === 40 && height > 0 && file_size === pictureOf(file).length;
    const open = `open: the original is ${w} × ${h}, of type ${format}`;
    return [[isRight && w > 0 && h > 0, "a turned picture of 400 × 300", reply, open]];
  }),
  probeSource("R10", "304 only for a condition", async (create) => {
    const { transform } = await create();
    const [first, again] = [await transform(IMAGE), await transform(IMAGE)];
    const condition = { "if-none-match": first.headers["etag"] ?? "*" };
    const conditional = await transform(IMAGE, { headers: condition });
    return [
      [first.status === 200 && again.status === 200, "without a condition", again],
      [conditional.status === 304 || undefined, "with one that holds", conditional],
    ];
  }),
];
