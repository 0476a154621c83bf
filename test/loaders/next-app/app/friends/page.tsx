import Image from "next/image";
import { connection } from "next/server";
import { signed } from "../../../sign.ts";
import { nextSrc, privateImages } from "../../../vitrine.ts";

const KEY = "private/friends.jpg";

export default async function Page() {
  await connection(); // sign at each request, not when the app is built
  const query = await signed(KEY, "hero");
  return (
    <Image
      src={nextSrc(privateImages.site, KEY, "hero", { query })}
      width={1920}
      height={1080}
      sizes="50vw"
      alt="Friends"
    />
  );
}
