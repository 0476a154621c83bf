// Reads a body whole, to be kept, or gives back a body that does the same as the one that was read.

type Read =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  /** It breaks off, is shorter or longer than it says, or is too large to be kept. */
  | { readonly rest: ReadableStream<Uint8Array> };

/** @param most the size from which on it is not read to its end: bytes */
export async function readWhole({ body, headers }: Response, most: number): Promise<Read> {
  if (body === null) return { bytes: new Uint8Array() };
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (length > most) return { rest: replay(chunks, reader) };
    }
  } catch {
    return { rest: replay(chunks, reader) }; // whose next read fails with the same error
  }
  const said = headers.get("content-length");
  if (said !== null && said !== `${length}`) return { rest: replay(chunks, reader) };
  return { bytes: new Uint8Array(await new Blob(chunks).arrayBuffer()) };
}

/** The chunks that were read, and then what the reader still has: more, an end, or an error. */
function replay(
  chunks: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    async pull(controller) {
      const chunk = left.shift() ?? (await reader.read()).value;
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
