// Keeps the data points of the local run in a file, in place of Analytics Engine: `vitrine stats --local` reads it. The
// Worker gives them away as lines of its log that begin with a secret word, so no visitor can forge one.

import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { olderPointsFile, pointsFile } from "../cli/metrics/points.ts";

/** A file of this size becomes the older one: two of them have about 100,000 requests. */
const MAX_BYTES = 8_000_000;

type PointsLog = {
  /** The folder of the project. */
  readonly folder: string;
  /** What the line of a data point begins with. */
  readonly marker: string;
  readonly environment?: string | undefined;
  /** Tells the developer, once, that the points cannot be kept. */
  readonly warn: (text: string) => void;
  /** A test fills a smaller file. */
  readonly maxBytes?: number;
};

/**
 * Returns a function that takes a line of the Worker's log, and returns whether it was a data point. Where the file cannot
 * be written, as on a full disk, the local run goes on without it.
 */
export function createPointsLog({
  folder,
  marker,
  environment,
  warn,
  maxBytes = MAX_BYTES,
}: PointsLog): (line: string) => boolean {
  const file = join(folder, pointsFile(environment));
  let isWritable = true;
  let size = 0;

  const change = (write: () => void) => {
    if (!isWritable) return;

    try {
      write();
    } catch (error) {
      isWritable = false;
      const reason = error instanceof Error ? error.message : String(error);
      warn(
        `The data points of this run cannot be kept, so npx vitrine stats --local will lack them: ${reason}. Make room or remove the file, and start again.`,
      );
    }
  };

  change(() => {
    completeLastLine(file);
    size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  });

  return (line) => {
    if (!line.startsWith(marker)) return false;

    change(() => {
      if (size > maxBytes) {
        renameSync(file, olderPointsFile(file));
        size = 0;
      }
      const text = `${line.slice(marker.length)}\n`;
      appendFileSync(file, text, { mode: 0o600 });
      size += Buffer.byteLength(text);
    });
    return true;
  };
}

const NEWLINE = 0x0a;

/** A local run that was killed may have left half a line. The next point begins a new one. */
function completeLastLine(file: string): void {
  if (!existsSync(file)) return;

  const lastByte = readFileSync(file).at(-1);
  const isComplete = lastByte === undefined || lastByte === NEWLINE;
  if (!isComplete) appendFileSync(file, "\n");
}
