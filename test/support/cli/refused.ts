// Public URLs that the Worker refuses. The signatures are made with the keys of env.ts.

import { signGrant } from "../../../src/url/grant.ts";
import { SECRETS } from "../env.ts";

const [KID, SECRET] = ["new", JSON.parse(SECRETS.URL_SIGNING_KEYS).new] as const;
/** The current time in seconds since 1970. */
export const now = () => Math.floor(Date.now() / 1000);

/** Returns the query that signs a URL. */
export function signed(
  route: string,
  key: string,
  { preset = "card", expires = now() + 50, version }: Record<string, string | number> = {},
): Promise<string> {
  const grant = { route, key, preset: `${preset}`, expires: Number(expires) };
  const versioned = version === undefined ? {} : { version: `${version}` };
  return signGrant({ ...grant, ...versioned }, { kid: KID, secret: SECRET });
}

export const PRIVATE = "/private/:preset/*";
const soon = now() + 50;

/** Refused URLs, each with the event of its refusal. */
export const REFUSED: Record<string, [path: string | Promise<string>, event: string]> = {
  "no route": ["/imags/card/photos/fig.jpg", "no-such-route"],
  "the root": ["/", "no-such-route"],
  "no key": ["/images/card/", "impossible-key"],
  "two slashes": ["//images/card/photos/fig.jpg", "no-such-route"],
  "no preset": ["/images/crad/photos/fig.jpg", "no-such-variant"],
  "no such descriptor": ["/images/card@3x/photos/fig.jpg", "no-such-variant"],
  "a name that objects have": ["/images/constructor/photos/fig.jpg", "no-such-variant"],
  "a preset that the route has not": ["/avatars/ada/hero", "no-such-variant"],
  "a percent sign alone": ["/images/card/100%.jpg", "impossible-key"],
  "bytes that are no UTF-8": ["/images/card/%ff.jpg", "impossible-key"],
  "an encoded step up": ["/images/card/a%2f..%2fb.jpg", "impossible-key"],
  "an empty segment": ["/images/card/a//b.jpg", "impossible-key"],
  "an escape sequence": ["/images/card/%1b%5b31m.jpg", "impossible-key"],
  "a key that is too long": [`/images/card/${"x".repeat(1020)}.jpg`, "impossible-key"],
  "too long below its prefix": [`/images/card/${"x".repeat(1015)}`, "impossible-key"],
  "no signature": ["/private/card/photos/fig.jpg", "signature-wrong"],
  "no signature of this preset": [
    signed(PRIVATE, "photos/fig.jpg").then((query) => `/private/hero/photos/fig.jpg${query}`),
    "signature-wrong",
  ],
  "no signature of this route": [
    signed("/v/:preset/*", "photos/fig.jpg").then(
      (query) => `/private/card/photos/fig.jpg${query}`,
    ),
    "signature-wrong",
  ],
  "a kid that nobody has": [
    `/private/card/photos/fig.jpg?exp=${soon}&kid=kept&sig=${"A".repeat(43)}`,
    "signature-wrong",
  ],
  "a parameter more": [
    signed(PRIVATE, "photos/fig.jpg").then((query) => `/private/card/photos/fig.jpg${query}&w=1`),
    "signature-wrong",
  ],
  "a signed path that is spelt otherwise": [
    signed(PRIVATE, "photos/fig.jpg").then((query) => `/private/card/photos%2Ffig.jpg${query}`),
    "signature-wrong",
  ],
  "a signature that got into the path": [
    signed(PRIVATE, "photos/fig.jpg").then(
      (query) => `/private/card/photos/fig.jpg${encodeURIComponent(query)}`,
    ),
    "signature-wrong",
  ],
  "a signature in the path of no route": [
    signed(PRIVATE, "photos/fig.jpg").then(
      (query) => `/privat/fig.jpg${encodeURIComponent(query)}`,
    ),
    "no-such-route",
  ],
  "one that is over": [
    signed(PRIVATE, "photos/fig.jpg", { expires: now() - 1 }).then(
      (query) => `/private/card/photos/fig.jpg${query}`,
    ),
    "url-expired",
  ],
  "one that is good for too long": [
    signed("/v/:preset/*", "photos/fig.jpg", { expires: now() + 5000 }).then(
      (query) => `/v/card/photos/fig.jpg${query}`,
    ),
    "signature-wrong",
  ],
};
