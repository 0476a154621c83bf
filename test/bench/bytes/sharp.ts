// The one sharp that all of them encode with: this folder's package.json has the version of the whole repository.

import { createRequire } from "node:module";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { ROOT } from "../../support/built.ts";

const load = createRequire(join(ROOT, "package.json"));

/** The same version in the folder of the repository: the emulator encodes with it. */
const emulatorSharp: typeof sharp = load("sharp");

/** The versions of sharp and of its codecs. */
export const SHARP = JSON.stringify(sharp.versions);

if (SHARP !== JSON.stringify(emulatorSharp.versions)) {
  throw new Error(
    `The emulator has sharp ${emulatorSharp.versions.sharp}, and the others ${sharp.versions.sharp}: write the first into test/bench/bytes/package.json`,
  );
}

/**
 * Has the emulator encode with sharp's default effort, as IPX does. For fast tests it has the lowest one, with which an
 * AVIF of a drawing has up to five times the bytes.
 */
export function useDefaultEffort(): void {
  const encoders: Pick<Sharp, "avif" | "webp"> = emulatorSharp.prototype;
  const { avif, webp } = encoders;

  encoders.avif = function (this: Sharp, options) {
    return avif.call(this, { ...options, effort: undefined });
  };
  encoders.webp = function (this: Sharp, options) {
    return webp.call(this, { ...options, effort: undefined });
  };
}
