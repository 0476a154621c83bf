import { urlForWidth, urlOf } from "./site.ts";
import type { AnySite } from "./types.ts";

/** What a framework's image component asks a loader for. */
export type Asked = {
  readonly key: string;
  readonly preset: unknown;
  /** In pixels; where it is none, the preset itself is meant. */
  readonly width: unknown;
};

/**
 * The URL that answers it.
 * @param how what the app is to write, where it names no preset of the site
 */
export function urlAsked(site: AnySite, { key, preset, width }: Asked, how: string): string {
  const names = [...site.shown.keys()];
  const name = names.find((one) => one === preset);
  if (name === undefined) {
    const fault = preset ? `no preset "${preset}"` : "no preset";
    throw new RangeError(`Vitrine: ${fault} for "${key}": ${how}, one of ${names.join(", ")}`);
  }
  return Number(width) > 0 ? urlForWidth(site, key, name, Number(width)) : urlOf(site, key, name);
}
