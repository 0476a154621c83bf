// The network and the clock of a run: the real ones, or those of the stub, which plays all hosts at one address and has
// a clock that goes on only in a pause.

import { setTimeout } from "node:timers/promises";

export type Network = {
  send(url: string, init?: RequestInit): Promise<Response>;
  /** ms since 1970. */
  now(): number;
  pause(ms: number): Promise<void>;
};

/** The header that names the URL that the stub is to play. */
export const URL_HEADER = "x-probe-url";
/** The host at which the stub's clock goes on by as many ms as the path says, and which answers with the time. */
export const CLOCK_HOST = "clock.invalid";

/** @param stub its URL. Undefined: the real network */
export function createNetwork(stub: string | undefined): Network {
  if (stub === undefined) {
    const pause = async (ms: number) => void (await setTimeout(ms));
    return {
      send: (url, init) => fetch(url, { ...init, redirect: "manual" }),
      now: Date.now,
      pause,
    };
  }
  let clock = Date.now();
  const send: Network["send"] = (url, init = {}) => {
    if (url.startsWith(stub)) return fetch(url, init);
    const headers = new Headers(init.headers);
    headers.set(URL_HEADER, url);
    return fetch(stub, { ...init, headers, redirect: "manual" });
  };
  return {
    send,
    now: () => clock,
    async pause(ms) {
      const answer = await send(`https://${CLOCK_HOST}/${ms}`);
      clock = Number(await answer.text());
    },
  };
}
