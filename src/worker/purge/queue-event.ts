// Puts an event that came to /purge into the queue, one message for each object. The consumer purges them in batches
// (consume.ts). Codes such as Q3 are rules of docs/rules.md.

import type { EventQueue } from "../config/bindings.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { eventMessage } from "./event-message.ts";
import type { EventObject } from "./read-purge.ts";

/** A call takes so many messages at most (Q3). */
const MAX_MESSAGES = 100;

/** And so many bytes: 256 KB (Q3), less what each message has besides its body. */
const MAX_CALL_BYTES = 200_000;

type Message = { readonly body: ReturnType<typeof eventMessage> };

/**
 * Puts objects into the queue.
 * @param deadline ms since 1970
 * @returns why some of them may not be there; undefined if the queue has all of them
 */
export async function queueObjects(
  queue: EventQueue,
  objects: readonly EventObject[],
  deadline: number,
): Promise<string | undefined> {
  try {
    for (const messages of messagesByCall(objects)) {
      const sent = await withTimeout(deadline - Date.now(), queue.sendBatch(messages));
      if (sent === TIMED_OUT) return "queue: it does not answer in time";
    }
    return undefined;
  } catch (error) {
    return `queue: ${error}`;
  }
}

/** Makes a message for each object, and divides them into calls. */
function messagesByCall(objects: readonly EventObject[]): Message[][] {
  const calls: Message[][] = [];
  let call: Message[] = [];
  let callBytes = 0;

  for (const object of objects) {
    const body = eventMessage(object);
    const bytes = new TextEncoder().encode(JSON.stringify(body)).length;

    const isFull = call.length === MAX_MESSAGES || callBytes + bytes > MAX_CALL_BYTES;
    if (call.length === 0 || isFull) {
      call = [];
      callBytes = 0;
      calls.push(call);
    }

    call.push({ body });
    callBytes += bytes;
  }
  return calls;
}
