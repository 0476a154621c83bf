// `npx vitrine client` has written this file, and it imports the package.
import { createSigner, imagesSite, imageUrl, nextSrc } from "../../with-package/dist/vitrine.ts";

const KEY = "photos/fig.jpg";

export default defineEventHandler(async () => {
  const sign = createSigner(imagesSite, process.env.URL_SIGNING_KEYS ?? "");
  const query = await sign(KEY, "card", { expires: 2_000_000_000 });
  return [imageUrl(imagesSite, KEY, "card", query), nextSrc(imagesSite, KEY, "card")];
});
