// The floor of the engine "binding": it fetches one object, and has the binding make a rendition of it. It
// checks nothing.

import { ANSWER_OF_DIRECT, inTime, SIGNED_INIT } from "./fixed.js";

const ORIGIN = "https://acme-media.s3.eu-west-1.amazonaws.com/photos/";

export default {
  async fetch(request, env) {
    const name = request.url.replace(/.*\//, "");
    const { body } = await inTime(fetch(ORIGIN + name, SIGNED_INIT));
    const output = { format: "image/webp" };
    const made = await inTime(env.IMAGES.input(body).transform({ width: 480 }).output(output));
    return new Response(await new Response(made.image()).arrayBuffer(), ANSWER_OF_DIRECT);
  },
};
