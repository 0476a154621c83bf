// Another address of this machine than localhost, at which a test plays a phone.

import { networkInterfaces } from "node:os";

/** Linux has the whole of 127.0.0.0/8: nothing outside reaches this one. Elsewhere, it is one of the machine's own. */
export function quietAddress(): string {
  return process.platform === "linux" ? "127.0.0.2" : machineAddress();
}

/** One that browsers do not count as this machine's: for them, all of 127.0.0.0/8 is as safe as https://. */
export function machineAddress(): string {
  for (const list of Object.values(networkInterfaces())) {
    for (const { address, family, internal } of list ?? []) {
      if (family === "IPv4" && !internal) return address;
    }
  }
  throw new Error("This machine has no address but localhost: connect it to a network");
}
