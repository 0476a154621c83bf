// Paths below the route /images/:preset/* that name nothing: no route, no variant, or a key that no object can have.
// No URL parser changes them, except those of RAW_PATHS.

const KEYS = `
  % %zz %ff %00 %0a %0d%0ab %1f %7f %c2%85 %5c a%5Cb.jpg %2f a%2F%2Fk k// /k k/ %2e%2e%2fk ..%2fk ..%2f..%2fk
  a%2f%2e %c0%af %c0%ae%c0%ae/k %e0%80%ae %ed%a0%80 %f0%9f%98`;

const VARIANTS = "nope card@3x card@2.0x card@02x card@2X hero@641w hero@2x constructor __proto__";

const ELSEWHERE = `
  / /images /images/card /images/card/ /images/card/key.jpg/ /images//card/key.jpg //images/card/key.jpg
  ///images/card/key.jpg /IMAGES/card/key.jpg /%2Fimages/card/key.jpg /images/card%2f..%2f..%2fk /avatars/ada/hero
  /avatars/%2e%2e/card /avatars/a%2fb/card`;

const splitPaths = (text: string): readonly string[] => text.trim().split(/\s+/);

const IMPOSSIBLE_KEYS = [...splitPaths(KEYS), "k".repeat(1015), "%F0%9F%98%80".repeat(300)];

export const IMPOSSIBLE_PATHS = [
  ...splitPaths(ELSEWHERE),
  ...splitPaths(VARIANTS).map((variant) => `/images/${variant}/key.jpg`),
  ...IMPOSSIBLE_KEYS.map((key) => `/images/card/${key}`),
];

/** Only a client that is no browser sends these: a parser would remove their dots, or turn their backslashes. */
export const RAW_PATHS = splitPaths(String.raw`
  /images/card/../x /images/card/../card/key.jpg /images/card/.. /images/card/. /images/card/a/../../key.jpg
  /images/./card/key.jpg /./images/card/key.jpg /images/x/../card/key.jpg /x/../images/card/key.jpg
  /../images/card/key.jpg /images/card/%2e%2e/key.jpg /images/card/%2E./key.jpg /images/card/%2e/key.jpg
  /images/%2e/card/key.jpg /images/card/..\key.jpg /images/card/a\b.jpg /images\card\key.jpg
  /\images/card/key.jpg //images.example/images/card/key.jpg /./healthz /x/../healthz http://images.example
  http://images.example/../images/card/key.jpg *`);
