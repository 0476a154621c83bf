// Counts what vitrine warm did, and sums it up.

import { align } from "../command.ts";
import type { Impossible } from "../terminal/lines.ts";
import { count, type Progress } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";

export type Summary = ReturnType<typeof createSummary>;

/** How many failed keys are named for each reason. */
const NAMED = 3;

export function createSummary(progress: Pick<Progress, "say">) {
  const types = new Map<string, { images: number; bytes: number }>();
  const failed = new Map<string, { times: number; more: boolean; named: string[] }>();
  const summary = {
    successes: 0,
    failures: 0,
    isBeyond: false,
    shown(type: string, bytes: number) {
      const of = types.get(type) ?? { images: 0, bytes: 0 };
      types.set(type, { images: of.images + 1, bytes: of.bytes + bytes });
      summary.successes += 1;
    },
    /** @param why a status, or a text */
    failed(why: string, what: string) {
      const of = failed.get(why) ?? { times: 0, more: false, named: [] };
      failed.set(why, of);
      of.times += 1;
      summary.failures += 1;
      if (of.named.includes(what)) return;
      if (of.named.length < NAMED) of.named.push(what);
      else of.more = true;
    },
    impossible({ given, reason }: Impossible) {
      summary.failed("not asked for", JSON.stringify(given));
      progress.say(`${JSON.stringify(given)}: ${reason}`);
    },
    lines() {
      const { successes, failures } = summary;
      const bytes = [...types.values()].reduce((sum, of) => sum + of.bytes, 0);
      const rows: [string, number, string][] = [["Images", successes, `${count(bytes)} bytes`]];
      for (const [type, of] of [...types].sort()) {
        rows.push([`  ${visible(type)}`, of.images, `${count(of.bytes)} bytes`]);
      }
      rows.push(["Failures", failures, ""]);
      for (const [why, { times, named, more }] of [...failed].sort()) {
        rows.push([`  ${visible(why)}`, times, visible(named.join(", ")) + (more ? ", …" : "")]);
      }
      const width = Math.max(...rows.map(([, number]) => count(number).length));
      const cells = rows.map(([name, number, more]) => [name, count(number).padStart(width), more]);
      return align(cells).map((line) => line.trimEnd());
    },
  };
  return summary;
}
