// Who waits for whom (W6).

import { expect, test } from "vitest";
import { createCache } from "../../../src/emulator/cache/cache.ts";

test.each(["upper", "visitor"] as const)(
  "1,000 requests from 30 places for one URL run the entrypoint once, in the place %s (W5, W6)",
  async (runsIn) => {
    const cache = createCache({ now: () => 0, runsIn });
    const make = () => ({
      fetch: async () => new Response("a", { headers: { "cache-control": "max-age=60" } }),
    });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, at) =>
        cache.entrypoint(make, { place: `place${at % 30}` }).fetch(new Request("https://x/a?b")),
      ),
    );
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies)).toEqual(new Set(["a"]));
    const place = runsIn === "upper" ? "upper" : "place0";
    expect(cache.runs).toEqual([{ url: "https://x/a?b", place, why: "miss" }]);
  },
);
