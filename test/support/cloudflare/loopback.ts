// Lets the requests of this process to servers on loopback through: the handlers of msw answer all others.

import { http, passthrough } from "msw";
import { network } from "../network.ts";

export function passToLoopback(): void {
  network.use(http.all("http://127.0.0.1:*/*", () => passthrough()));
}
