// Puts an event that came to /purge into the queue, one message for each object. The consumer purges them in batches
// (consume.ts). Codes such as Q3 are rules of docs/rules.md.

import type { EventQueue } from "../config/bindings.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { eventMessage } from "./event-message.ts";
import type { EventObject } from "./read-purge.ts";

/** A call takes so many messages at most, and 256 KB (Q3). With the longest key, 100 messages have 220 KB as JSON. */
const MAX_MESSAGES = 100;

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
  const messages = objects.map((object) => ({ body: eventMessage(object) }));
  const calls: Message[][] = [];
  for (let start = 0; start < messages.length; start += MAX_MESSAGES) {
    calls.push(messages.slice(start, start + MAX_MESSAGES));
  }
  return calls;
}
