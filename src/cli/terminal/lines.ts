// Reads the lines of a stream, such as keys from stdin.

import { addAbortSignal, type Readable } from "node:stream";

/** A given text, and why it is not a key. */
export type Impossible = { readonly given: string; readonly reason: string };

/** Characters. No key and no URL of one is as long, and longer lines are not kept in memory. */
const MAX_LENGTH = 65_536;
const SHOWN_LENGTH = 80;

/**
 * The lines of a stream, as they come. Spaces are kept; a byte order mark, a CR at the end and empty lines are left
 * out. (The line reader of Node.js also ends a line at U+2028, which a key may have.)
 * @param stop ends them
 */
export async function* linesOf(
  input: Readable,
  stop: AbortSignal,
): AsyncGenerator<string | Impossible> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of addAbortSignal(stop, input)) {
      const lines = (rest + decoder.decode(Buffer.from(chunk), { stream: true })).split("\n");
      rest = lines.pop()?.slice(0, MAX_LENGTH + 1) ?? "";
      yield* lines.flatMap(readLine);
    }
    yield* readLine(rest + decoder.decode());
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

/** What is not UTF-8 is never guessed: it would be the key of another object. */
function readLine(text: string): (string | Impossible)[] {
  const line = text.replace(/\r$/, "");
  if (line === "") return [];
  if (line.includes("\ufffd")) return [{ given: line, reason: "is not UTF-8" }];
  if (line.length <= MAX_LENGTH) return [line];
  const given = `${line.slice(0, SHOWN_LENGTH)}…`;
  return [{ given, reason: "is longer than 64 KiB, which no key is" }];
}
