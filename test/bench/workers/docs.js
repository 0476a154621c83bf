// The way of the documentation: Cloudflare's pages on authenticated origins and on aws4fetch, combined.
// Each request has a new client and a new signature.

import { AwsClient } from "aws4fetch";

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const client = new AwsClient({
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    });
    const accept = request.headers.get("accept") ?? "";
    const image = { width: 480, fit: "scale-down", "origin-auth": "share-publicly" };
    if (/image\/avif/.test(accept)) image.format = "avif";
    else if (/image\/webp/.test(accept)) image.format = "webp";
    const signed = await client.sign(
      `https://acme-media.s3.eu-west-1.amazonaws.com${pathname.slice("/images/card".length)}`,
    );
    const print = await fetch(signed, { cf: { image } });
    const answer = new Response(print.body, print);
    answer.headers.set("cache-control", "public, max-age=3600");
    answer.headers.set("vary", "accept");
    return answer;
  },
};
