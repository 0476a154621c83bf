// A value that is computed once for each object, and is forgotten together with the object.

/**
 * Returns a function that calls `compute` once for each key, and then gives the value that it remembers. A value of
 * undefined is not remembered.
 */
export function memoize<Key extends object, Value>(compute: (key: Key) => Value) {
  const values = new WeakMap<Key, Value>();

  return (key: Key): Value => {
    const remembered = values.get(key);
    if (remembered !== undefined) return remembered;

    const value = compute(key);
    values.set(key, value);
    return value;
  };
}
