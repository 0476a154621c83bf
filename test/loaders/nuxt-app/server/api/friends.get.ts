import { friends, signed } from "../../../sign.ts";
import { signedSrc } from "../../../vitrine.ts";

const KEY = "private/friends.jpg";

export default defineEventHandler(async () => {
  const { alt, loading, width, height, style } = await friends();
  const src = signedSrc(KEY, await signed(KEY, "hero"));
  return { alt, loading, width, height, style, src };
});
