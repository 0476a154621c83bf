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

export type Measured = {
  /** CPU time of the whole process for one request, in µs. */
  readonly cpu: number;
  /** Requests per second. */
  readonly rate: number;
  /** The median and the 99th percentile of the response time, in ms. */
  readonly p50: number;
  readonly p99: number;
};

/** Enough to keep the process busy, as a busy isolate is. */
const CONNECTIONS = 128;

/**
 * Sends the requests, and measures the process that answers.
 * @param connections requests at once
 */
export async function measure(
  running: Running,
  load: Load,
  connections = CONNECTIONS,
): Promise<Measured> {
  const { paths, headers, status } = load;
  const amount = paths.length;
  let next = 0;
  const times: number[] = [];
  const unexpected = new Map<number | string, number>();
  const countUnexpected = (outcome: number | string) =>
    unexpected.set(outcome, (unexpected.get(outcome) ?? 0) + 1);
  const before = running.cpu();
  const began = performance.now();
  let ended = began;
  await new Promise<void>((settle, fail) => {
    const options = {
      url: `http://127.0.0.1:${running.port}`,
      connections: Math.min(connections, amount),
      amount,
      headers,
      sampleInt: 50, // it looks so often, in milliseconds, whether all have come
      requests: [
        { setupRequest: (request: object) => ({ ...request, path: paths[next++ % amount] }) },
      ],
    };
    const run = autocannon(options, (error) => (error ? fail(error) : settle()));
    run.on("response", (_client, got, _bytes, time) => {
      times.push(time);
      ended = performance.now();
      if (got !== status) countUnexpected(got);
    });
    run.on("reqError", (error) => countUnexpected(`${error}`));
  });
  const cpu = (running.cpu() - before) / amount;
  if (unexpected.size > 0 || times.length !== amount) {
    const counts = [...unexpected].map(([a, times]) => `${times} times ${a}`).join(", ");
    throw new Error(`not ${amount} answers with ${status}, but ${times.length}: ${counts}`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { cpu, rate: (amount / (ended - began)) * 1_000, p50: at(0.5), p99: at(0.99) };
}
