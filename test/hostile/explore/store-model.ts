// The R2 bucket of the store: strongly consistent (T1), with conditions of a put (T8a). One write a second and name (T3)
// is left out: the virtual time stands still, and each second write would fail.

import { hash } from "node:crypto";
import { type Picture, pictureOf } from "./picture.ts";
import type { Effect, Scheduler } from "./scheduler.ts";

type Metadata = Readonly<Record<string, string>>;

export type Stored = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly customMetadata: Metadata;
  /** ms since 1970. */
  readonly uploaded: number;
  /** The run that has put it. */
  readonly runId: string;
};

type PutOptions = {
  readonly onlyIf?: { readonly etagMatches?: string; readonly etagDoesNotMatch?: string };
  readonly customMetadata?: Metadata;
};

/** What the store has when the exploration begins. */
export type StoreEntries = ReadonlyMap<string, Stored>;

/** What a call touches: all that is stored of an object. No world lists more, or deletes of two objects at once. */
function touched(name: string): string {
  const [bucketTag, objectTag] = name.split("/");
  return `the store: ${bucketTag}/${objectTag}`;
}

const FAILURE = {
  kind: "error",
  error: new Error("internal error (10001)"),
  says: "the store fails",
} as const satisfies Effect<never>;

export type StoreModel = ReturnType<typeof createStore>;

export type StoreListeners = {
  /** Makes the condition under which a question of the running code may be answered. */
  readonly isReady: () => () => boolean;
  /** The id of the run whose code is running. */
  readonly runId: () => string;
  readonly didPut: (picture: Picture | undefined, runId: string) => void;
  /** Whether the store fails now. */
  readonly fails: () => boolean;
};

export function createStore(
  scheduler: Scheduler,
  entries: StoreEntries,
  { isReady, runId, didPut, fails }: StoreListeners,
) {
  const objects = new Map(entries);

  /** A call of the store, which may fail. @param name of a rendition, or a prefix of all names of an object */
  function call<T>(
    method: string,
    name: string,
    effect: () => Effect<T>,
    mayTake = () => true,
  ): Promise<T> {
    const orFail = () => (fails() ? FAILURE : effect());
    return scheduler.call(`store.${method}`, [touched(name)], orFail, mayTake);
  }

  function get(name: string) {
    const effect = (): Effect<ReturnType<typeof objectOf> | null> => {
      const stored = objects.get(name);
      const value = () => (stored ? objectOf(name, stored) : null);
      return { kind: "answer", value, says: `the store has ${describeStored(stored)}` };
    };
    return call("get", name, effect, isReady());
  }

  async function put(name: string, value: BodyInit, options: PutOptions = {}) {
    // When /purge was called last is kept, too. No picture follows from it, so it takes no step of the exploration.
    if (name.startsWith("vitrine/")) return null;

    const bytes = new Uint8Array(await new Response(value).arrayBuffer());
    const putBy = runId();
    return call("put", name, () => {
      const { onlyIf = {}, customMetadata = {} } = options;
      const { etagMatches, etagDoesNotMatch } = onlyIf;
      const stored = objects.get(name);
      const etag = stored && etagOf(stored);
      const isOther = etagMatches !== undefined && etag !== etagMatches;
      const isTaken = etagDoesNotMatch === "*" && stored !== undefined;
      if (isOther || isTaken) {
        const says = `the store has ${describeStored(stored)}: nothing is put`;
        return { kind: "answer", value: () => null, says };
      }

      const added = { bytes, customMetadata, uploaded: scheduler.now(), runId: putBy };
      objects.set(name, added);
      didPut(pictureOf(bytes), putBy);
      const says = `the store takes ${describeStored(added)}`;
      return { kind: "answer", value: () => objectOf(name, added), says };
    });
  }

  function remove(names: string | readonly string[]) {
    const [first = ""] = [names].flat();
    return call<void>("delete", first, () => {
      const deleted = [names].flat().filter((name) => objects.delete(name));
      const says = `${deleted.length} are deleted from the store`;
      return { kind: "answer", value: () => {}, says };
    });
  }

  function list({ prefix = "" }: { readonly prefix?: string } = {}) {
    return call("list", prefix, () => {
      const listed = [...objects].filter(([name]) => name.startsWith(prefix));
      const descriptions = listed.map(([name, stored]) => describeObject(name, stored));
      const value = () => ({ objects: descriptions, delimitedPrefixes: [], truncated: false });
      return { kind: "answer", value, says: `the store lists ${descriptions.length}` };
    });
  }

  const binding = { get, put, delete: remove, list, head: get };
  return {
    binding,
    entries: (): StoreEntries => objects,
    describe: () => {
      const lines = [...objects].map(([name, stored]) => `${name} ${describeEntry(stored)}`);
      return lines.toSorted().join("\n");
    },
  };
}

function describeEntry(stored: Stored): string {
  return JSON.stringify([pictureOf(stored.bytes), stored.customMetadata, stored.uploaded]);
}

function describeStored(stored: Stored | undefined): string {
  const picture = stored && pictureOf(stored.bytes);
  return picture ? `${picture.key} of epoch ${picture.epoch}` : "nothing";
}

function etagOf({ bytes }: Stored): string {
  return hash("md5", bytes);
}

function describeObject(name: string, stored: Stored) {
  const { bytes, customMetadata, uploaded } = stored;
  const etag = etagOf(stored);
  return {
    ...{ key: name, etag, httpEtag: `"${etag}"`, version: etag, size: bytes.length },
    ...{ customMetadata, uploaded: new Date(uploaded) },
  };
}

function objectOf(name: string, stored: Stored) {
  const { bytes } = stored;
  return {
    ...describeObject(name, stored),
    body: new Response(bytes).body,
    arrayBuffer: async () => bytes.slice().buffer,
  };
}
