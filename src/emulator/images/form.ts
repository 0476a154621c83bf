// Writes a multipart form whose files are streams, as the binding does. It runs in the Workers runtime.

/** A field of a form: a text, or a file. */
export type Field = {
  readonly name: string;
  readonly value: string | ReadableStream<Uint8Array>;
};

/** A form as a request sends it. */
export type Form = {
  readonly type: string;
  readonly body: ReadableStream<Uint8Array>;
};

/** Writes the fields in order. A file that fails makes the form fail; a form that is cancelled cancels it. */
export function writeForm(fields: readonly Field[]): Form {
  const boundary = `vitrine-${crypto.randomUUID()}`;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  async function* pieces(): AsyncGenerator<Uint8Array, void> {
    for (const { name, value } of fields) {
      yield bytesOf(`--${boundary}\r\n${headOf(name, typeof value !== "string")}\r\n\r\n`);
      if (typeof value === "string") yield bytesOf(value);
      else {
        reader = value.getReader();
        for (let read = await reader.read(); !read.done; read = await reader.read()) {
          yield read.value;
        }
      }
      yield bytesOf("\r\n");
    }
    yield bytesOf(`--${boundary}--\r\n`);
  }
  const all = pieces();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await all.next();
      if (done || value === undefined) controller.close();
      else controller.enqueue(value);
    },
    // Not through the generator: it may be waiting for a file that stalls.
    cancel: (reason) => reader?.cancel(reason),
  });
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

function headOf(name: string, isFile: boolean): string {
  const head = `content-disposition: form-data; name="${name}"`;
  return isFile ? `${head}; filename="${name}"\r\ncontent-type: application/octet-stream` : head;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
