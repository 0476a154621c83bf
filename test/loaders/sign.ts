// For servers alone: the key that signs is there.

import { createSigner, expiresWithin, type PrivateImagesPreset, privateImages } from "./vitrine.ts";

/** The query of a picture's URLs. It is valid for an hour at most, and for half an hour at least. */
export function signed(key: string, preset: PrivateImagesPreset): Promise<string> {
  const sign = createSigner(privateImages.site, process.env["URL_SIGNING_KEYS"] ?? "");
  return sign(key, preset, { expires: expiresWithin(3600) });
}

/** The attributes of an <img>. */
export async function friends() {
  const key = "private/friends.jpg";
  const query = await signed(key, "hero");
  return privateImages.imgProps(key, "hero", { alt: "Friends", sizes: "50vw", query });
}
