// Tells the mistakes of a configuration that changes while the local run goes on. No timer: the caller
// decides when to look.

/**
 * Tells each set of mistakes once, and when there are none any more.
 * @param read returns the mistakes in the files as they are now
 * @param file the name of the configuration file
 * @returns a function that looks once
 */
export function watchMistakes(
  read: () => readonly string[],
  tell: (line: string) => void,
  warn: (line: string) => void,
  file: string,
): () => void {
  let last = "";
  return () => {
    const mistakes = read();
    const now = mistakes.join("\n  ");
    if (now === last) return;
    last = now;
    if (now === "") tell(`${file} is right again.`);
    else warn(`${file} has mistakes. Pictures may fail until you correct them:\n  ${now}`);
  };
}
