// Reads the lines of a stream: keys from stdin, or a record.

import { addAbortSignal, type Readable } from "node:stream";

/** A given text, and why it is not a key. */
export type Impossible = { readonly given: string; readonly reason: string };

const END = 0x0a;

/** Bytes. No key and no URL of one is as long, and longer lines are not kept in memory. */
const LONGEST = 65_536;
const SHOWN = 80;

/**
 * The lines of a stream, as they come. Spaces are kept; a CR at the end and empty lines are left out. (The
 * line reader of Node.js also ends a line at U+2028, which a key may have.)
 * @param stop ends them
 */
export async function* linesOf(
  input: Readable,
  stop: AbortSignal,
): AsyncGenerator<string | Impossible> {
  addAbortSignal(stop, input);
  const line = lineReader();
  try {
    for await (const chunk of input) {
      const bytes = Buffer.from(chunk);
      let from = 0;
      for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, from)) {
        line.add(bytes.subarray(from, at));
        from = at + 1;
        const read = line.end();
        if (read !== "") yield read;
      }
      line.add(bytes.subarray(from));
    }
    const last = line.end();
    if (last !== "") yield last;
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

/** Joins the pieces of a line, and decodes it. The first line may begin with a byte order mark. */
function lineReader() {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let mark = /^\uFEFF/;
  let pieces: Uint8Array[] = [];
  let length = 0;
  const read = (bytes: Buffer): string | Impossible => {
    try {
      const line = decoder.decode(bytes).replace(/\r$/, "").replace(mark, "");
      mark = /^(?!)/;
      return line;
    } catch {
      return { given: bytes.toString(), reason: "is not UTF-8" };
    }
  };
  return {
    add(piece: Uint8Array): void {
      if (length <= LONGEST && piece.length > 0) pieces.push(piece.slice(0, LONGEST + 1 - length));
      length = Math.min(LONGEST + 1, length + piece.length);
    },
    end(): string | Impossible {
      const bytes = Buffer.concat(pieces);
      const isLong = length > LONGEST;
      pieces = [];
      length = 0;
      if (!isLong) return read(bytes);
      const given = `${bytes.toString("utf8", 0, SHOWN)}…`;
      return { given, reason: "is longer than 64 KiB, which no key is" };
    },
  };
}
