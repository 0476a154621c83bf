import Image, { getImageProps } from "next/image";
import { images, nextSrc } from "../../../vitrine.ts";

const HARD = "keys/1+1=2 (ü).jpg";

export default function Page() {
  const { props } = getImageProps({
    src: nextSrc(images.site, "photos/fig.jpg", "thumbnail"),
    width: 160,
    height: 160,
    alt: "props",
  });
  return (
    <main>
      <Image
        src={nextSrc(images.site, "photos/fig.jpg", "card")}
        width={480}
        height={360}
        quality={10}
        alt="density"
      />
      <Image src={nextSrc(images.site, HARD, "card")} width={480} height={360} alt="hard" />
      <Image
        src={nextSrc(images.site, "photos/fig.jpg", "hero")}
        width={1920}
        height={1080}
        sizes="100vw"
        preload={true}
        alt="preload"
      />
      <Image
        src={nextSrc(images.site, "photos/fig.jpg", "hero")}
        width={1920}
        height={1080}
        sizes="100vw"
        priority={true}
        alt="priority"
      />
      <img {...props} alt={props.alt} />
    </main>
  );
}
