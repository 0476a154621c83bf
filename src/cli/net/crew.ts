// A few workers over one supply of work.

/**
 * Does a piece of work for every item, with so many under way at most. Items are taken from the supply
 * one at a time, as they are needed, so that it may be longer than memory.
 * @param stop once it is aborted nothing more is taken; what is under way ends. The supply has to end
 *   then, too, if it may be waited for
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
  await supply.return(undefined); // lets go of what it reads from
}

/** In which those who ask at once wait for each other. */
async function* iterate<Item>(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
