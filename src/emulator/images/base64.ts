// Base64 of streams. It runs in the Workers runtime.

/** Writes bytes as Base64. */
export function toBase64(): TransformStream<Uint8Array, Uint8Array> {
  return inBlocks(3, (block) => bytesOf(btoa(textOf(block))));
}

/** Reads Base64, in which spaces and line ends may stand. The stream fails if it is none. */
export function fromBase64(): TransformStream<Uint8Array, Uint8Array> {
  return inBlocks(
    4,
    (block) => bytesOf(atob(textOf(block))),
    (byte) => byte > 0x20,
  );
}

/** Changes a stream block by block: each has a multiple of `size` bytes, except the last one. */
function inBlocks(
  size: number,
  change: (block: Uint8Array) => Uint8Array,
  keeps: (byte: number) => boolean = () => true,
): TransformStream<Uint8Array, Uint8Array> {
  let held = new Uint8Array(0);
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const all = Uint8Array.from([...held, ...chunk.filter(keeps)]);
      const end = all.length - (all.length % size);
      held = all.slice(end);
      if (end > 0) controller.enqueue(change(all.subarray(0, end)));
    },
    flush(controller) {
      if (held.length > 0) controller.enqueue(change(held));
    },
  });
}

const textOf = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const bytesOf = (text: string) => Uint8Array.from(text, (one) => one.charCodeAt(0));
