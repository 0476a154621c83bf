// Lists the objects of the local buckets for the contact sheet, and identifies each by its bytes.

import { readLocalKeys } from "../../cli/config/local-run.ts";
import { doubtfulFormatOf } from "../../cli/picture/predict-refusal.ts";
import { requireSharp } from "../../emulator/edge/sharp.ts";
import type { Switches } from "../../emulator/edge/switches.ts";
import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { sniff } from "../../worker/origin/sniff.ts";
import { listBucket, sendToS3 } from "../local-bucket.ts";
import type { LocalObject } from "./sheet-objects.ts";

/** What the bytes of an object say. */
type Identity = Pick<LocalObject, "picture" | "format">;

/** The identities of objects that were listed before, by bucket, key and ETag. */
type Identities = Map<string, Promise<Identity>>;

/** Creates a function that lists buckets. If the local S3 does not answer now, it returns the last list. */
export function createObjectList(switches: Switches) {
  const identities: Identities = new Map();
  let lastObjects: readonly LocalObject[] = [];

  return async (buckets: readonly Bucket[]): Promise<readonly LocalObject[]> => {
    try {
      const lists = buckets.map((bucket) => listWithIdentities(bucket, identities, switches));
      lastObjects = withoutRepeatedKeys(await Promise.all(lists));
    } catch {
      // The terminal says why there is no Worker.
      identities.clear();
    }
    return lastObjects;
  };
}

async function listWithIdentities(
  bucket: Bucket,
  identities: Identities,
  switches: Switches,
): Promise<readonly LocalObject[]> {
  const s3Keys = readLocalKeys(".");
  const listed = await listBucket(bucket, s3Keys);

  const objects = listed.map(async ({ key, etag = "", bytes = 0 }) => {
    const id = `${bucket.baseUrl}${key} ${etag}`;
    const identifying = identities.get(id) ?? sendToS3("GET", bucket, key, s3Keys).then(identify);
    identities.set(id, identifying);

    const identity = withSwitches(await identifying, switches);
    return { key, etag, bytes, ...identity };
  });
  return Promise.all(objects);
}

/** A key that several buckets have stands for one picture of the page, as in the first of these buckets. */
function withoutRepeatedKeys(lists: readonly (readonly LocalObject[])[]): LocalObject[] {
  const objects = new Map<string, LocalObject>();
  for (const object of lists.flat()) {
    const isPossible = keyFault(object.key) === undefined;
    if (isPossible && !objects.has(object.key)) objects.set(object.key, object);
  }
  return [...objects.values()];
}

/** An AVIF is a picture as any other where the switches say that the account may have it (L1). */
export function withSwitches({ picture, format }: Identity, switches: Switches): Identity {
  const isOrdinary = format === "AVIF" && switches.avifInput;
  return { picture, format: isOrdinary ? undefined : format };
}

/** Reads the format of an object by its bytes, and its size if this machine can: sharp knows no JPEG XL. */
export async function identify(body: Uint8Array): Promise<Identity> {
  const format = doubtfulFormatOf(body);

  try {
    const head = await requireSharp()(body, { limitInputPixels: false }).metadata();
    const picture = { format: head.format, ...head.autoOrient, type: sniff(body) };
    return { picture, format };
  } catch {
    // The message of sharp would not help the user. Nobody can show a damaged SVG.
    return { picture: undefined, format: format === "SVG" ? undefined : format };
  }
}
