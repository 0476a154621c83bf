// For servers alone: the key that signs is there.

import { thumbHash } from "../../src/client/placeholder.ts";
import { facts } from "./facts.ts";
import { createSigner, type PrivateImagesPreset, privateImages } from "./vitrine.ts";

/** The query that opens a picture, for an hour at most and for half an hour at least. */
export function signed(key: string, preset: PrivateImagesPreset): Promise<string> {
  const sign = createSigner(privateImages.site, process.env.URL_SIGNING_KEYS ?? "");
  return sign(key, preset, { within: 3600 });
}

const KEY = "private/friends.jpg";
const fact = { original: facts[KEY], placeholder: thumbHash };

/** The attributes of an <img>. */
export async function friends() {
  const query = await signed(KEY, "hero");
  const alt = "Friends";
  return privateImages.imgProps(KEY, "hero", { alt, sizes: "50vw", ...fact, query });
}
