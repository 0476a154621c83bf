// A value that is computed once for each object, and is forgotten with it.

export function memoize<Key extends object, Value>(compute: (key: Key) => Value) {
  const values = new WeakMap<Key, Value>();
  return (key: Key): Value => {
    const value = values.get(key) ?? compute(key);
    values.set(key, value);
    return value;
  };
}
