// The fixed values of the floors: what the Worker finds out for each request.

const SHOWN = {
  "content-type": "image/webp",
  etag: '"4a1d8f0c7b2e695d3c60f9a8e1b7d254"',
  "content-length": "2048",
};

/** The nine headers of an image. @param timing what became of the request */
const imageHeaders = (timing) => ({
  ...SHOWN,
  "cache-control": "public, max-age=3600",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "server-timing": timing,
  vary: "accept",
});

export const ANSWER_OF_A_HIT = { headers: imageHeaders("cache;desc=hit") };
export const ANSWER_OF_A_MISS = { headers: imageHeaders("cache;desc=miss, edge;dur=1") };
export const ANSWER_OF_DIRECT = { headers: imageHeaders("cache;desc=direct, edge;dur=1") };

/** Waits for an answer, but no longer than 20 s: a Worker that waits without end is none that anybody runs. */
export function inTime(answer) {
  return new Promise((settle, fail) => {
    const timer = setTimeout(fail, 20_000, new Error("too late"));
    answer.then((value) => {
      clearTimeout(timer);
      settle(value);
    }, fail);
  });
}

/** What the gateway asks the cached entrypoint for. */
export const RENDITION_URL =
  "https://renditions/2/3/AWS/https/acme-media.s3.eu-west-1.amazonaws.com/photos/dandelion.jpg?as=avif.webp&image=%7B%22fit%22%3A%22scale-down%22%2C%22metadata%22%3A%22none%22%2C%22anim%22%3Afalse%2C%22width%22%3A480%2C%22format%22%3A%22auto%22%7D";
export const RENDITION_INIT = { headers: { "vitrine-left": "19900" } };

const CACHING = "public, max-age=300, stale-while-revalidate=604800, stale-if-error=604800";

/** What the cache answers on a hit: it removes the tags (W10), and tells that it is one (W11). */
export const KEPT = {
  headers: { ...SHOWN, "cache-control": CACHING, "cf-cache-status": "HIT", age: "60" },
};
export const KEPT_BODY = new Uint8Array(2048).fill(7);

/** What the cached entrypoint answers when nothing changed. */
export const UNCHANGED = {
  status: 304,
  headers: { etag: SHOWN.etag, "cache-control": CACHING },
};

/** What the cached entrypoint answers when it made a rendition, with the tags of its object and bucket. */
export const MADE = {
  headers: {
    ...SHOWN,
    "cache-control": CACHING,
    "cache-tag":
      "4f1e0ad7c0f8d4b7d6a6b3f2d4c1be2a3d8f6f0e5b7c9a1d2e3f405162738495,9c0d1e2f30415263748596a7b8c9dae0f1021324354657687980a1b2c3d4e5f6",
  },
};

const OBJECT = "https://acme-media.s3.eu-west-1.amazonaws.com/photos/dandelion.jpg";
const SIGNED = {
  authorization:
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
  "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
  "x-amz-date": "20261125T120000Z",
};

/** What S3 is asked for: one URL, with fixed headers. */
export const SIGNED_INIT = { headers: SIGNED, redirect: "manual", cache: "no-store" };
const RANGE = { range: "bytes=0-1023", "accept-encoding": "identity" };
const HEAD_INIT = { ...SIGNED_INIT, headers: { ...SIGNED, ...RANGE } };

/** What the edge is asked for: one URL, with three headers and fixed options. */
const SOURCE = `${OBJECT}?x-vitrine=1b4f0e9851971998e732078544c96b36`;
const SOURCE_INIT = {
  headers: SIGNED,
  redirect: "manual",
  cf: {
    image: {
      fit: "scale-down",
      metadata: "none",
      anim: false,
      width: 480,
      format: "avif",
      "origin-auth": "share-publicly",
    },
    cacheTtlByStatus: { "400-404": -1, "500-599": -1 },
  },
};

/** Reads the first bytes of the object. */
export async function askS3() {
  const head = await inTime(fetch(OBJECT, HEAD_INIT));
  await head.arrayBuffer();
}

/** Asks S3, then the edge. */
export async function askBoth() {
  await askS3();
  return inTime(fetch(SOURCE, SOURCE_INIT));
}
