// Does the same work for many items, a few at a time.

/**
 * Items are taken one at a time, as they are needed: the supply may be larger than memory.
 * @param workers how many items are worked on at a time
 * @param stop once it is aborted, no more items are taken. A supply that may wait must end then, too
 */
export async function shareOut<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  workers: number,
  stop: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const supply = iterate(items);
  const crew = Array.from({ length: workers }, async () => {
    while (!stop.aborted) {
      const { done, value } = await supply.next();
      if (done || stop.aborted) return;
      await work(value);
    }
  });
  await Promise.all(crew);
  await supply.return(undefined); // closes what it reads from
}

/** A generator answers calls that come at once one after the other. */
async function* iterate<Item>(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
