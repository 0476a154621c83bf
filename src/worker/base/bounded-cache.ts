// A bounded cache in two generations. When the newer one is full, the older one is dropped.

type BoundedCache<Value> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
};

/** What an entry counts for besides its key: bytes. Its value must not be larger. */
const ENTRY = 512;

/** What a character takes at most: bytes. */
const CHARACTER = 2;

/** @param room the size of one generation: bytes */
export function createBoundedCache<Value>(room: number): BoundedCache<Value> {
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  let left = room;
  const set = (key: string, value: Value): void => {
    const size = key.length * CHARACTER + ENTRY;
    left -= size;
    if (left < 0) {
      older = newer;
      newer = new Map();
      left = room - size;
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
