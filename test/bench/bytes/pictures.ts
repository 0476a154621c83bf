// The pictures that are compared, in groups of one kind.

import { CORPUS, type CorpusPicture, corpusBytes } from "../../support/corpus.ts";
import { sha1 } from "./disk.ts";

export type Picture = {
  /** The key of the object. */
  readonly key: string;
  readonly group: string;
  readonly longestSide: number;
  readonly bytes: Uint8Array;
  readonly sha1: string;
};

/** Photographs with longer sides are not made for the web: px. */
const MAX_WEB_SIDE = 1_600;

/** Reads the corpus without animations: `next/image` passes them on as they are. */
export async function readPictures(): Promise<readonly Picture[]> {
  const stills = CORPUS.filter(({ frames }) => frames === 1);
  return Promise.all(stills.map(readPicture));
}

async function readPicture(picture: CorpusPicture): Promise<Picture> {
  const bytes = await corpusBytes(picture.name);
  const longestSide = Math.max(picture.width, picture.height);
  return { key: picture.name, group: groupOf(picture), longestSide, bytes, sha1: sha1(bytes) };
}

function groupOf({ name, type, width, height, isTransparent }: CorpusPicture): string {
  if (isTransparent) return "transparent";
  if (type === "image/gif" || name.includes("palette")) return "palette";
  if (name.includes("screenshot")) return "screenshot";
  if (type === "image/png" || name.includes("lossless")) return "lossless photograph";
  if (Math.max(width, height) > MAX_WEB_SIDE) return "large photograph";
  return height > width ? "web portrait" : "web landscape";
}
