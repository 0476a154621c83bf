// The process that draws SVGs for draw-svg.ts, one message each. It says when it begins with one.

import { isFault } from "../command.ts";
import { loadSharp } from "./load-sharp.ts";
import { BEGUN, brokenBy, readSmall } from "./small.ts";

process.on("SIGINT", () => {}); // Ctrl-C is for the command
// At once: an end that is not forced would wait for what is being drawn.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.on("message", async (svg) => {
  const sharp = loadSharp();
  if (isFault(sharp)) process.send?.({ why: sharp.fault });
  else if (svg instanceof Uint8Array) {
    process.send?.(BEGUN);
    process.send?.(await readSmall(sharp, svg, true).catch(brokenBy));
  }
});
