import { HARD } from "../../../../keys.ts";
import { signed } from "../../../../sign.ts";
import { privateImages } from "../../../../vitrine.ts";

export async function load() {
  const query = await signed(HARD, "hero");
  return { hard: privateImages.imgProps(HARD, "hero", { alt: "hard", sizes: "50vw", query }) };
}
