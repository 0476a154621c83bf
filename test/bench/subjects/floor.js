// The floor: the least that such a Worker must do. It fetches one URL with three fixed headers and fixed
// options, and answers with its body and the ten headers of an image.

const SOURCE = "https://acme-media.s3.eu-west-1.amazonaws.com/photos/dandelion.jpg";

const INIT = {
  headers: {
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    "x-amz-date": "20261125T120000Z",
  },
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

export default {
  async fetch() {
    const print = await fetch(SOURCE, INIT);
    const headers = {
      "content-type": "image/webp",
      "cache-control": "public, max-age=3600",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "cross-origin",
      "server-timing": "edge;dur=1",
      vary: "accept",
      etag: '"cfJ2tGBBeYWBC8vHqAgVxmSDPwDkDbDNVj3OXG9yv4bQQ:9bb58f26192e4ba00f01e2e7b136bbd8"',
      "last-modified": "Tue, 03 Nov 2026 09:00:00 GMT",
      "content-length": "2048",
    };
    return new Response(print.body, { headers });
  },
};
