// The checksums that S3 verifies of an upload. Node.js has no CRC32C and no CRC64NVME.

import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

export type ChecksumName = "crc32" | "crc32c" | "crc64nvme" | "sha1" | "sha256";

/** Reflected polynomials: CRC-32C is Castagnoli's, CRC-64/NVME is that of the NVM Express specification. */
const CRC32C_TABLE = createTable(0x82f63b78n);
const CRC64NVME_TABLE = createTable(0x9a6c9329ac4bc9b5n);

/** The headers `x-amz-checksum-…`, each with what its value must be. */
const CHECKSUMS: Readonly<Record<ChecksumName, (bytes: Uint8Array) => Buffer>> = {
  crc32: (bytes) => bigEndian(0, crc32(bytes)).subarray(4),
  crc32c: (bytes) => crcOf(CRC32C_TABLE, 0, bytes).subarray(4),
  crc64nvme: (bytes) => crcOf(CRC64NVME_TABLE, 0xffffffff, bytes),
  sha1: (bytes) => hash("sha1", bytes, "buffer"),
  sha256: (bytes) => hash("sha256", bytes, "buffer"),
};

const NAME = /^x-amz-checksum-(?<name>[a-z0-9]+)$/;

/** Returns the checksum that a header or trailer is for; undefined: S3 has no such checksum. */
export function checksumNameOf(header: string): ChecksumName | undefined {
  const name = NAME.exec(header)?.groups?.["name"];
  const names = Object.keys(CHECKSUMS) as ChecksumName[];
  return names.find((checksum) => checksum === name);
}

/** Returns the value of a header `x-amz-checksum-…`: base64. */
export function checksumOf(name: ChecksumName, bytes: Uint8Array): string {
  return CHECKSUMS[name](bytes).toString("base64");
}

/** Each row has a high and a low half of 32 bits: numbers are much faster than BigInt. */
type CrcTable = { readonly high: Uint32Array; readonly low: Uint32Array };

function createTable(polynomial: bigint): CrcTable {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);

  for (let byte = 0; byte < 256; byte += 1) {
    let row = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) {
      const isOdd = (row & 1n) === 1n;
      row >>= 1n;
      if (isOdd) row ^= polynomial;
    }
    high[byte] = Number(row >> 32n);
    low[byte] = Number(row & 0xffffffffn);
  }
  return { high, low };
}

/** @param mask the bits of the high half: 0 for a checksum of 32 bits */
function crcOf(table: CrcTable, mask: number, bytes: Uint8Array): Buffer {
  let high = mask;
  let low = 0xffffffff;

  for (const byte of bytes) {
    const row = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (table.low[row] ?? 0);
    high = (high >>> 8) ^ (table.high[row] ?? 0);
  }
  return bigEndian((high ^ mask) >>> 0, ~low >>> 0);
}

function bigEndian(high: number, low: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(high, 0);
  bytes.writeUInt32BE(low, 4);
  return bytes;
}
