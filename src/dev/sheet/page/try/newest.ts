// For a control that changes faster than its pictures are made.

/**
 * Returns a function that does one thing at a time. While it is busy, each call takes the place of the one
 * that waits: only the newest is done next.
 */
export function newestOf<Asked>(work: (asked: Asked) => Promise<void>): (asked: Asked) => void {
  let isBusy = false;
  let next: { readonly asked: Asked } | undefined;
  const run = async (asked: Asked): Promise<void> => {
    isBusy = true;
    try {
      await work(asked);
    } finally {
      isBusy = false;
      const newest = next;
      next = undefined;
      if (newest !== undefined) void run(newest.asked);
    }
  };
  return (asked) => {
    if (isBusy) next = { asked };
    else void run(asked);
  };
}
