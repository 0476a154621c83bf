// Where the user's own images go in the local buckets.

import { publicPath } from "../../cli/urls/public-url.ts";
import type { Config } from "../../worker/config/config.ts";

/** Returns the key of a file, and the first route that shows it; undefined: no route leads there. */
export function placeFor({ routes, variants }: Config, file: string) {
  const key = `own/${file}`;
  const [name = ""] = variants.keys();
  const route = routes.find((one) => publicPath(routes, one, name, key) !== undefined);
  return route && { key, route };
}
