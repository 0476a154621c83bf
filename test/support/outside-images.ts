// Cloudflare Images in another process than the Worker, as the client in its runtime asks it: it reads the whole
// form, and answers with the same small picture of the type that is asked for, or in a hostile way.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import sharp from "sharp";
import { listenLocally } from "../../src/emulator/local-server.ts";

export type Manner = keyof typeof MANNERS;

/** A small picture of each type. The Worker takes its parts apart, so it must be a right one. */
const NOISE = sharp({
  create: {
    width: 160,
    height: 160,
    channels: 3,
    background: "white",
    noise: { type: "gaussian", mean: 128, sigma: 60 },
  },
});
const RENDITIONS: Readonly<Record<string, Buffer>> = {
  "image/jpeg": await NOISE.clone().jpeg().toBuffer(),
  "image/png": await NOISE.clone().png().toBuffer(),
  "image/webp": await NOISE.clone().webp().toBuffer(),
  "image/avif": await NOISE.clone().avif({ effort: 0 }).toBuffer(),
};

function renditionOf(type: string): Buffer {
  return RENDITIONS[type] ?? Buffer.alloc(0);
}

type ImagesForm = { readonly type: string; readonly image: Buffer };

const MANNERS = {
  makes: (response, { type }) =>
    void response.writeHead(200, { "content-type": type }).end(renditionOf(type)),
  "stalls after half": (response, { type }) =>
    void response.writeHead(200, { "content-type": type }).write(renditionOf(type)),
  "never ends": (response, { type }) => {
    response.writeHead(200, { "content-type": type });
    const more = () => {
      while (!response.destroyed && response.write(renditionOf(type))) {}
    };
    response.on("drain", more);
    more();
  },
  "gives the original": (response, { image }) =>
    void response.writeHead(200, { "content-type": "image/jpeg" }).end(image),
  "gives the original as another type": (response, { type, image }) =>
    void response.writeHead(200, { "content-type": type }).end(image),
  "breaks off": (response, { type }) => {
    response.writeHead(200, { "content-type": type, "content-length": 1_000_000 });
    response.write(renditionOf(type), () => response.destroy());
  },
  "fails with 9412": (response) =>
    void response.writeHead(415, { "cf-images-binding": "err=9412" }).end("ERROR 9412: no image"),
} as const satisfies Record<string, (response: ServerResponse, parsedForm: ImagesForm) => void>;

export type OutsideImages = Awaited<ReturnType<typeof startOutsideImages>>;

export async function startOutsideImages() {
  let manner: Manner = "makes";
  let pauseMs = 0;

  const server = createServer(async (request, response) => {
    try {
      if (pauseMs > 0) await setTimeout(pauseMs);

      const parsedForm = await readForm(request);
      if (request.url?.endsWith("/info")) {
        response.setHeader("content-type", "application/json");
        const size = { file_size: parsedForm.image.length, width: 4000, height: 3000 };
        response.end(JSON.stringify({ format: "image/jpeg", ...size }));
      } else MANNERS[manner](response, parsedForm);
    } catch {
      response.destroy(); // the form has broken off
    }
  });

  const { url, close } = await listenLocally(server, 0);
  return {
    address: new URL(url).host,
    behave: (next: Manner) => {
      manner = next;
    },
    /** Lets it wait before it reads a form. Until then, the form is in the memory of the Worker. */
    pause: (ms: number) => {
      pauseMs = ms;
    },
    close,
  };
}

async function readForm(request: IncomingMessage): Promise<ImagesForm> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);

  const form = Buffer.concat(chunks);
  const lastBytes = form.subarray(-4_000).toString("latin1");
  const type = /name="?output_format"?\r\n(?:.*\r\n)*?\r\n(.*)\r\n/.exec(lastBytes)?.[1] ?? "";
  const start = form.indexOf("\r\n\r\n") + 4;
  const boundary = form.subarray(0, form.indexOf("\r\n"));

  return { type, image: form.subarray(start, form.indexOf(boundary, start) - 2) };
}
