// Decodes a file that a person wrote, in the encodings that editors and PowerShell write.

/** The text of a file, without the mark at its beginning. @throws if it is not text */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const [little, big] = [first === 0xff && second === 0xfe, first === 0xfe && second === 0xff];
  const encoding = little ? "utf-16le" : big ? "utf-16be" : "utf-8";
  const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
  if (text.includes("\0")) throw new Error("unknown encoding: save it as UTF-8");
  return text;
}
