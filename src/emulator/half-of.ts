// A body that does not arrive whole.

/** The first half, and then an error or nothing at all. */
export function halfOf(bytes: Uint8Array, fails: boolean): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (!sent) controller.enqueue(bytes.slice(0, bytes.length / 2));
      else if (fails) controller.error(new Error("Network connection lost."));
      else return new Promise<never>(() => {});
      sent = true;
      return undefined;
    },
  });
}
