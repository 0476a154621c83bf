// Keys that are easy to spell wrong in a URL or a signature: some chosen, the others random from a seed.

import fc from "fast-check";
import { isKey } from "../hostile/spelling.ts";

const THOUSAND = 1_000;

/** Keys that look alike, or that become another one if a step decodes, encodes or normalises too much. */
const CHOSEN: readonly string[] = [
  ...["plain.jpg", "a/b.jpg", "a%2Fb.jpg", "a%252Fb.jpg", "A/B.JPG", "0", "007", "1e3", "null"],
  ...["a b.jpg", "a+b.jpg", "a%20b.jpg", "a%2Bb.jpg", " before", "after ", "two  spaces", " / / "],
  ...["100%", "100%.jpg", "%", "%%", "%2", "%zz", "%25", "%2525", "%00", "%ff", "%C3%A9", "%u00e9"],
  ...["caf\u00e9.jpg", "cafe\u0301.jpg", "\u00c5", "A\u030a", "\u212b", "\u1e69", "s\u0323\u0307"],
  ...["\uac01", "\u1100\u1161\u11a8", "\ufb01", "fi", "\u2126", "\u03a9", "\u0958", "\u0915\u093c"],
  ...["😀.jpg", "👩‍👩‍👧‍👦", "🇨🇭", "❤️", "❤", "𝔘𝔫𝔦", "日本語/写真.jpg", "صورة.jpg", "\u202ecod.exe"],
  ...["\u00a0", "\u2028", "\u200b", "\ufeffbom", "\ufffd", "\uffff", "\u{10ffff}", "a\u0308\u0323"],
  ...["*'()!", "*", "**/*.jpg", "'", "it's", "(", ")", "!", "a*b", "~", "-_.~", '`^|{}[]<>"'],
  ...["?#&=;:@$,", "?", "#", "a?b=c#d", "?versionId=null", "?acl", "?uploads", "&amp;", "&#x41;"],
  ...'= a=b ; : a:b @ @2x.jpg a@2x $ $& , a,b <b> " ]]>'.split(" "),
  ...["trailing.", "dots...", "...", "..a", "a..", ".hidden", ".a/.b/c.", "....", "a./b", "%2e%2e"],
  ...["%2e", "_", "__a", "_/_", "-", "-rf", "~root", "CON", "a".repeat(THOUSAND)],
  "é".repeat(THOUSAND / 2),
  "😀".repeat(THOUSAND / 4),
  `${"d/".repeat(THOUSAND / 2 - 1)}ab`,
];

const PIECES = [
  ...["a", "Z", "9", " ", "é", "e\u0301", "\u212b", "😀", "漢", "\u00a0", "\u2028", "\u200d"],
  ...`+ % %2F %20 %25 %e9 * ' ( ) ! ? # & = ; : @ $ , . .. _ ~ - " < > [ ] { } | ^ \` /`.split(" "),
];
const random = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "grapheme", maxLength: 3 })), {
    ...{ minLength: 1, maxLength: 12, size: "max" },
  })
  .map((pieces) => pieces.join(""))
  .filter(isKey);

/** Hard keys in random order, each once. The same seed makes the same keys in the same order. */
export function hardKeys(seed: number, count: number): string[] {
  const keys = new Set(CHOSEN);
  const added = fc.sample(random, { seed, numRuns: 2 * count });
  for (const key of added) if (keys.size < count) keys.add(key);
  const shuffled = fc.shuffledSubarray([...keys], { minLength: keys.size });
  return fc.sample(shuffled, { seed, numRuns: 1 })[0] ?? [];
}
