// Random public paths, from likely to absurd.

import fc from "fast-check";
import { anyText, isKey, KEYS, respell, split, spots, TRICKS } from "./spelling.ts";
import { VARIANTS } from "./world.ts";

const weighted = <T>(...all: [number, fc.Arbitrary<T>][]) =>
  fc.oneof(...all.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const oneOf = (text: string) => fc.constantFrom(...split(text));

const long = fc
  .tuple(oneOf("k %61 é a/ %2e ../"), fc.constantFrom(300, 1025, 22_000))
  .map(([part, times]) => part.repeat(times));
const trick = fc.constantFrom(...TRICKS);
const segment = weighted(
  [9, fc.constantFrom(...KEYS)],
  [4, trick],
  [1, fc.array(trick, { maxLength: 3 }).map((tricks) => `a${tricks.join("")}`)],
  [1, anyText],
);
const segments = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), oneOf("/ / / %2f // \\ "))
  .map(([parts, joint]) => parts.join(joint));
const rest = weighted([60, segments], [1, long]);
const knownVariant = fc.constantFrom(...Object.keys(VARIANTS));

/** Names that are not variants. Most are close to one. */
export const unknownVariant = fc
  .oneof(
    fc
      .tuple(knownVariant, oneOf("@3x @1.0x @2X @02x @2x@2x @641w @1w @ %20 %00 s @1e0x"))
      .map((parts) => parts.join("")),
    fc.tuple(knownVariant, fc.nat(20)).map(([name, at]) => name.slice(0, at) + name.slice(at + 1)),
    knownVariant.map((name) => name.toUpperCase()),
    oneOf("__proto__ constructor hasOwnProperty original raw width=9000 -"),
    anyText,
  )
  .filter(
    (name) => !Object.hasOwn(VARIANTS, name) && !/[/?#\\\t\r\n]/.test(name) && !/^\.*$/.test(name),
  );

const variant = weighted([9, knownVariant], [2, unknownVariant], [1, segment]);

export const path = fc
  .tuple(fc.nat(9), variant, rest, segment, fc.oneof(fc.constant([]), spots))
  .map(([route, name, key, one, spots]) => {
    const paths = [
      ...[`/images/${name}/${key}`, `/avatars/${one}/${name}`, `/p/${name}/${one}/${key}`],
      ...[`/pairs/${name}/${one}/${key}`, `/icons/${name}/${key}`, `/private/${name}/${key}`],
      ...[`/app/${name}/${key}`, `/öffentlich ✓/${name}/${key}`, `/${key}`, "/healthz"],
    ];
    return `/${respell((paths[route] ?? "/").slice(1), spots)}`;
  });

const parameter = fc
  .tuple(
    oneOf("exp kid sig v width format EXP exp[] %65xp  onerror"),
    oneOf(` 0 1 99999999999 new old 1e9 -1 %31 ${"x".repeat(43)} ${"A".repeat(43)}`),
    oneOf("=  =="),
  )
  .map(([name, value, sign]) => name + sign + value);

/** Query parameters, repeated and contradictory. */
export const query = weighted(
  [5, fc.constant("")],
  [2, fc.array(parameter, { maxLength: 8 }).map((all) => `?${all.join("&")}`)],
  [1, anyText.map((text) => `?${text}`)],
);

export const images = fc.tuple(
  oneOf("/images/ /app/ /%C3%B6ffentlich%20%E2%9C%93/"),
  knownVariant,
  fc.array(fc.constantFrom("a", "b c", "ä", "100%"), { minLength: 1, maxLength: 3 }),
);

const NAMED = ["/images/:preset/*", "/app/:preset/*", "/private/:preset/*"] as const;
const names = fc.oneof(
  oneOf("a.jpg b+c 1+1=2 100% ä e\u0301 😀 %2e%2e @ ?#"),
  fc.constant("b c"),
  anyText,
);

export const object = fc
  .tuple(
    fc.constantFrom(...NAMED, "/öffentlich ✓/:preset/*" as const),
    knownVariant,
    fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  )
  .filter(([, , key]) => isKey(key));
