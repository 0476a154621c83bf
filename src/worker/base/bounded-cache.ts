/** What was made of late, by text: of bounded size, and without looking at what is old. */
export type BoundedCache<Value> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
};

/** Characters that an entry counts for beside its key. */
const ENTRY = 512;

/**
 * Keeps what was set or got last in one half, and in another what the first one held when it was full:
 * what is asked for again and again stays.
 * @param room characters that the keys of one half may have, with ENTRY more for each
 */
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
