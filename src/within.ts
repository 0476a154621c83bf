/** What a promise gives; a failure where it takes longer than so many milliseconds. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((settle, fail) => {
    const timer = setTimeout(() => fail(new Error(`nothing within ${ms} ms`)), ms);
    work.then(settle, fail).finally(() => clearTimeout(timer));
  });
}
