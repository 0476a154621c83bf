// The property of facts: who gets them, and what they say. It knows what the edge tells, and nothing of the
// Worker's code.

import assert from "node:assert/strict";
import fc from "fast-check";
import { mood, type RequestInput } from "./inputs.ts";
import { fallbackCalls, property, sendInput } from "./property.ts";
import { healthy } from "./rendition-requests.ts";
import { URL_PREFIXES, VARIANTS, WITH_FACTS } from "./world.ts";

/** The whole text of facts. */
export const FACTS =
  /^\{"width":([1-9]\d{0,5}),"height":([1-9]\d{0,5}),"original":\{(?:"width":([1-9]\d{0,5}),"height":([1-9]\d{0,5}))?,?(?:"type":"image\/(jpeg|png|gif|webp|avif|heic)")?\}\}$/;

export function isFacts({ headers }: Response): boolean {
  return headers.get("content-type") === "application/json";
}

/** Returns whether a URL asks for facts, if its signature is right. */
function isForFacts(request: Request | undefined): boolean {
  const url = new URL(request?.url ?? "https://images.example");
  const { search } = url;
  const pathname = url.pathname.replace(/%(?=[2-7])[0-9a-f]{2}/gi, decodeURIComponent); // ASCII
  if (/^\/private\//.test(pathname)) return /&sig=[\w-]+&facts$/.test(search);
  return /^\/(?:images|icons|app)\//.test(pathname) && search === "?facts";
}

/** Routes that name their object by its whole key. */
const ROUTES = Object.keys(URL_PREFIXES).filter((path) => path.endsWith("/:preset/*"));

const QUERIES = ["?facts", "?facts", "?facts", "", "?facts=", "?facts=1", "?FACTS", "?facts&facts"];

/** An edge that says that it succeeded, and tells anything. */
const ODD = { outcome: 6, resized: "internal=ok/m", contentType: "application/json", warning: "" };
const odd = mood.map((one) => ({ ...one, ...ODD }));

const likely: fc.Arbitrary<RequestInput & { readonly route: string; readonly variant: string }> = fc
  .record({
    route: fc.constantFrom(...ROUTES),
    variant: fc.constantFrom(...Object.keys(VARIANTS)),
    key: fc.constantFrom("b.jpg", "c.jpg", "d", "e", "f/g"),
    query: fc.constantFrom(...QUERIES),
    signed: fc.constantFrom(3600, 3600, 5, 0, 90_000),
    spoilt: fc.constantFrom(undefined, undefined, "kid" as const, "secret" as const),
    facts: fc.constantFrom(true, true, false),
    method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
    mood: fc.oneof(healthy, mood, odd),
  })
  .map(({ key, query, ...one }) => {
    const isSigned = /^\/(?:private|secret)\//.test(one.route);
    const path = one.route.replace(":preset", one.variant).replace("*", key);
    const headers = [["accept", "image/avif,image/webp"] as const];
    const origin = ["origin", "https://app.example"] as const;
    return {
      ...{ ...one, facts: isSigned && one.facts, url: path + query },
      headers: one.route.startsWith("/app/") ? [...headers, origin] : headers,
    };
  });

export const ofFacts = {
  facts: property(
    "facts are for those who may see the picture, where the route has them, and say nothing but certain sizes and a type",
    likely,
    async (suspect, input) => {
      const visited = await sendInput(suspect, input);
      if (visited === undefined) return;
      const { answer, body, calls, request } = visited;
      const isAsked = WITH_FACTS.has(input.route) && isForFacts(request);
      const type = answer.headers.get("content-type") ?? "";
      const message = `${answer.status} ${type} ${body} to ${request.url}`;
      if (!isAsked) assert.ok(!isFacts(answer), message);
      if (!isAsked) return;
      assert.ok(!type.startsWith("image/"), message);
      assert.equal(answer.status === 200, isFacts(answer), message);
      assert.deepEqual(fallbackCalls(visited), []);
      const images = calls.flatMap(({ cf }) => (cf?.image ? [cf.image] : []));
      assert.ok(images.every((image) => Object(image).format === "json"));
      const isPrivate = input.route.startsWith("/private/");
      const { spoilt, signed } = input;
      const isRight = spoilt === undefined && (signed ?? 0) > 0 && (signed ?? 0) <= 86_400;
      if (isPrivate && !isRight) assert.deepEqual([isFacts(answer), calls.length], [false, 0]);
      if (!isFacts(answer) || input.method === "HEAD") return;
      const [, ...values] = FACTS.exec(body) ?? assert.fail(message);
      assert.equal(JSON.stringify(JSON.parse(body)), body);
      const [width = 0, height = 0, across = 0, down = 0] = values.slice(0, 4).map(Number);
      const isCover = input.variant.startsWith("card");
      if (!across || across === down || values[4] === "gif") return;
      // The original has the shape of the picture, or the picture shows a part of it.
      assert.ok(!isCover, message);
      assert.ok(Math.abs(width * down - height * across) < across + down, message);
    },
  ),
};
