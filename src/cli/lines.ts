// Keys on stdin, one a line.

import type { Readable } from "node:stream";

/** What is given, and why it is no key. */
export type Impossible = { readonly given: string; readonly reason: string };

const END = 0x0a;

/**
 * The lines of stdin as they come: as they are, spaces and all, but without a CR at the end and without
 * empty ones. Those of Node.js end at U+2028, too, which a key may have in it.
 * @param stop ends them
 */
export async function* linesOf(
  stdin: Readable,
  stop: AbortSignal,
): AsyncGenerator<string | Impossible> {
  const end = () => void stdin.destroy();
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  const read = lineReader();
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stdin) {
      rest = Buffer.concat([rest, Buffer.from(chunk)]);
      let from = 0;
      for (let at = rest.indexOf(END); at >= 0; at = rest.indexOf(END, from)) {
        const line = read(rest.subarray(from, at));
        from = at + 1;
        if (line !== "") yield line;
      }
      rest = rest.subarray(from);
    }
    const last = read(rest);
    if (last !== "") yield last;
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener("abort", end);
  }
}

/** What reads one line after the other. The first one may begin with a byte order mark. */
function lineReader(): (bytes: Uint8Array) => string | Impossible {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let mark = /^\uFEFF/;
  return (bytes) => {
    try {
      const line = decoder.decode(bytes).replace(/\r$/, "").replace(mark, "");
      mark = /^(?!)/;
      return line;
    } catch {
      return { given: Buffer.from(bytes).toString(), reason: "is not UTF-8" };
    }
  };
}
