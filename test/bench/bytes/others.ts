// What a browser gets from others that encode with sharp: IPX, and the optimizer of next/image. Both are asked as a
// browser would ask their servers, without a network between.

import { readFileSync } from "node:fs";
import { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { join } from "node:path";
import { createIPX, createIPXWebServer } from "ipx";
import { PHASE_PRODUCTION_SERVER } from "next/constants.js";
import { ImageOptimizerCache, imageOptimizer } from "next/dist/server/image-optimizer.js";
import type { Answer } from "./answer.ts";
import { remember } from "./disk.ts";
import type { Picture } from "./pictures.ts";
import { VARIANTS } from "./report.ts";
import { SHARP } from "./sharp.ts";

/** The width that decides about the bytes: neither IPX nor Next.js enlarges a picture. */
function decidingWidth(width: number, { longestSide }: Picture): number {
  return Math.min(width, longestSide);
}

export type Ask = (picture: Picture, width: number, accept: string) => Promise<Answer>;

const load = createRequire(import.meta.url);

/** The versions of the packages that are installed. */
export const VERSIONS = { ipx: versionOf("ipx"), next: versionOf("next") };

function versionOf(name: string): string {
  const manifest = join(import.meta.dirname, "node_modules", name, "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  return version;
}

/** IPX with its defaults, asked as its users write it: `f_auto,w_640`. */
export function startIpx(pictures: readonly Picture[]): Ask {
  const byPath = new Map(pictures.map(({ key, bytes }) => [`/${key}`, bytes]));
  const storage = {
    name: "corpus",
    getMeta: async () => ({}),
    getData: async (path: string) => new Uint8Array(byPath.get(path) ?? []).buffer,
  };
  const serve = createIPXWebServer(createIPX({ storage }));

  return (picture, width, accept) => {
    const upTo = decidingWidth(width, picture);
    return remember(["ipx", VERSIONS.ipx, SHARP, picture.sha1, upTo, accept], async () => {
      const url = `http://localhost/f_auto,w_${width}/${picture.key}`;
      const answer = await serve(new Request(url, { headers: { accept } }));
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.ok) return { kind: "picture", bytes };

      return { kind: "nothing", status: answer.status };
    });
  };
}

/**
 * The optimizer of next/image with its defaults, quality 75 among them. It allows only certain widths, so it gets ours
 * in its configuration, and it may take as long as it needs: else, a slow machine would get originals.
 * @param formats what an app may configure; undefined: the default
 */
export async function startNext(formats?: readonly ("image/avif" | "image/webp")[]): Promise<Ask> {
  const { default: loadConfig }: typeof import("next/dist/server/config.js") = load(
    "next/dist/server/config.js",
  );
  const deviceSizes = [...new Set(VARIANTS.map(({ width }) => width))].sort((a, b) => a - b);
  const customConfig = {
    images: { deviceSizes, ...(formats && { formats: [...formats] }) },
    experimental: { imgOptTimeoutInSeconds: 600 },
  };
  const config = await loadConfig(PHASE_PRODUCTION_SERVER, import.meta.dirname, {
    customConfig,
    silent: true,
  });

  return (picture, width, accept) => {
    const { key, bytes, sha1 } = picture;
    const upTo = decidingWidth(width, picture);
    return remember(["next", VERSIONS.next, SHARP, formats, sha1, upTo, accept], async () => {
      const request = new IncomingMessage(new Socket());
      request.headers.accept = accept;
      const query = { url: `/${key}`, w: `${width}`, q: "75" };
      const params = ImageOptimizerCache.validateParams(request, query, config, false);
      if ("errorMessage" in params) throw new Error(params.errorMessage);

      const upstream = { buffer: Buffer.from(bytes), contentType: "", cacheControl: "", etag: "" };
      const { buffer, error } = await imageOptimizer(upstream, params, config, { silent: true });
      if (error !== undefined) throw error;
      return { kind: "picture", bytes: new Uint8Array(buffer) };
    });
  };
}
