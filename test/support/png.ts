// Writes the chunks of PNGs that need not be right.

import { crc32 } from "node:zlib";

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A chunk of zeros. @param claimed the length in its header */
export function chunk(type: string, length: number, claimed = length): Uint8Array {
  return written(type, new Uint8Array(length), claimed);
}

export function png(
  { colour, length = 13 }: { readonly colour: number; readonly length?: number },
  ...chunks: readonly Uint8Array[]
): Uint8Array {
  const header = written("IHDR", Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 9, 8, colour, 0, 0, 0), length);
  const rest = [...chunks, chunk("IDAT", 40), chunk("IEND", 0)];
  return new Uint8Array(Buffer.concat([SIGNATURE, header, ...rest]));
}

function written(type: string, data: Uint8Array, claimed: number): Uint8Array {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(claimed);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), data.length + 8);
  return new Uint8Array(bytes);
}
