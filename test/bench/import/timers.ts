// Timers in the order in which they fire: a binary heap. Of two that fire together, the one that was set first comes first.

/** What a timer does. It returns a promise if other code goes on after it. */
export type Run = () => Promise<unknown> | undefined;

export type Timer = { readonly at: number; readonly order: number; readonly run: Run };

export type Timers = { add(at: number, run: Run): Timer; next(): Timer | undefined };

export function createTimers(): Timers {
  /** The children of the one at `index` are at 2 × index + 1 and + 2. None fires before its parent. */
  const tree: Timer[] = [];
  let count = 0;

  function swapIfEarlier(index: number, parent: number): boolean {
    const [lower, upper] = [tree[index], tree[parent]];
    if (!lower || !upper || !isEarlier(lower, upper)) return false;

    tree[index] = upper;
    tree[parent] = lower;
    return true;
  }

  function add(at: number, run: Run): Timer {
    count += 1;
    const timer = { at, order: count, run };
    let index = tree.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!swapIfEarlier(index, parent)) break;
      index = parent;
    }
    return timer;
  }

  function next(): Timer | undefined {
    const [first] = tree;
    const last = tree.pop();
    if (!last || tree.length === 0) return first;

    tree[0] = last;
    let index = 0;
    while (true) {
      const child = earlierChild(tree, index);
      if (!swapIfEarlier(child, index)) break;
      index = child;
    }
    return first;
  }

  return { add, next };
}

function earlierChild(tree: readonly Timer[], index: number): number {
  const left = 2 * index + 1;
  const [leftTimer, rightTimer] = [tree[left], tree[left + 1]];
  return leftTimer && rightTimer && isEarlier(rightTimer, leftTimer) ? left + 1 : left;
}

function isEarlier(timer: Timer, other: Timer): boolean {
  return timer.at < other.at || (timer.at === other.at && timer.order < other.order);
}
