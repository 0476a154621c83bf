// A bounded cache in two generations. When the newer one is full, the older one is dropped.

export type BoundedCache<Value> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
};

/** What an entry counts for besides its key: characters. */
const ENTRY = 512;

/** @param room the size of one generation: the characters of its keys, and ENTRY for each entry */
export function createBoundedCache<Value>(room: number): BoundedCache<Value> {
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  let left = room;
  const set = (key: string, value: Value): void => {
    left -= key.length + ENTRY;
    if (left < 0) {
      older = newer;
      newer = new Map();
      left = room - key.length - ENTRY;
    }
    newer.set(key, value);
  };
  return {
    set,
    get(key) {
      const known = newer.get(key);
      if (known !== undefined) return known;
      const before = older.get(key);
      if (before !== undefined) set(key, before);
      return before;
    },
  };
}
