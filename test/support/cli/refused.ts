// Public URLs whose signatures the Worker refuses. The signatures are made with the keys of env.ts.

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
const FIG = "photos/fig.jpg";
const CARD = `/private/card/${FIG}`;
const query = await signed(PRIVATE, FIG);
const FORGED = `?exp=${now() + 50}&kid=kept&sig=${"A".repeat(43)}`;

/** Paths whose signatures are refused. */
export const REFUSED: Readonly<Record<string, string>> = {
  "no signature": CARD,
  "no signature of this preset": `/private/hero/${FIG}${query}`,
  "no signature of this route": CARD + (await signed("/v/:preset/*", FIG)),
  "a kid that nobody has": CARD + FORGED,
  "a parameter more": `${CARD + query}&w=1`,
  "a signed path that is spelt otherwise": `/private/card/photos%2Ffig.jpg${query}`,
  "a signature that got into the path": CARD + encodeURIComponent(query),
  "a signature in the path of no route": `/privat/fig.jpg${encodeURIComponent(query)}`,
  "one that is over": CARD + (await signed(PRIVATE, FIG, { expires: now() - 1 })),
  "one that is good for too long": `/v/card/${FIG}${await signed("/v/:preset/*", FIG, { expires: now() + 5000 })}`,
};
