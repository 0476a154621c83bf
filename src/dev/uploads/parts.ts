// Uploads in parts, which SDKs make of larger files. The parts are in memory until the upload is completed; then the
// object is put whole, as any other. So the limits count: of uploads, of bytes in all, and of time.

import { hash, randomUUID } from "node:crypto";
import { XMLParser } from "fast-xml-parser";
import { MAX_ORIGINAL_BYTES } from "../../cli/http/ask-s3.ts";
import { tableOf } from "../../worker/util/json.ts";
import { refuseUpload, type UploadRefusal } from "./refusal.ts";

const MAX_UPLOADS = 8;
/** Of the parts of all uploads. One upload has 100 MB at most. */
const MAX_BYTES_OF_ALL = 4 * MAX_ORIGINAL_BYTES;
/** An upload that nobody has touched for so long is dropped: ms. */
const MAX_IDLE_MS = 10 * 60_000;
const MAX_PART_NUMBER = 10_000;
/** S3 takes smaller parts only at the end: bytes. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

type PartUpload = {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Buffer>;
  touched: number;
};

/** The object that an upload belongs to, and its id. */
export type PartTarget = {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
};

export type WholeObject = {
  readonly kind: "object";
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
};

const NO_UPLOAD = refuseUpload("NoSuchUpload", "There is no such upload, or it has ended");
const TOO_LARGE = refuseUpload("EntityTooLarge", "The object is larger than 100 MB");
const SLOW_DOWN = refuseUpload("SlowDown", "Too many uploads in parts are open");
const NO_XML = refuseUpload("MalformedXML", "The body is no CompleteMultipartUpload");

export type PartStore = ReturnType<typeof createPartStore>;

/** @param now ms since 1970 */
export function createPartStore(now: () => number) {
  const uploads = new Map<string, PartUpload>();

  const find = ({ bucket, key, uploadId }: PartTarget): PartUpload | undefined => {
    const upload = uploads.get(uploadId);
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) return undefined;
    upload.touched = now();
    return upload;
  };

  return {
    /** @returns the id of the upload */
    begin(bucket: string, key: string, headers: PartUpload["headers"]): string | UploadRefusal {
      for (const [id, { touched }] of uploads) {
        if (now() - touched > MAX_IDLE_MS) uploads.delete(id);
      }
      if (uploads.size >= MAX_UPLOADS) return SLOW_DOWN;

      const uploadId = randomUUID();
      uploads.set(uploadId, { bucket, key, headers, parts: new Map(), touched: now() });
      return uploadId;
    },

    add(target: PartTarget, partNumber: number, body: Buffer): UploadRefusal | undefined {
      const upload = find(target);
      if (upload === undefined) return NO_UPLOAD;
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PART_NUMBER) {
        return refuseUpload(
          "InvalidArgument",
          "Part number must be an integer between 1 and 10000",
        );
      }

      const replaced = upload.parts.get(partNumber)?.length ?? 0;
      const added = body.length - replaced;
      if (bytesOf(upload) + added > MAX_ORIGINAL_BYTES) return TOO_LARGE;

      let bytesOfAll = added;
      for (const other of uploads.values()) bytesOfAll += bytesOf(other);
      if (bytesOfAll > MAX_BYTES_OF_ALL) return SLOW_DOWN;

      upload.parts.set(partNumber, body);
      return undefined;
    },

    /** Joins the parts that the client names. The upload stays until `remove`. */
    join(target: PartTarget, xml: string): WholeObject | UploadRefusal {
      const upload = find(target);
      if (upload === undefined) return NO_UPLOAD;

      const listed = readParts(xml);
      if (listed === undefined) return NO_XML;

      const numbers = listed.map(({ partNumber }) => partNumber);
      if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
        return refuseUpload("InvalidPartOrder", "The parts must be in ascending order");
      }

      const bodies: Buffer[] = [];
      for (const [index, { partNumber, etag }] of listed.entries()) {
        const part = upload.parts.get(partNumber);
        if (part === undefined || hash("md5", part) !== etag) {
          return refuseUpload("InvalidPart", "A part is missing, or its ETag is another one");
        }
        if (index < listed.length - 1 && part.length < MIN_PART_BYTES) {
          return refuseUpload("EntityTooSmall", "Only the last part may be smaller than 5 MiB");
        }
        bodies.push(part);
      }
      return { kind: "object", body: Buffer.concat(bodies), headers: upload.headers };
    },

    /** @returns whether there was such an upload */
    remove(target: PartTarget): boolean {
      return find(target) !== undefined && uploads.delete(target.uploadId);
    },
  };
}

function bytesOf({ parts }: PartUpload): number {
  let bytes = 0;
  for (const part of parts.values()) bytes += part.length;
  return bytes;
}

type ListedPart = { readonly partNumber: number; readonly etag: string };

const parser = new XMLParser({ isArray: (name) => name === "Part", parseTagValue: false });

/** @returns undefined: this is no list of parts, or an empty one */
function readParts(xml: string): readonly ListedPart[] | undefined {
  let root: unknown;
  try {
    root = parser.parse(xml, true);
  } catch {
    return undefined;
  }

  const { Part } = tableOf(tableOf(root)["CompleteMultipartUpload"]);
  if (!Array.isArray(Part) || Part.length === 0) return undefined;
  return Part.map((part: unknown) => {
    const { PartNumber, ETag } = tableOf(part);
    return { partNumber: Number(PartNumber), etag: `${ETag}`.replaceAll(/^"|"$/g, "") };
  });
}
