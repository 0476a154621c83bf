// The URL that tells the sizes of a picture: for pictures that were not there when the app was built.

import { fail, urlOf } from "./site.ts";
import type { PresetTable, Site } from "./types.ts";

/**
 * Returns the URL of the facts of an object at a preset. It answers JSON, a `FactsAnswer`, if the route has
 * `facts = true`. The `original` of the answer is one for `imgProps` if it has both sides.
 * @param query on a signed route, the query that signs the picture
 * @throws RangeError as `imageUrl` does, and if the route does not have `facts: true`
 * @example
 * const answer = await fetch(factsUrl(images.site, "photos/fig.jpg", "card"));
 * const { width, height }: FactsAnswer = await answer.json();
 */
export function factsUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  const { path, facts } = site.route;
  if (!facts) fail(`route ${path} has no facts: set facts = true in wrangler.toml`);
  return urlOf(site, key, preset, query) + (query ? "&facts" : "?facts");
}
