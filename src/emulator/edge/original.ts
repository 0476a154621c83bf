// What the edge makes of the bytes that an origin sent: an image that it reads, or the reason why not.

import sharp from "sharp";
import type { Fault } from "./faults.ts";
import type { Switches } from "./switches.ts";

/** What sharp calls the formats that the edge reads (L1). */
const TYPES = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heif: "image/avif", // of this family, sharp's own build decodes AVIF alone
} as const;

/** An image that the edge can transform. */
export type Original = {
  readonly bytes: Uint8Array;
  readonly type: (typeof TYPES)[keyof typeof TYPES];
  /** As stored: before the rotation that EXIF asks for (O9), and of one frame. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
};

/** An SVG, which is passed on and not resized (R8). */
export type Drawing = { readonly svg: string };

/** Reads an original; what it is, its bytes say, and not its content-type. */
export async function readOriginal(
  bytes: Uint8Array,
  { limits, avifInput }: Pick<Switches, "limits" | "avifInput">,
): Promise<Original | Drawing | Fault> {
  const start = String.fromCharCode(...bytes.subarray(0, 1024));
  if (
    /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE svg[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg[\s>]/is.test(
      start,
    )
  ) {
    return { svg: new TextDecoder().decode(bytes) };
  }
  const kind = /^\xff\xd8\xff/.test(start)
    ? "jpeg"
    : /^\x89PNG\r\n/.test(start)
      ? "png"
      : /^GIF8[79]a/.test(start)
        ? "gif"
        : /^RIFF.{4}WEBP/s.test(start)
          ? "webp"
          : (/^.{4}ftyp(avif|avis|heic|heix|hevc|hevx|heim|heis|mif1|msf1)/s.exec(start)?.[1] ??
            "");
  if (/^(?:he|m[is]f)/.test(kind)) {
    throw new Error("the strict edge cannot read HEIC, which the edge accepts (L1)");
  }
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return "9520/415"; // L1: TIFF
  if (kind === "") return "9412/415";
  if (kind.startsWith("avi") && !avifInput) return "9520/415"; // L1

  const found = await sharp(bytes, { limitInputPixels: false, failOn: "none" })
    .metadata()
    .catch(() => undefined);
  const type = Object.entries(TYPES).find(([name]) => name === found?.format)?.[1];
  if (found === undefined || type === undefined) return "9516/422";
  const { width, height, pages: frames = 1 } = found; // of one frame, since not all were asked for
  if (Math.max(width, height) > limits.side) return "9413/403"; // L1
  if (width * height > limits.pixels) return "9413/403"; // L1
  return { bytes, type, width, height, frames };
}

/** An SVG without what could run or load in it (R8): the worst of it, not all that is known. */
export function sanitise({ svg }: Drawing): Uint8Array {
  const harmless = svg
    .replace(/<(script|foreignObject|iframe)\b.*?<\/\1\s*>/gis, "")
    .replace(/<(script|foreignObject|iframe)\b[^>]*\/?>/gi, "")
    .replace(/\son\w+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi, "")
    .replace(/\s(?:xlink:)?href\s*=\s*(?:"(?!#)[^"]*"|'(?!#)[^']*')/gi, "");
  return new TextEncoder().encode(harmless);
}
