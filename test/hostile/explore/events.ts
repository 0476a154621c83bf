// What the owner changes where a queue has the events: one object after the other, at any time. S3 sends the event of a
// change at once. A pass may also take a message that is still to come: then the change happens in the step that begins it.

import { EPOCHS } from "./cache-model.ts";
import type { S3Model } from "./s3-model.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Change, KEY, splitObject, type World } from "./worlds.ts";

/** A change of an object, and the messages about it. */
type ChangeEvent = {
  readonly change: Change;
  /** The ids of its messages. */
  readonly ids: readonly string[];
  /** What S3 had when they were sent. Undefined: the change is still to come. */
  epoch?: number;
  /** The step that changes the object. */
  step?: string;
};

export function createEvents(
  world: World,
  scheduler: Scheduler,
  s3: S3Model,
  send: (id: string, body: unknown) => void,
) {
  const events = eventsOf(world);

  function coming(): ChangeEvent[] {
    return events.filter(({ epoch }) => epoch === undefined);
  }

  /** Adds the step of the next change. */
  function add(): void {
    const [next] = coming();
    if (!next) return;

    const { change } = next;
    const actor = { process: "the owner", isRun: false };
    const touches = [`S3 ${change.key}`, EPOCHS];
    const take = () => changeAndSend(next);
    next.step = scheduler.addStep(actor, `changes ${change.key}`, "effect", touches, take);
  }

  function changeAndSend(event: ChangeEvent): string {
    const { change, ids } = event;
    const { key, to } = change;
    s3.change(key, to);
    const { epoch } = s3.object(key);
    event.epoch = epoch;
    for (const id of ids) send(id, eventOf(change));
    add();
    return `${key} is ${to === "there" ? "replaced" : to}: epoch ${epoch}`;
  }

  function eventOfMessage(id: string): ChangeEvent {
    const event = events.find(({ ids }) => ids.includes(id));
    if (!event) throw new Error(`no event has the message ${id}`);
    return event;
  }

  return {
    add,
    comingIds: () => coming().flatMap(({ ids }) => ids),
    /** What the changes touch that are still to come. */
    comingTouches: (): string[] => {
      const changed = coming().map(({ change }) => `S3 ${change.key}`);
      return changed.length > 0 ? [EPOCHS, ...changed] : [];
    },
    /** Changes and sends what is still to come, up to this message. @returns the words of the story */
    sendUpTo: (id: string): string => {
      const last = events.indexOf(eventOfMessage(id));
      const missing = events.slice(0, last + 1).filter(({ epoch }) => epoch === undefined);
      const says = missing.map((event) => {
        if (event.step !== undefined) scheduler.cancel(event.step);
        return `${changeAndSend(event)}. `;
      });
      return says.join("");
    },
    /** What S3 had when the message was sent. */
    sentBy: (id: string) => {
      const { change, epoch = 0 } = eventOfMessage(id);
      return { key: change.key, epoch };
    },
  };
}

function eventsOf({ by, change, next, isTwice }: World): ChangeEvent[] {
  if (by !== "queue" || !change) return [];

  const changes = [{ key: KEY, to: change }, ...(next ? [next] : [])];
  return changes.map((each, index) => {
    const id = `message ${index + 1}`;
    return { change: each, ids: isTwice ? [id, `${id}, again`] : [id] };
  });
}

/** Writes an event of EventBridge. */
export function eventOf({ key, to }: Partial<Change>) {
  const type = to === "missing" ? "Object Deleted" : "Object Created";
  const [bucket, keyAtS3] = splitObject(key ?? KEY);
  return {
    source: "aws.s3",
    "detail-type": type,
    detail: { bucket: { name: bucket }, object: { key: keyAtS3 } },
  };
}
