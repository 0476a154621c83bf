// Checks where Vitrine is, for an app that says it by hand or by its environment.

import { fail } from "./site.ts";

const BASE_URL = /^(?:https?:\/\/[^/?#]+)?(?:\/[^?#]*)?$/i;

/**
 * Returns a base URL if it is valid: an http(s) URL, or a path of the page's own host: `/`.
 * @param name what the app calls it; part of the error message
 * @throws RangeError if it is empty or anything else
 * @example
 * createClient({ baseUrl: checkBaseUrl(process.env.IMAGES_URL, "IMAGES_URL"), route, presets });
 */
export function checkBaseUrl(given: string | undefined, name: string): string {
  if (given && BASE_URL.test(given)) return given;
  const told = given ? `"${given}"` : "not set";
  return fail(`${name} is ${told}: it must be like "https://images.example.com" or "/"`);
}
