// WebCrypto that remembers, since each execution of a world signs and hashes the same texts again. The results are those
// of quick-crypto.ts. Random bytes are always the same ones.

import { createHmac, hash } from "node:crypto";

type Bytes = BufferSource | string;

export function installMemoCrypto(): void {
  const digests = new Map<string, ArrayBuffer>();
  const signatures = new Map<string, ArrayBuffer>();

  async function importKey(_format: "raw", secret: Bytes): Promise<string> {
    return latin1(secret);
  }

  async function digest(_algorithm: unknown, text: Bytes): Promise<ArrayBuffer> {
    return remember(digests, latin1(text), () => hash("sha256", bytesOf(text), "buffer"));
  }

  async function sign(_algorithm: unknown, key: string, text: Bytes): Promise<ArrayBuffer> {
    const hmac = () => createHmac("sha256", Buffer.from(key, "latin1")).update(bytesOf(text));
    return remember(signatures, `${key.length} ${key}${latin1(text)}`, () => hmac().digest());
  }

  async function verify(algorithm: unknown, key: string, signature: Bytes, text: Bytes) {
    const expected = await sign(algorithm, key, text);
    return latin1(expected) === latin1(signature);
  }

  const subtle = { importKey, digest, sign, verify };
  Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
  const getRandomValues = (bytes: Uint8Array) => bytes.fill(7);
  Object.defineProperty(crypto, "getRandomValues", { value: getRandomValues, configurable: true });
}

function remember(
  results: Map<string, ArrayBuffer>,
  id: string,
  compute: () => Uint8Array,
): ArrayBuffer {
  const result = results.get(id) ?? Uint8Array.from(compute()).buffer;
  results.set(id, result);
  return result;
}

function bytesOf(source: Bytes): Buffer {
  if (typeof source === "string") return Buffer.from(source);
  if (!ArrayBuffer.isView(source)) return Buffer.from(source);
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
}

function latin1(source: Bytes): string {
  return bytesOf(source).toString("latin1");
}
