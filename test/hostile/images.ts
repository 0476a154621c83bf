// The property of what the Images binding is given: it knows how each object came.

import assert from "node:assert/strict";
import fc from "fast-check";
import { LIES } from "./bound.ts";
import { asked } from "./inputs.ts";
import { object } from "./paths.ts";
import { get, property } from "./property.ts";
import { spellPath } from "./spelling.ts";
import { engineNow, type Mood } from "./world.ts";

/** Only the first bytes of an object say its type: what S3 says of that does not matter. */
const HARMLESS: ReadonlySet<string> = new Set(["foreign-type", "two-types"]);
/** R2 gives whole objects as they are stored: what their metadata say of an encoding does not matter. */
const OF_S3: ReadonlySet<string> = new Set(["gzip", "part"]);

/** An object that comes in one of the ways of LIES, or is too large. */
const lying = fc.nat(LIES.length - 1).map((at): Partial<Mood> => ({ outcome: 6, fault: 2 * at }));

export const ofImages = {
  lengths: property(
    "the Images binding gets only whole objects, as long as S3 said and as it may read, and without an encoding",
    fc.record({ asked, object, lying }),
    async (suspect, { asked: { mood }, object: [route, name, key], lying: how }) => {
      const target = spellPath(route.replace(":preset", name).replace("*", key));
      const visited = await get(suspect, target, { ...mood, ...how, type: mood.type % 4 });
      for (const { of } of visited.made) {
        const { said = "" } = visited.calls.find(({ url }) => url === of) ?? {};
        const [, lie = ""] = said.split(" ");
        const isHarmless = HARMLESS.has(lie) || (engineNow() === "r2" && OF_S3.has(lie));
        assert.ok(lie === "" || isHarmless, `it came ${lie}`);
      }
    },
  ),
};
