// The properties of the headers that browsers send.

import assert from "node:assert/strict";
import fc from "fast-check";
import { entries, mood, namedBy, namedIn, spellEntry } from "./inputs.ts";
import { get, property } from "./property.ts";
import { headerText, split } from "./spelling.ts";

const oneOf = (text: string) => fc.constantFrom(...split(text));

/** A page, for which it is known whether it may embed images. */
const page = fc.record({
  scheme: oneOf("https https http android-app data"),
  user: oneOf("  app.example@ https%3A%2F%2Fapp.example:x@"),
  host: fc.oneof(
    oneOf("app.example images.example evil.example app.example.evil.example evilapp.example"),
    oneOf("app.images.example app.exampl app-example www.app.example app.example. example"),
    fc.constant("app.examplе"), // its last letter is Cyrillic
  ),
  port: oneOf("  :443 :8443 :0"),
  path: oneOf(" / /https://app.example/ /?https://app.example /#https://app.example"),
  as: fc.constantFrom("origin", "referer", "neither"),
  /** A route for app.example, which is another site than the Worker, or a route for its own site. */
  route: fc.constantFrom("app", "near"),
  site: oneOf(" cross-site same-site same-origin none"),
});

type Page = typeof page extends fc.Arbitrary<infer P> ? P : never;

/** Below the route with `cors`: a picture, what cannot be shown, and what the edge itself asks for. */
const READABLE = oneOf(
  "card/a.jpg card/a.jpg?facts hero@640w/a.jpg card/none nope/a.jpg card/ card//a card/a?x-vitrine=1",
);

export const ofVisitors = {
  formats: property(
    "Accept of any shape ends in a format that the browser named, or in none",
    fc.record({
      all: entries,
      text: headerText,
      presets: fc.constantFrom("card", "card@2x", "moving"),
      mood,
    }),
    async (suspect, { all, text: plain, presets: name, mood: now }) => {
      for (const accept of [all.map(spellEntry).join(",").trim(), plain]) {
        const { answer, calls } = await get(suspect, `/images/${name}/a.jpg`, now, { accept });
        const named = accept === plain ? namedIn(plain) : namedBy(all);
        for (const { cf } of calls) {
          const format = cf?.image?.format;
          if (format === "avif" || format === "webp")
            assert.ok(named.has(`image/${format}`), `${format} of ${accept}`);
        }
        const type = answer.headers.get("content-type") ?? "";
        const isShown = answer.status === 200 || type.startsWith("image/");
        if (isShown) assert.equal(answer.headers.get("vary"), "accept");
        if (isShown && !["image/jpeg", "image/png"].includes(type)) {
          assert.ok(named.has(type), `${type} to ${accept}`);
        }
      }
    },
  ),
  pages: property(
    "on a route with origins, only pages of these origins get an image",
    fc.record({ page, mood, method: fc.constantFrom("GET", "HEAD", "OPTIONS"), accept: entries }),
    async (suspect, { page: claimed, mood: now, method, accept }) => {
      const page = `${claimed.scheme}://${claimed.user}${claimed.host}${claimed.port}`;
      const header = claimed.as === "referer" ? page + claimed.path : page;
      if (/[^\x20-\x7e]/.test(header)) return;
      const headers: Record<string, string> = { accept: accept.map(spellEntry).join(",").trim() };
      if (claimed.as !== "neither") headers[claimed.as] = header;
      if (claimed.site !== "") headers["sec-fetch-site"] = claimed.site;
      const path = `/${claimed.route}/card/a.jpg`;
      const { answer, calls } = await get(suspect, path, now, headers, method);
      if (method === "OPTIONS") assert.equal(calls.length, 0);
      if (mayEmbed(claimed)) assert.notEqual(answer.status, 403, header);
      else assert.deepEqual([answer.status, calls.length], [403, 0], header);
      const allowed = answer.headers.get("access-control-allow-origin");
      assert.ok(allowed === null || allowed === `https://${HOSTS[claimed.route]}`);
      assert.match(answer.headers.get("vary") ?? "", /^origin, referer, sec-fetch-site\b/);
    },
  ),
  readers: property(
    "on a route with cors, scripts of all pages may read every answer, which no page changes",
    fc.record({
      ...{ page, mood, path: READABLE, via: oneOf(" 1.1 image-resizing-proxy") },
      method: fc.constantFrom("GET", "GET", "HEAD", "OPTIONS", "POST"),
    }),
    async (suspect, { page, mood: now, path, via, method }) => {
      const origin = `${page.scheme}://${page.user}${page.host}${page.port}`;
      if (/[^\x20-\x7e]/.test(origin)) return;

      const headers: Record<string, string> = { via, "sec-fetch-site": page.site };
      if (page.as !== "neither") headers[page.as] = origin;
      const { answer } = await get(suspect, `/öffentlich ✓/${path}`, now, headers, method);

      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
      assert.equal(answer.headers.get("access-control-allow-credentials"), null);
      assert.match(answer.headers.get("vary") ?? "", /^(?:accept)?$/);
    },
  ),
};

const HOSTS = { app: "app.example", near: "app.images.example" } as const;

/** Returns whether a page with these headers may embed images. */
function mayEmbed({ route, scheme, user, host, port, as, site }: Page): boolean {
  const names = as === "origin" || (as === "referer" && scheme.startsWith("http"));
  if (!names) return site !== "cross-site" || route === "app";
  const isKnownHost = host === HOSTS[route] || host === "images.example";
  const plain = port === "" || (as === "referer" && port === ":443");
  return scheme === "https" && isKnownHost && plain && (user === "" || as === "referer");
}
