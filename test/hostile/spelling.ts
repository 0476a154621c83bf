// Random texts, and the ways to spell them.

import fc from "fast-check";

const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
export const anyText = fc.array(anyUnit, { maxLength: 6 }).map((units) => units.join(""));

/** Percent-encodes some characters of a text, in capitals or not, once or twice. */
export function respell(text: string, where: readonly number[]): string {
  const characters = [...text];
  for (const at of where) {
    const index = at % Math.max(1, characters.length);
    const character = characters[index];
    if (character === undefined || !/^[!-~]$/.test(character)) continue;
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
    characters[index] = at % 5 === 0 ? `%25${hex}` : `%${at % 2 ? hex : hex.toUpperCase()}`;
  }
  return characters.join("");
}

export const spots = fc.array(fc.nat(4095), { maxLength: 4 });

/** Also encodes characters that `encodeURIComponent` leaves. */
export function respellEncoded(text: string, where: readonly number[]): string {
  const parts = text.match(/%..|./g) ?? [];
  for (const at of where) {
    const index = at % Math.max(1, parts.length);
    const part = parts[index] ?? "";
    if (part.length === 1) parts[index] = respell(part, [at % 5 === 0 ? at + 1 : at]);
    else if (part === "%2F") parts[index] = "/";
    else parts[index] = part.toLowerCase();
  }
  return parts.join("");
}

/** A path in the spelling of signed URLs, with other code than the Worker's. */
export function spellPath(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.~/@-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** Any text for a header: no line break, nothing above U+00FF. */
export const headerText = fc
  .array(
    fc.oneof(
      fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
      fc.constantFrom(
        "\t",
        ",",
        ";",
        '"',
        "\\",
        "=",
        "q=",
        "/*",
        "%0d%0a",
        "https://",
        "image/avif",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join("").trim());

/** Whether a text is a valid key, with other code than the Worker's. */
export function isKey(key: string): boolean {
  return (
    /^[^/]+(?:\/[^/]+)*$/s.test(key) &&
    !/(?:^|\/)\.{1,2}(?:\/|$)/.test(key) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a key cannot contain these
    !/[\u0000-\u001f\u007f-\u009f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
      key,
    ) &&
    Buffer.byteLength(key) < 1000
  );
}

/** Keys that look like another key, or into which careless code could turn it. */
export const NEAR: readonly ((key: string) => string)[] = [
  (key) => key.normalize("NFC"),
  (key) => key.normalize("NFD"),
  (key) => key.toUpperCase(),
  (key) => encodeURIComponent(key),
  (key) => key.replaceAll("+", " "),
  (key) => key.replace(/[?#].*/s, ""),
  (key) => key.replace(/.$/s, ""),
  (key) => `${key}.`,
  (key) => `${key} `,
  (key) => `a/${key}`,
];
