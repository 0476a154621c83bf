// Load by autocannon: a number of requests, with a constant number in flight.

import autocannon from "autocannon";
import type { Running } from "../support/workerd.ts";

export type Load = {
  /** One path a request. */
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** The expected status. Any other is a mistake in the benchmark. */
  readonly status: number;
};

/** Enough to keep the process busy, as a busy isolate is. */
const CONNECTIONS = 128;

/**
 * Sends the requests, and measures the process that answers.
 * @returns the CPU time of the whole process for one request, in µs
 */
export async function measure(running: Running, load: Load): Promise<number> {
  const { paths, headers, status } = load;
  const amount = paths.length;
  let next = 0;
  let answers = 0;
  const unexpected = new Map<number | string, number>();
  const countUnexpected = (outcome: number | string) =>
    unexpected.set(outcome, (unexpected.get(outcome) ?? 0) + 1);
  const before = running.cpu();
  await new Promise<void>((settle, fail) => {
    const options = {
      url: `http://127.0.0.1:${running.port}`,
      connections: Math.min(CONNECTIONS, amount),
      amount,
      headers,
      sampleInt: 50, // it looks so often, in milliseconds, whether all have come
      requests: [
        { setupRequest: (request: object) => ({ ...request, path: paths[next++ % amount] }) },
      ],
    };
    const run = autocannon(options, (error) => (error ? fail(error) : settle()));
    run.on("response", (_client, got) => {
      answers += 1;
      if (got !== status) countUnexpected(got);
    });
    run.on("reqError", (error) => countUnexpected(`${error}`));
  });
  const cpu = (running.cpu() - before) / amount;
  if (unexpected.size > 0 || answers !== amount) {
    const counts = [...unexpected].map(([a, times]) => `${times} times ${a}`).join(", ");
    throw new Error(`not ${amount} answers with ${status}, but ${answers}: ${counts}`);
  }
  return cpu;
}
