// Makes the small files of fixtures/objects/ again: node test/support/make-objects.ts
// They are committed, so nobody needs to run this.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const objects = join(import.meta.dirname, "../../fixtures/objects");
const put = (file: string, bytes: string | Uint8Array) => {
  writeFileSync(join(objects, file), bytes);
  console.log(`${file}  ${Buffer.byteLength(bytes)} bytes`);
};
for (const folder of ["broken/", "made/"]) mkdirSync(join(objects, folder), { recursive: true });

const svg = (body: string, width: number, height: number) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`,
  );

// Upright, it is a red sky above a blue sea, 300×400. It is stored on its side, as cameras do.
const upright = svg(
  '<rect width="300" height="200" fill="#c62828"/><rect y="200" width="300" height="200" fill="#1565c0"/>',
  300,
  400,
);
put(
  "made/rotated-gps.jpg",
  await sharp(await sharp(upright).png().toBuffer())
    .rotate(-90)
    .withExif({
      IFD0: { Copyright: "CC0", Make: "Vitrine" },
      IFD3: {
        GPSLatitudeRef: "N",
        GPSLatitude: "48/1 51/1 30/1",
        GPSLongitudeRef: "E",
        GPSLongitude: "2/1 17/1 40/1",
      },
    })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 90 })
    .toBuffer(),
);

const ring = '<circle cx="150" cy="150" r="110" fill="none" stroke="#00897b" stroke-width="60"/>';
put(
  "made/transparent.png",
  await sharp(svg(ring, 300, 300))
    .png()
    .toBuffer(),
);

const frames = await Promise.all(
  ["#c62828", "#f9a825", "#2e7d32"].map((colour) =>
    sharp(svg(`<rect width="240" height="240" fill="${colour}"/>`, 240, 240))
      .png()
      .toBuffer(),
  ),
);
put(
  "made/animated.gif",
  await sharp(frames, { join: { animated: true } })
    .gif({ delay: [400, 400, 400], loop: 0 })
    .toBuffer(),
);

const key =
  '<rect width="120" height="120" rx="24" fill="#37474f"/><circle cx="60" cy="60" r="30" fill="#fff176"/>';
put(
  "made/key.jpg",
  await sharp(svg(key, 120, 120))
    .jpeg({ quality: 90 })
    .toBuffer(),
);

put(
  "broken/script.svg",
  svg(
    '<script>alert(document.domain)</script><script href="https://evil.example/x.js"/><a href="javascript:alert(1)"><rect id="a" width="100" height="50" fill="#c62828" onload="alert(2)"/></a><use href="#a"/>',
    100,
    50,
  ),
);
put("broken/page.jpg", "<!doctype html><title>no image</title><script>alert(1)</script>\n");
put("broken/empty.jpg", "");

const fig = readFileSync(join(objects, "photos/fig.jpg"));
const small = await sharp(fig).resize(600).jpeg().toBuffer();
put("broken/truncated.jpg", small.subarray(0, Math.floor(small.length / 2)));
