// Bytes as hexadecimal digits. Pure.

/** Two lower-case digits for each byte. */
export function hex(bytes: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
