import Image from "next/image";

export default function Page() {
  return <Image src="poster:photos/fig.jpg" width={480} height={360} alt="" />;
}
