// Reads the lines of a stream, such as keys from stdin.

import { addAbortSignal, type Readable } from "node:stream";

/** The rest of a longer line is not kept in memory: it is no key (A10) and no URL of one. Characters. */
const MAX_LENGTH = 8_192;

/**
 * The lines of a stream, as they come. Spaces are kept; a byte order mark, a CR at the end and empty lines are left
 * out. What is not UTF-8 has U+FFFD in it. (The line reader of Node.js also ends a line at U+2028, which a key may
 * have.)
 * @param stop ends them
 */
export async function* linesOf(input: Readable, stop: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of addAbortSignal(stop, input)) {
      const lines = (rest + decoder.decode(Buffer.from(chunk), { stream: true })).split("\n");
      rest = lines.pop()?.slice(0, MAX_LENGTH) ?? "";
      yield* readLines(lines);
    }
    yield* readLines([rest + decoder.decode()]);
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function readLines(lines: readonly string[]): string[] {
  const texts = lines.map((line) => line.slice(0, MAX_LENGTH).replace(/\r$/, ""));
  return texts.filter((text) => text !== "");
}
