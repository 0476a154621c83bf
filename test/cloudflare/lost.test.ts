// Requests to the probe Worker that are lost: each one of each probe, once and for good. No rule is otherwise by that.

import { expect, it } from "vitest";
import { createEmulatedWorld } from "./emulated.ts";
import { type Probe, tryProbe } from "./probe.ts";
import { PROBES } from "./probes/index.ts";

const LOST = () => new Response("error code: 1102", { status: 503 });

/** @param isLost says of which requests the answer is lost: of the n-th, from 1. They are carried out all the same */
async function tryWith(probe: Probe, isLost: (count: number) => boolean) {
  const world = createEmulatedWorld();
  const { visit } = world.emulated;
  let count = 0;
  world.emulated.visit = async (request) => {
    const isThis = isLost(++count);
    const answer = await visit(request);
    return isThis ? LOST() : answer;
  };
  const { outcome, seen } = await tryProbe(probe, world);
  return { outcome, seen, count };
}

it.each(PROBES)("is the same after one lost answer, and never otherwise: $rule", async (probe) => {
  const usual = await tryWith(probe, () => false);
  for (let lost = 1; lost <= usual.count; lost++) {
    const once = await tryWith(probe, (count) => count === lost);
    expect({ lost, ...once }).toMatchObject({ lost, outcome: usual.outcome });
    const forever = await tryWith(probe, (count) => count >= lost);
    expect(forever).toMatchObject({ outcome: "not seen", seen: expect.stringContaining("lost") });
  }
});
