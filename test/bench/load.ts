// Load by autocannon: as many requests as are asked for, at all times so many under way.

import autocannon from "autocannon";
import type { Running } from "./workerd.ts";

export type Load = {
  /** The paths, one for each request. */
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** The status that each answer is to have: another one is a mistake of the benchmark. */
  readonly status: number;
};

export type Measured = {
  /** Processor time of a request, of the whole process: microseconds. */
  readonly cpu: number;
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds that half, and 99 in a hundred, of the answers took at most. */
  readonly p50: number;
  readonly p99: number;
};

/** Enough that the process is never idle, and as it is with a busy isolate. */
export const CONNECTIONS = 128;

/** Sends the requests, and measures the process that answers. */
export async function measure(running: Running, load: Load): Promise<Measured> {
  const { paths, headers, status } = load;
  const amount = paths.length;
  let next = 0;
  const times: number[] = [];
  const others = new Map<number | string, number>();
  const other = (what: number | string) => others.set(what, (others.get(what) ?? 0) + 1);
  const before = running.cpu();
  const began = performance.now();
  let ended = began;
  await new Promise<void>((settle, fail) => {
    const options = {
      url: `http://127.0.0.1:${running.port}`,
      connections: Math.min(CONNECTIONS, amount),
      amount,
      headers,
      requests: [
        { setupRequest: (request: object) => ({ ...request, path: paths[next++ % amount] }) },
      ],
    };
    const run = autocannon(options, (error) => (error ? fail(error) : settle()));
    run.on("response", (_client, got, _bytes, time) => {
      times.push(time);
      ended = performance.now();
      if (got !== status) other(got);
    });
    run.on("reqError", (error) => other(`${error}`));
  });
  const cpu = (running.cpu() - before) / amount;
  if (others.size > 0 || times.length !== amount) {
    const what = [...others].map(([one, times]) => `${times} times ${one}`).join(", ");
    throw new Error(`not ${amount} answers with ${status}, but ${times.length}: ${what}`);
  }
  times.sort((one, another) => one - another);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { cpu, rate: (amount / (ended - began)) * 1_000, p50: at(0.5), p99: at(0.99) };
}
