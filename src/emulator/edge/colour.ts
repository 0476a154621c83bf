// CSS colours, as far as sharp can read them.

import { loadSharp } from "./sharp.ts";

/** Returns a colour, or undefined if sharp cannot read it. */
export function readableColour(css: string | undefined): string | undefined {
  if (css === undefined) return undefined;
  const sharp = loadSharp();
  try {
    sharp({ create: { width: 1, height: 1, channels: 4, background: css } });
    return css;
  } catch {
    return undefined;
  }
}
