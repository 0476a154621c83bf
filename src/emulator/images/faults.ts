// The refusals of the Images binding, and how its service answers with one (B3).

import { FAULTS, type Fault } from "../edge/faults.ts";

const OWN = {
  "9430/403": "Access to the Images binding is denied",
  "9432/400": "Bad request",
} as const;

/** A code of the binding and its status. */
export type BindingFault = Fault | keyof typeof OWN;

/** The answer to a failure. Its code is in a header; the client throws it with the text. */
export function refusalAnswer(fault: BindingFault): Response {
  const [code, status] = fault.split("/");
  const said: Readonly<Record<string, string>> = { ...FAULTS, ...OWN };
  return new Response(`ERROR ${code}: ${said[fault]}`, {
    status: Number(status),
    headers: { "cf-images-binding": `err=${code}`, "content-type": "text/plain;charset=UTF-8" },
  });
}
