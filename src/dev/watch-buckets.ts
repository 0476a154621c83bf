// Warns when BUCKETS of the configuration changes, because the local run does not reload it. No timer:
// the caller decides when to look.

/**
 * Warns of each change once.
 * @param read returns BUCKETS as it is now; undefined: it cannot be read, for example during an edit
 * @param file the name of the configuration file
 * @returns a function that looks once
 */
export function watchBuckets(
  read: () => unknown,
  warn: (line: string) => void,
  file: string,
): () => void {
  const first = JSON.stringify(read());
  let last = first;
  return () => {
    const now = JSON.stringify(read());
    if (now === undefined || now === last) return;
    last = now;
    if (now !== first) {
      warn(`${file}: BUCKETS has changed. Stop npx vitrine dev and start it again to use it.`);
    }
  };
}
