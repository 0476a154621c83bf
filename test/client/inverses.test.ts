// Building a URL and parsing it are inverses, and the Worker reads each URL as the client does. This is
// tried with random routes and keys.

import fc from "fast-check";
import { expect, test } from "vitest";
import { openSite, parseUrl, urlOf } from "../../src/client/site.ts";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { keyFault } from "../../src/url/key.ts";
import { compileRoute, findRoute } from "../../src/worker/config/compile-route.ts";
import { decodePathname } from "../../src/worker/request/resolve-request.ts";
import { anyText, respell, respellEncoded, spots } from "../hostile/spelling.ts";

const BASE_URL = "https://images.example";
const PRESETS = { card: { width: 10, dpr: [1, 1.5, 2] }, "a-b_c": { width: 9, widths: [3, 9] } };
const VARIANTS = ["card", "card@1x", "card@1.5x", "card@2x", "a-b_c", "a-b_c@3w", "a-b_c@9w"];

/** A segment of a path as it stands in wrangler.toml. */
const literal = fc
  .oneof(
    fc.constantFrom("images", "card", "a b", "ü", "%41", "(x)", "a.b", "$&", "@", "'", "...", "-"),
    anyText.filter((text) => /^(?!\.\.?$)[^:*%?#\\/\p{Cc}\p{Cs}]+$/u.test(text)),
  )
  .filter((text) => !text.includes("%"));

/** A random route. */
type Drawn = {
  readonly path: string;
  readonly object: string;
  /** Whether no segment of the key holds two names. A key then has only one reading. */
  readonly plain: boolean;
  /** The placeholders of the object, in order. */
  readonly names: readonly string[];
};

const route: fc.Arbitrary<Drawn> = fc
  .record({
    literals: fc.array(literal, { maxLength: 3 }),
    names: fc.subarray([":a", ":b", ":preset2"]),
    rest: fc.boolean(),
    sortKeys: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
    used: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
    glue: fc.array(fc.constantFrom("/", "/", "/", "/x/", "-", ".", ""), {
      minLength: 4,
      maxLength: 4,
    }),
    tail: fc.constantFrom("", ".jpg", "/ä (1).png"),
  })
  .map(({ literals, names, rest, sortKeys, used, glue, tail }) => {
    const segments = [":preset", ...names, ...literals].map((segment, at) => ({ segment, at }));
    segments.sort((one, other) => (sortKeys[one.at] ?? 0) - (sortKeys[other.at] ?? 0));
    const placeholders = [...names, ...(rest ? ["*"] : [])];
    const parts = used.map((at) => placeholders[at % Math.max(1, placeholders.length)] ?? "fixed");
    const joints = glue.slice(0, parts.length - 1);
    return {
      path: ["", ...segments.map(({ segment }) => segment), ...(rest ? ["*"] : [])].join("/"),
      object: parts.map((part, at) => part + (joints[at] ?? tail)).join(""),
      plain: joints.every((joint) => joint.includes("/")),
      names: parts,
    };
  });

const segment = fc
  .oneof(
    anyText,
    fc.constantFrom(...HARD_KEYS.flatMap((key) => key.split("/")), "card", "-", ".", ".."),
  )
  .map((text) => text.replaceAll("/", ""));
const values = fc.record({
  ":a": segment,
  ":b": segment,
  ":preset2": segment,
  "*": fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
});

/** Reads a URL as the Worker does before it asks for the object. */
function readAsWorker({ path, object }: Drawn, url: string) {
  const compiled = compileRoute(path, object, () => {});
  const decoded = decodePathname(new URL(url).pathname);
  const match = typeof decoded === "string" ? findRoute([compiled], decoded) : undefined;
  if (match === undefined || !("key" in match)) return undefined;
  if (!VARIANTS.includes(match.variant) || keyFault(match.key) !== undefined) return undefined;
  return { variant: match.variant, key: match.key };
}

const open = ({ path, object }: Drawn, baseUrl = BASE_URL) =>
  openSite({ baseUrl, route: { path, object: `media/${object}` }, presets: PRESETS });

const fill = (template: string, texts: Readonly<Record<string, string>>) =>
  template.replace(/:(?:a|b|preset2?)|\*/g, (name) => texts[name] ?? "");

const variant = fc.constantFrom(...VARIANTS);

test("a URL that the client builds is read the same by the client and by the Worker", () => {
  let built = 0;
  const check = fc.property(
    route,
    values,
    variant,
    (drawn, texts: Record<string, string>, name) => {
      const key = fill(drawn.object, texts);
      const site = open(drawn);
      const build = () => urlOf(site, key, name);
      if (keyFault(key) !== undefined) {
        expect(build).toThrow(/ invalid key /);
        return;
      }
      // If two names are not separated by a slash, one reading of the key may leave one of them empty.
      const sure =
        drawn.plain &&
        drawn.names.every(
          (placeholder) => !/(?:^|\/)\.{0,2}(?:\/|$)/.test(texts[placeholder] ?? "-"),
        );
      const url = sure ? build() : buildOrNot(build);
      if (url === undefined) return;
      built += 1;
      expect(new URL(url).href).toBe(url);
      expect(parseUrl(site, url)).toEqual({ key, variant: name, preset: name.split("@")[0] });
      expect(readAsWorker(drawn, url)).toEqual({ key, variant: name });
    },
  );
  fc.assert(check, { numRuns: 2000, seed: 20_261_127 });
  expect(built).toBeGreaterThan(800);
});

function buildOrNot(build: () => string): string | undefined {
  try {
    return build();
  } catch (error) {
    expect(`${error}`).toMatch(/ does not lead to /);
    return undefined;
  }
}

test("the client and the Worker read every spelling of a URL the same, and build it again", () => {
  let parsed = 0;
  const tail = fc.constantFrom("", "?v=1", "#a", "?%", "%", "%ff", "/", "/.", "//", "%2e%2e", "\\");
  const drawn = fc.record({ route, values, name: fc.oneof(variant, segment), spots, tail });
  const check = fc.property(drawn, ({ route, values, name, spots, tail }) => {
    const path = fill(route.path, { ...values, ":preset": name }).slice(1);
    const spelt = respellEncoded(encodeURIComponent(path.toWellFormed()), spots);
    const url = new URL(`${BASE_URL}/${respell(spelt, spots.slice(2))}${tail}`).href;
    const match = readAsWorker(route, url);
    const site = open(route);
    const read = parseUrl(site, url);
    // The Worker also reads paths with an empty part. The client never builds these.
    const again = match && buildOrNot(() => urlOf(site, match.key, match.variant));
    const preset = match?.variant.split("@")[0];
    expect(read).toEqual(again && { ...match, preset });
    // The same below a base URL that has a path.
    const moved = url.replace(BASE_URL, `${BASE_URL}/img`);
    expect(parseUrl(open(route, `${BASE_URL}/img/`), moved)).toEqual(read);
    if (again === undefined) return;
    parsed += 1;
    expect(readAsWorker(route, again)).toEqual(match);
  });
  fc.assert(check, { numRuns: 3000, seed: 20_261_128 });
  expect(parsed).toBeGreaterThan(300);
});
