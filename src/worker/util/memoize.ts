// A value that is computed once for each object, and is forgotten together with the object.

/** Returns a function that calls `compute` once for each key, and remembers the value, unless it is undefined. */
export function memoize<Key extends object, Value>(compute: (key: Key) => Value) {
  const values = new WeakMap<Key, Value>();

  return (key: Key): Value => {
    const value = values.get(key) ?? compute(key);
    values.set(key, value);
    return value;
  };
}
