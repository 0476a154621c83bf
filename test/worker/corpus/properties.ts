// What holds for any picture that the engine can decode, whatever its sides, its bytes, the browser and the switches of
// the edge. A case is one picture in one variant for one browser: it is asked for, and then asked for again.

import sharp from "sharp";
import { expect } from "vitest";
import { renditionSize } from "../../../src/url/rendition-size.ts";
import { configOf } from "../../support/config-of.ts";
import { type Env, envOf } from "../../support/engines.ts";
import { arrange, forgetCached, getAndSettle, put, stage, wait } from "../../support/run-worker.ts";
import { ANSWERS, store } from "../../support/worker-with-store.ts";
import { type Case, DEFAULT_SWITCHES, PRESETS, type Variant } from "./cases.ts";
import { endOfImage } from "./end-of-image.ts";

export const PROPERTIES = {
  P1: "if no side grew, at most 1.2 times the bytes of the object, and 2 KB",
  P2: "200, in a type that the browser reads",
  P3: "the second request is answered out of the store, and the edge is not asked",
  P4: "while S3 is down, or its keys are dead, the same picture is shown",
  P6: "transparent pixels stay, without metadata, and no byte behind the end",
} as const;

type PropertyName = keyof typeof PROPERTIES;

/** Whether a property held in one case, or what came instead. */
type Result = { readonly property: PropertyName; readonly mistake: string | undefined };

/** What one case showed. */
export type Outcome = {
  readonly results: readonly Result[];
  /** For P5: how often the edge was asked by the first request, at its default switches. */
  readonly edgeRequests: { readonly count: number; readonly isShrunk: boolean } | undefined;
};

type Reply = {
  readonly status: number;
  readonly type: string;
  /** Where the Worker says that the picture came from. */
  readonly timing: string;
  readonly body: Buffer;
};

/** A picture that came, as sharp reads it. */
type Rendition = {
  readonly type: string;
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  /** The names of its metadata. */
  readonly metadata: readonly string[];
};

const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];

/** Call it in a test of its own: each has its own store, and run-worker.ts checks after it that no original came out. */
export async function tryCase(tested: Case): Promise<Outcome> {
  const { subject, switches, engine } = tested;
  const object = await subject.readBytes();
  arrange(switches.settings);
  put(subject.name, object, { type: "application/octet-stream" });

  const env = envOf(engine, { PRESETS, ROUTES, ANSWERS, RENDITIONS: store });

  const reply = await visit(tested, env);
  const count = stage.edgeRequests.length;
  const rendition = await readRendition(reply);
  const isReadable: Result = { property: "P2", mistake: findWrongType(tested, reply, rendition) };
  if (!rendition) return { results: [isReadable], edgeRequests: undefined };

  const results = [
    isReadable,
    { property: "P1", mistake: await findTooManyBytes(tested, object, rendition) },
    { property: "P6", mistake: await findLoss(tested, rendition) },
  ] satisfies Result[];

  // What the edge does not name is not stored (R4).
  const isNamed = engine === "binding" || switches.settings.namesOriginal !== false;
  if (isNamed && rendition.bytes.length <= MAX_STORED_BYTES) {
    results.push({ property: "P3", mistake: await findNotStored(tested, reply, env) });
    results.push({ property: "P4", mistake: await findNotShown(tested, reply, env) });
  }

  const isCounted = engine === "cf" && switches === DEFAULT_SWITCHES;
  const isShrunk = isMadeSmaller(tested);

  return { results, edgeRequests: isCounted ? { count, isShrunk } : undefined };
}
const MAX_STORED_BYTES = 8 * 1024 * 1024;

async function visit({ subject, variant, browser }: Case, env: Env): Promise<Reply> {
  const path = `/images/${variant.name}/${subject.name}`;
  const answer = await getAndSettle(path, { headers: { accept: browser.accept } }, env);

  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "none",
    timing: answer.headers.get("server-timing") ?? "none",
    body: Buffer.from(await answer.arrayBuffer()),
  };
}

/** @returns undefined if no picture came */
async function readRendition({ status, body }: Reply): Promise<Rendition | undefined> {
  if (status !== 200) return undefined;

  const { format, width, height, ...metadata } = await sharp(body).metadata();
  const type = format === "heif" ? "image/avif" : `image/${format}`;
  const names = METADATA.filter((name) => metadata[name] !== undefined);
  return { type, bytes: body, width, height, metadata: names };
}
const METADATA = ["exif", "xmp", "iptc", "icc", "comments", "orientation"] as const;

/** P2 */
function findWrongType(
  { variant, browser }: Case,
  reply: Reply,
  rendition: Rendition | undefined,
): string | undefined {
  if (!rendition) return describe(reply);

  const { avif, webp } = variant.format === "auto" ? browser : READERS[variant.format];
  const types = ["image/jpeg", "image/png"];
  if (webp) types.push("image/webp");
  if (avif) types.push("image/avif");

  if (rendition.type !== reply.type) return `${describe(reply)}, which is ${rendition.type}`;

  return types.includes(reply.type) ? undefined : describe(reply);
}

/** What all browsers are supposed to read if a preset names a format. */
const READERS = {
  jpeg: { avif: false, webp: false },
  webp: { avif: false, webp: true },
  avif: { avif: true, webp: true },
} as const satisfies Record<Exclude<Variant["format"], "auto">, unknown>;

/** P1 */
async function findTooManyBytes(
  tested: Case,
  object: Uint8Array,
  rendition: Rendition,
): Promise<string | undefined> {
  if (!hasNoLongerSide(tested, rendition)) return undefined;

  const { hasAlpha } = await sharp(object).metadata();
  const isPng = rendition.type === "image/png";
  if (isPng && hasAlpha && mustBePng(tested, rendition)) return undefined;

  const { width, height, type, bytes } = rendition;
  if (bytes.length <= 1.2 * object.length + 2048) return undefined;

  return `${type} of ${width} × ${height} px, ${bytes.length} bytes of ${object.length}`;
}

/**
 * The exception of P1 for a picture that says of itself that it has transparency, since P6 and P2 come before it: of the
 * types that this browser reads, PNG alone has transparent pixels at these sides.
 */
function mustBePng({ variant, browser }: Case, { width, height }: Rendition): boolean {
  if (variant.format === "jpeg") return false;

  const { avif, webp } = variant.format === "auto" ? browser : READERS[variant.format];
  const canBeAvif = avif && Math.max(width, height) <= MAX_AVIF_SIDE;
  return !webp && !canBeAvif;
}
const MAX_AVIF_SIDE = 1_200;

/** P6 */
async function findLoss(
  { subject, variant }: Case,
  { type, bytes, metadata }: Rendition,
): Promise<string | undefined> {
  if (subject.isTransparent && variant.format !== "jpeg") {
    const { isOpaque } = await sharp(bytes).stats();
    if (isOpaque) return `${type}, not transparent`;
  }

  if (metadata.length > 0) return `${type} with ${metadata.join(", ")}`;

  const imageLength = endOfImage(type, bytes);
  if (imageLength === bytes.length) return undefined;

  return `${type} of ${bytes.length} bytes, which ends at ${imageLength}`;
}

/** P3: Workers Cache has forgotten the picture. */
async function findNotStored(tested: Case, first: Reply, env: Env): Promise<string | undefined> {
  const before = countRenders();
  forgetCached();
  const second = await visit(tested, env);
  const renders = countRenders() - before;
  if (renders > 0) return `${describe(second)}, ${renders} more made`;
  return isStored(second, first) ? undefined : describe(second);
}

/** How often the edge was asked, and the binding made a picture. */
const countRenders = () => stage.edgeRequests.length + stage.edge.transformations.size;

/** P4, in new isolates: they know nothing of S3. */
async function findNotShown(tested: Case, first: Reply, env: Env): Promise<string | undefined> {
  wait(60); // what was just stored is not shown yet
  for (const fault of ["SlowDown", "revoked-key"] as const) {
    stage.s3.faults.add(fault);
    forgetCached();
    const reply = await visit(tested, { ...env });
    stage.s3.faults.clear();
    if (!isStored(reply, first)) return `with ${fault}: ${describe(reply)}`;
  }

  return undefined;
}

function isStored(reply: Reply, first: Reply): boolean {
  const isSame = reply.status === 200 && reply.type === first.type && reply.body.equals(first.body);
  return isSame && reply.timing === "cache;desc=stored";
}

function hasNoLongerSide({ subject }: Case, { width, height }: Rendition): boolean {
  return width <= subject.width && height <= subject.height;
}

const { variants } = configOf({ PRESETS });

/** Returns whether the variant is smaller than the picture. One pixel less, the last rung of the ladder, does not count. */
function isMadeSmaller({ subject, variant }: Case): boolean {
  const { image } = variants.get(variant.name) ?? expect.unreachable(variant.name);
  const { width, height } = renditionSize(subject, image) ?? expect.unreachable(variant.name);

  return (
    width <= subject.width &&
    height <= subject.height &&
    width * height < subject.width * subject.height
  );
}

function describe({ status, type, timing, body }: Reply): string {
  return `${status} ${type}, ${body.length} bytes, ${timing}`;
}
