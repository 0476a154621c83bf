// Random public paths, from likely to absurd.

import fc from "fast-check";
import { anyText, isKey, respell, spots } from "./spelling.ts";
import { KEYS, TRICKS } from "./tricks.ts";
import { VARIANTS } from "./world.ts";

const long = fc
  .tuple(fc.constantFrom("k", "%61", "é", "a/", "%2e", "../"), fc.constantFrom(300, 1025, 22_000))
  .map(([part, times]) => part.repeat(times));

const segment = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 4, arbitrary: fc.constantFrom(...TRICKS) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...TRICKS), { maxLength: 3 })
      .map((tricks) => `a${tricks.join("")}`),
  },
  { weight: 1, arbitrary: anyText },
);

const rest = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .tuple(
        fc.array(segment, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("/", "/", "/", "%2f", "//", "\\", ""),
      )
      .map(([parts, joint]) => parts.join(joint)),
  },
  { weight: 1, arbitrary: long },
);

const knownVariant = fc.constantFrom(...Object.keys(VARIANTS));

/** Names that are not variants. Most are close to one. */
export const unknownVariant = fc
  .oneof(
    fc
      .tuple(
        knownVariant,
        fc.constantFrom(
          "@3x",
          "@1.0x",
          "@2X",
          "@02x",
          "@2x@2x",
          "@641w",
          "@1w",
          "@",
          " ",
          "%00",
          "s",
          "@1e0x",
        ),
      )
      .map((parts) => parts.join("")),
    fc.tuple(knownVariant, fc.nat(20)).map(([name, at]) => name.slice(0, at) + name.slice(at + 1)),
    knownVariant.map((name) => name.toUpperCase()),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "original",
      "raw",
      "width=9000",
      "-",
    ),
    anyText,
  )
  .filter(
    (name) => !Object.hasOwn(VARIANTS, name) && !/[/?#\\\t\r\n]/.test(name) && !/^\.*$/.test(name),
  );

const variant = fc.oneof(
  { weight: 9, arbitrary: knownVariant },
  { weight: 2, arbitrary: unknownVariant },
  { weight: 1, arbitrary: segment },
);

export const path = fc
  .tuple(fc.nat(9), variant, rest, segment, fc.oneof(fc.constant([]), spots))
  .map(([route, name, key, one, where]) => {
    const paths = [
      `/images/${name}/${key}`,
      `/avatars/${one}/${name}`,
      `/p/${name}/${one}/${key}`,
      `/pairs/${name}/${one}/${key}`,
      `/icons/${name}/${key}`,
      `/private/${name}/${key}`,
      `/app/${name}/${key}`,
      `/öffentlich ✓/${name}/${key}`,
      `/${key}`,
      "/healthz",
    ];
    return `/${respell((paths[route] ?? "/").slice(1), where)}`;
  });

const parameter = fc
  .tuple(
    fc.constantFrom(
      "exp",
      "kid",
      "sig",
      "v",
      "width",
      "format",
      "EXP",
      "exp[]",
      "%65xp",
      "",
      "onerror",
    ),
    fc.constantFrom(
      "",
      "0",
      "1",
      "99999999999",
      "new",
      "old",
      "1e9",
      "-1",
      "%31",
      "x".repeat(43),
      "A".repeat(43),
    ),
    fc.constantFrom("=", "", "=="),
  )
  .map(([name, value, sign]) => name + sign + value);

/** Query parameters, repeated and contradictory. */
export const query = fc.oneof(
  { weight: 5, arbitrary: fc.constant("") },
  { weight: 2, arbitrary: fc.array(parameter, { maxLength: 8 }).map((all) => `?${all.join("&")}`) },
  { weight: 1, arbitrary: anyText.map((text) => `?${text}`) },
);

export const images = fc.tuple(
  fc.constantFrom("/images/", "/app/", "/%C3%B6ffentlich%20%E2%9C%93/"),
  knownVariant,
  fc.array(fc.constantFrom("a", "b c", "ä", "100%"), { minLength: 1, maxLength: 3 }),
);

/** An object as an app names it. */
export const object = fc
  .tuple(
    fc.constantFrom(
      "/images/:preset/*",
      "/app/:preset/*",
      "/private/:preset/*",
      "/öffentlich ✓/:preset/*",
    ),
    knownVariant,
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            "a.jpg",
            "b c",
            "1+1=2",
            "100%",
            "ä",
            "e\u0301",
            "😀",
            "%2e%2e",
            "@",
            "?#",
          ),
          anyText,
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      )
      .map((parts) => parts.join("/")),
  )
  .filter(([, , key]) => isKey(key));
