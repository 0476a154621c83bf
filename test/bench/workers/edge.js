// S3 and the edge of the benchmark. They answer at once, always with the same first bytes (A14) and the same
// rendition (R1, R4). The URL of an issuer's keys has the keys in it.

const HEAD = new Uint8Array(1024);
HEAD.set([0xff, 0xd8, 0xff]);
const PART = {
  status: 206,
  headers: {
    "content-type": "image/jpeg",
    "content-length": "1024",
    "content-range": "bytes 0-1023/2500000",
    etag: '"9bb58f26192e4ba00f01e2e7b136bbd8"',
    "last-modified": "Tue, 03 Nov 2026 09:00:00 GMT",
  },
};
const RENDITION = new Uint8Array(2048).fill(7);

const HEADERS = {
  "content-type": "image/webp",
  "content-length": "2048",
  "cf-resized": "internal=ok/m q=0 n=17+85 c=0+0 v=2026.11.0 l=2048",
  etag: '"cfJ2tGBBeYWBC8vHqAgVxmSDPwDkDbDNVj3OXG9yv4bQQ:9bb58f26192e4ba00f01e2e7b136bbd8"',
  "last-modified": "Tue, 03 Nov 2026 09:00:00 GMT",
  "cache-control": "max-age=3600",
  vary: "accept",
};

const KEYS = "https://login.example.com/jwks?keys=";

export default {
  fetch({ headers, url }) {
    if (headers.has("range")) return new Response(HEAD, PART);
    if (url.startsWith(KEYS)) return new Response(decodeURIComponent(url.slice(KEYS.length)));
    return new Response(RENDITION, { headers: HEADERS });
  },
};
