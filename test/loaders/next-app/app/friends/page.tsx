import Image from "next/image";
import { connection } from "next/server";
import { friends, signed } from "../../../sign.ts";
import { nextSrc, privateImages, reactProps } from "../../../vitrine.ts";

const KEY = "private/friends.jpg";

export default async function Page() {
  await connection(); // sign at each request, not when the app is built
  const { srcSet: _, ...img } = reactProps(await friends());
  const src = nextSrc(privateImages.site, KEY, "hero", { query: await signed(KEY, "hero") });
  return <Image {...img} src={src} alt={img.alt} />;
}
