import Image from "next/image";
import { images, nextSrc } from "../../vitrine.ts";

export default function Page() {
  return (
    <Image
      src={nextSrc(images.site, "photos/fig.jpg", "hero")}
      width={1920}
      height={1080}
      sizes="(max-width: 1200px) 100vw, 1200px"
      alt="A fig"
    />
  );
}
