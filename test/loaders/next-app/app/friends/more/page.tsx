import Image from "next/image";
import { connection } from "next/server";
import { HARD } from "../../../../keys.ts";
import { signed } from "../../../../sign.ts";
import { nextSrc, privateImages } from "../../../../vitrine.ts";

export default async function Page() {
  await connection();
  const src = nextSrc(privateImages.site, HARD, "hero", { query: await signed(HARD, "hero") });
  return <Image src={src} fill={true} preload={true} alt="hard" />;
}
