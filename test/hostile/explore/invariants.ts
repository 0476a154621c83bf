// What must hold in each order of the steps. It looks at bytes, which say what they show (picture.ts), and never at the
// Worker's names, tags or ETags. It sees what no code can: which object S3 had at each moment.
//
// Two things are accepted, and counted. An isolate that dies may leave what its run would have taken back. And where S3
// does not answer the last question of a run, its put is deleted, but its answer in Workers Cache may stay. Neither is
// accepted with a queue: its second pass ends both.

import type { CacheModel, Entry, Source } from "./cache-model.ts";
import { type Picture, pictureOf } from "./picture.ts";
import type { Queue } from "./queue-model.ts";
import type { S3Model } from "./s3-model.ts";
import { type Actor, currentActor } from "./scheduler.ts";
import type { StoreModel } from "./store-model.ts";
import { KEY, OBJECTS, objectOfUrl, type World } from "./worlds.ts";

export const INVARIANTS = {
  purged: "after the ok of a purge, nothing older than what S3 had then is made, stored or shown",
  deleted:
    "after a deletion and its event, nothing shows the object, and the store has nothing of it",
  event:
    "once a message is acknowledged, no later run shows or stores anything older than what S3 had when it was sent, and nothing older is left, whoever has died",
  lost: "each message is acknowledged in the end",
  current: "an answer is of an object that S3 had then, or marked as of an outage",
  apart:
    "no object is shown under another's name, and the failure of one changes nothing for another",
};

export type InvariantName = keyof typeof INVARIANTS;

export type Violation = { readonly invariant: InvariantName; readonly text: string };

type Epochs = Readonly<Record<string, number>>;

type Run = {
  readonly id: string;
  readonly isolate: string | undefined;
  /** The epochs of the objects when the run began. */
  readonly began: Epochs;
  /** What was purged before the run began: it must not use anything older. */
  readonly floors: Epochs;
  hasAskedEdge: boolean;
  /** How many questions to S3 wait for an answer. */
  waiting: number;
  /** Whether the last question to S3 got no answer about the object. */
  isUnanswered: boolean;
  isOver: boolean;
  hasDied: boolean;
};

type OpenVisit = { readonly key: string; readonly began: Epochs; readonly floors: Epochs };

export type Checker = ReturnType<typeof createChecker>;

export function createChecker(world: World, s3: S3Model) {
  const violations: Violation[] = [];
  const accepted = { deaths: 0, unanswered: 0 };
  const floors: Record<string, number> = {};
  const runs = new Map<string, Run>();
  /** The newest run of each process. */
  const newest = new Map<string, Run>();
  const visits = new Map<string, OpenVisit>();
  /** The last entry of a cache that each process got. */
  const served = new Map<string, Entry>();
  /** The processes for which a time was over: they may fail, whatever S3 answers. */
  const timedOut = new Set<string>();
  let purgeAnswer = "";
  const isByQueue = world.by === "queue";
  const promise = isByQueue ? "event" : "purged";

  function violate(invariant: InvariantName, text: string): void {
    violations.push({ invariant, text });
  }

  function epochOf(key: string): number {
    return s3.object(key).epoch;
  }

  function epochs(): Epochs {
    return Object.fromEntries(OBJECTS.map((key) => [key, epochOf(key)]));
  }

  function runOf(process: string): Run | undefined {
    return newest.get(process);
  }

  function begin({ process, isolate }: Actor) {
    let id = `the run of ${process}`;
    while (runs.has(id)) id += "'";
    const run: Run = {
      ...{ id, isolate, began: epochs(), floors: { ...floors } },
      ...{
        hasAskedEdge: false,
        waiting: 0,
        isUnanswered: false,
        isOver: false,
        hasDied: false,
      },
    };
    runs.set(id, run);
    newest.set(process, run);
    const sourceOf = (picture?: Picture): Source => {
      const isConfirmed = picture === undefined || isOfWindow(picture, run.began);
      return { runId: id, isConfirmed };
    };
    return { id, sourceOf };
  }

  /** Whether S3 had what a picture shows at some moment since then. */
  function isOfWindow({ key, epoch }: Picture, began: Epochs): boolean {
    return epoch >= (began[key] ?? 0) && epoch <= epochOf(key);
  }

  function isOlder({ key, epoch }: Picture, limits: Epochs): boolean {
    return epoch < (limits[key] ?? 0);
  }

  function didPut(picture: Picture | undefined, runId: string): void {
    const run = runs.get(runId);
    if (!picture) violate("apart", "the store has bytes that are no rendition");
    else if (run && isOlder(picture, run.floors)) {
      violate(promise, `${runId} began after the purge, and stores epoch ${picture.epoch}`);
    }
  }

  function didStore(url: string, { bytes, source }: Entry): void {
    const picture = pictureOf(bytes);
    if (!picture) return;

    const run = runs.get(source.runId);
    if (run && isOlder(picture, run.floors)) {
      violate(promise, `${run.id} began after the purge, and answers with epoch ${picture.epoch}`);
    }
    const key = objectOfUrl(url);
    if (key !== picture.key) violate("apart", `${picture.key} is cached as ${key}`);
  }

  /** @param isPurgeComing whether a purge has not yet reached the tier */
  function didServe(entry: Entry, tier: string, isPurgeComing: boolean): void {
    served.set(currentActor().process, entry);
    const picture = pictureOf(entry.bytes);
    if (!picture || isPurgeComing || !isOlder(picture, floors)) return;

    const run = runs.get(entry.source.runId);
    // The second pass over a queue ends what a dead run has left.
    const isOnItsWay = run !== undefined && !run.isOver && !(isByQueue && run.hasDied);
    if (isOnItsWay || isAccepted(run, "cache")) return;

    // Who asked before the purge may still be shown what the tier had then, where its run fails (W8).
    const visit = visits.get(currentActor().process);
    if (visit && !isOlder(picture, visit.floors)) return;
    violate(promise, `${tier} shows epoch ${picture.epoch} after the purge`);
  }

  function isAccepted(run: Run | undefined, location: "cache" | "store"): boolean {
    if (isByQueue) return false;
    if (run?.hasDied) {
      accepted.deaths++;
      return true;
    }
    if (location === "cache" && run?.isUnanswered) {
      accepted.unanswered++;
      return true;
    }
    return false;
  }

  function endVisit(process: string, answer: Response, bytes: Uint8Array): void {
    const visit = visits.get(process);
    visits.delete(process);
    if (!visit) return;

    const { key, began } = visit;
    const { status, headers } = answer;
    const isOtherFaulty = world.faultyKey !== undefined && world.faultyKey !== key;
    const isApart = isOtherFaulty && !timedOut.has(process);
    if (status !== 200) {
      const isThere = s3.object(key).state === "there" && began[key] === epochOf(key);
      if (isApart && isThere) violate("apart", `${process} gets ${status} for ${key}`);
      return;
    }

    const picture = pictureOf(bytes);
    if (picture?.key !== key) {
      violate("apart", `${process} asks for ${key}, and sees ${picture?.key ?? "other bytes"}`);
      return;
    }

    const maxAge = Number(/max-age=(\d+)/.exec(headers.get("cache-control") ?? "")?.[1]);
    const cache = /desc=(\w+)/.exec(headers.get("server-timing") ?? "")?.[1] ?? "";
    const isCached = cache === "hit" || cache === "stale";
    if (!isCached && isOlder(picture, visit.floors)) {
      violate(promise, `${process} asks after the purge, and sees epoch ${picture.epoch}`);
    }

    if (maxAge <= 60) {
      if (isApart) violate("apart", `${process} gets ${key} as in an outage`);
      return;
    }
    const isCurrent = isCached
      ? served.get(process)?.source.isConfirmed
      : isOfWindow(picture, began);
    if (!isCurrent) violate("current", `${process} sees epoch ${picture.epoch}: ${cache}`);
  }

  /** A purge is promised for what S3 had when it began. */
  function didPurge(key: string, epoch: number, status: number, text: string): void {
    purgeAnswer = `${status}`;
    if (status === 200 && JSON.parse(text).ok === true) floors[key] = epoch;
  }

  /** @param epoch what S3 had when the message was sent */
  function didAcknowledge(key: string, epoch: number): void {
    floors[key] = Math.max(floors[key] ?? 0, epoch);
  }

  function checkMessages(queue: Queue): void {
    for (const { id, state } of queue) {
      if (state.kind !== "acknowledged") violate("lost", `${id} is ${state.kind}`);
    }
  }

  /** Checks what is left when nothing happens any more. */
  function checkQuiet(cache: CacheModel, store: StoreModel): void {
    const isGone = world.by === "event" && s3.object(KEY).state === "missing";
    const invariant = isGone ? "deleted" : promise;

    for (const { bytes, runId } of store.entries().values()) {
      const picture = pictureOf(bytes);
      if (!picture || !isOlder(picture, floors) || isAccepted(runs.get(runId), "store")) continue;
      violate(invariant, `the store has epoch ${picture.epoch}, by ${runId}, after the purge`);
    }
    for (const { name, entries } of cache.tiers()) {
      for (const { bytes, source } of entries.values()) {
        const picture = pictureOf(bytes);
        if (!picture || !isOlder(picture, floors)) continue;
        if (isAccepted(runs.get(source.runId), "cache")) continue;
        violate(
          invariant,
          `${name} has epoch ${picture.epoch}, by ${source.runId}, after the purge`,
        );
      }
    }
  }

  return {
    ...{ violations, accepted, begin, epochOf, didPut, didStore, didServe, endVisit, didPurge },
    ...{ checkQuiet, didAcknowledge, checkMessages },
    didAnswer: (entry: Entry) => void served.set(currentActor().process, entry),
    runId: () => runOf(currentActor().process)?.id ?? "",
    end: (id: string) => {
      const run = runs.get(id);
      if (run) run.isOver = true;
    },
    beginVisit: (process: string, key: string) => {
      visits.set(process, { key, began: epochs(), floors: { ...floors } });
    },
    didAskEdge: (process: string) => {
      const run = runOf(process);
      if (run) run.hasAskedEdge = true;
    },
    hasAskedEdge: (process: string) => runOf(process)?.hasAskedEdge ?? false,
    beganAt: (process: string, key: string) => runOf(process)?.began[key],
    didAskS3: (process: string) => {
      const run = runOf(process);
      if (run) run.waiting++;
    },
    didHearS3: (process: string, isAboutObject: boolean) => {
      const run = runOf(process);
      if (!run) return;
      run.waiting--;
      run.isUnanswered = !isAboutObject;
    },
    /** A time is over: who still waits for S3 may have given up. */
    didTimeOut: (process: string) => {
      timedOut.add(process);
      const run = runOf(process);
      if (run && run.waiting > 0) run.isUnanswered = true;
    },
    didDie: (isolate: string) => {
      for (const run of runs.values()) {
        if (run.isolate === isolate && !run.isOver) run.hasDied = true;
      }
    },
    describe: () => {
      const alive = [...runs.values()].map((run) => {
        const { id, isUnanswered, hasDied, isOver } = run;
        return JSON.stringify(isOver ? { id, isUnanswered, hasDied } : run);
      });
      alive.sort();
      return JSON.stringify([
        floors,
        purgeAnswer,
        [...timedOut].toSorted(),
        alive,
        [...visits].toSorted(),
      ]);
    },
  };
}
