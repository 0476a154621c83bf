// HMAC and SHA-256 of WebCrypto without its threads: the same results, in a tenth of the time. The Worker hashes and
// signs several times a visit. All else, such as the keys and signatures of tokens, is left to WebCrypto.

import { createHmac, hash, timingSafeEqual } from "node:crypto";

/** A key of HMAC. */
type QuickKey = { readonly secret: Uint8Array };

const { subtle: slow } = crypto;

const bytesOf = (source: BufferSource) =>
  ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);

const hmac = ({ secret }: QuickKey, text: BufferSource) =>
  createHmac("sha256", secret).update(bytesOf(text)).digest();

const isSlow = (key: QuickKey | CryptoKey) => key instanceof CryptoKey;

const quick = {
  async importKey(...args: Parameters<SubtleCrypto["importKey"]>): Promise<QuickKey | CryptoKey> {
    const [format, secret, algorithm] = args;
    const isBytes = ArrayBuffer.isView(secret) || secret instanceof ArrayBuffer;
    if (format !== "raw" || !isBytes) return slow.importKey(...args);
    if (!JSON.stringify(algorithm).includes('"SHA-256"')) throw new TypeError("not of SHA-256");
    return { secret: Uint8Array.from(bytesOf(secret)) };
  },
  async sign(
    algorithm: Parameters<SubtleCrypto["sign"]>[0],
    key: QuickKey | CryptoKey,
    text: BufferSource,
  ): Promise<ArrayBuffer> {
    if (isSlow(key)) return slow.sign(algorithm, key, text);
    return Uint8Array.from(hmac(key, text)).buffer;
  },
  async verify(
    algorithm: Parameters<SubtleCrypto["verify"]>[0],
    key: QuickKey | CryptoKey,
    sig: BufferSource,
    text: BufferSource,
  ): Promise<boolean> {
    if (isSlow(key)) return slow.verify(algorithm, key, sig, text);
    const expected = hmac(key, text);
    return expected.length === sig.byteLength && timingSafeEqual(expected, bytesOf(sig));
  },
  async digest(name: string, text: BufferSource): Promise<ArrayBuffer> {
    if (name !== "SHA-256") throw new TypeError(`not made for ${name}`);
    return Uint8Array.from(hash("sha256", bytesOf(text), "buffer")).buffer;
  },
  exportKey: slow.exportKey.bind(slow),
  generateKey: slow.generateKey.bind(slow),
};

export function installQuickCrypto(): void {
  Object.defineProperty(crypto, "subtle", { value: quick, configurable: true });
}
