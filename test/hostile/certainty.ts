// The property that what is not certain is not cached. It knows the replies of the edge and S3, and nothing of the
// Worker's code.

import assert from "node:assert/strict";
import fc from "fast-check";
import { fault } from "./cache-visits.ts";
import { inputWithoutSts, mood, type RequestInput } from "./inputs.ts";
import { type Exchange, fallbackCalls, namesObject, property, sendInput } from "./property.ts";
import type { Call } from "./visit-state.ts";
import { CONFIG, createIsolate, DIRECT } from "./world.ts";

const FAILURES = [
  ...[fault(9408, 403), fault(9408, 403), fault(9408, 401), fault(9519, 502), fault(9420, 415)],
  ...[fault(9404, 404), fault(9412, 415), fault(9509, 502), fault(9422, 429)],
];

/** Few objects. The edge is often denied one: an isolate then remembers the reply of S3. */
const likely: fc.Arbitrary<RequestInput> = fc
  .record({
    route: fc.constantFrom("images", "private"),
    key: fc.constantFrom("b.jpg", "c.jpg"),
    failure: fc.option(fc.constantFrom(...FAILURES), { nil: undefined }),
    signed: fc.constantFrom(3600, 3600, 5, 90_000),
    spoilt: fc.constantFrom(undefined, undefined, undefined, "kid" as const, "secret" as const),
    mood,
  })
  .map(({ route, key, failure, mood: now, ...grant }) => ({
    ...{ method: "GET", url: `/${route}/card/${key}`, headers: [], ...grant },
    mood: { ...now, failure },
  }));

/** Returns whether the replies of S3 during the visit make a 404 or 415 certain. */
function isConfirmed(status: number, calls: readonly Call[]): boolean {
  if (status === 404) return calls.some(namesObject);
  // Its first bytes are enough to see that it is no image, also if it is longer or shorter than it should be.
  return calls.some(({ cf, reply = "" }) => cf !== undefined || /^200 (?!breaks)/.test(reply));
}

/** For how many seconds at most an answer may be cached that is not the URL's image. */
function maxSeconds({ answer, limited }: Exchange, calls: readonly Call[]): number {
  const isImage = answer.headers.get("content-type")?.startsWith("image/");
  if (answer.status === 502) return isImage ? 10 : 0;
  if (answer.status !== 404 && answer.status !== 415) return 0;
  // What the configuration alone refuses is refused before visitors are counted.
  const isConfigured = calls.length === 0 && limited.length === 0;
  return isConfigured || isConfirmed(answer.status, calls) ? 60 : 0;
}

/** Returns whether an input of `likely` has a signature that another key, clock or max_age could make right. */
function isUnfit({ url, signed, spoilt, headers }: RequestInput): boolean {
  const isOwn = /^\/private\/card\/[bc]\.jpg$/.test(url) && headers.length === 0;
  return isOwn && (spoilt !== undefined || (signed ?? 0) > 86_400);
}

const any = fc.oneof({ weight: 4, arbitrary: likely }, { weight: 1, arbitrary: inputWithoutSts });

export const ofCertainty = {
  certain: property(
    "an answer without the image of its URL is cached only if the configuration, an engine or S3 now says so",
    fc.array(any, { minLength: 1, maxLength: 4 }),
    async (suspect, inputs) => {
      const isolate = createIsolate((inputs[0]?.mood.fault ?? 0) < 128 ? CONFIG : DIRECT);
      for (const input of inputs) {
        const visited = await sendInput(suspect, input, { isolate });
        if (visited === undefined) continue;
        const { answer, calls } = visited;
        const { status, headers } = answer;
        const instead = fallbackCalls(visited);
        const ownCalls = calls.filter((call) => !instead.includes(call));
        const caching = headers.get("cache-control") ?? "";
        if (isUnfit(input)) {
          assert.deepEqual(
            [status, caching],
            [404, "no-store"],
            "a key or max_age may be on its way",
          );
        } else if (status >= 400) {
          const [, seconds = caching === "no-store" ? 0 : Infinity] =
            /^public, max-age=(\d+)$/.exec(caching) ?? [];
          const limit = maxSeconds(visited, ownCalls);
          assert.ok(
            Number(seconds) <= limit,
            `${status} is cached: ${caching}, ${repliesOf(ownCalls)}`,
          );
        }
        if (status === 404 && ownCalls.length > 0) {
          assert.ok(ownCalls.some(namesObject), `404 after ${repliesOf(ownCalls)}`);
        }
      }
    },
  ),
};

const repliesOf = (calls: readonly Call[]) => calls.map(({ reply }) => reply).join(", ");
