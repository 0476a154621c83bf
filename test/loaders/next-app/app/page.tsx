import Image from "next/image";
import { facts } from "../../facts.ts";
import { images, nextSrc } from "../../vitrine.ts";

const { width, height } = facts["photos/fig.jpg"];

export default function Page() {
  return (
    <Image
      src={nextSrc(images.site, "photos/fig.jpg", "hero")}
      width={width}
      height={height}
      sizes="(max-width: 1200px) 100vw, 1200px"
      alt="A fig"
    />
  );
}
