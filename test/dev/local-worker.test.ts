// Whom the local run shows its contact sheet.

import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Doors, localGateway } from "../../src/dev/local-worker.ts";
import { serveSheet } from "../../src/dev/sheet/serve-sheet.ts";
import { says } from "../../src/dev/sheet/try/answer.ts";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdge } from "../../src/emulator/create-edge.ts";
import type { ImagesBinding } from "../../src/emulator/images/types.ts";
import { serveEdge } from "../../src/emulator/serve-edge.ts";
import type { Served } from "../../src/emulator/served.ts";

const done: string[] = [];
let served: Served;
beforeAll(async () => {
  const note = (what: string) => {
    done.push(what);
    return says(400, what);
  };
  const sheet = {
    answer: async () => ({ tag: "1", mistakes: [] }),
    put: async () => note("put").body.toString(),
    forget: () => void note("forget"),
    attempt: async () => note("try"),
    fact: async () => note("fact"),
  };
  served = await serveSheet(sheet, (reason) => expect.unreachable(`${reason}`));
});
afterAll(() => served.close());

/** Any request, with or without what Cloudflare adds to it. */
type Gateway = {
  fetch(request: Request, env: Doors, run: ExecutionContext): Response | Promise<Response>;
};

async function ask(path: string, headers: Record<string, string>, host = "localhost:8787") {
  const gateway: Gateway = localGateway({ fetch: async () => new Response("not the sheet") });
  const env = { LOCAL_EDGE: "http://localhost:9/none", LOCAL_SHEET: served.url };
  const local = createCache().entrypoint((run: ExecutionContext) => ({
    fetch: async (request: Request) => gateway.fetch(request, env, run),
  }));
  done.length = 0;
  const answer = await local.fetch(new Request(`http://${host}${path}`, { headers }));
  return [answer.status, ...done];
}

test.each(["cross-site", "same-site"])(
  "a page of elsewhere (%s) makes it do nothing, and may link to the sheet",
  async (site) => {
    const headers = { "sec-fetch-site": site };
    for (const path of ["try?of=/images/card/a.jpg", "fact?of=/images/card/a.jpg", "tag"]) {
      expect([path, await ask(`/.vitrine/${path}`, headers)]).toEqual([path, [403]]);
    }
    expect(await ask("/", headers)).toEqual([200]);
  },
);

test.each([{ "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }, {}])(
  "its own page, an address that is typed and a tool get all of it: %j",
  async (headers) => {
    expect(await ask("/.vitrine/try?of=/images/card/a.jpg", headers)).toEqual([400, "try"]);
    expect(await ask("/.vitrine/fact?of=/images/card/a.jpg", headers)).toEqual([400, "fact"]);
    expect(await ask("/.vitrine/tag", headers)).toEqual([200]);
  },
);

test.each([
  "evil.example:8787",
  "localhost.evil.example",
  "127.0.0.1.nip.io:8787",
  "192.168.0.7:8787",
])("a page that a foreign name (%s) leads here gets nothing at all", async (host) => {
  for (const path of ["/", "/.vitrine/sheet.json", "/images/card/a.jpg", "/healthz"]) {
    expect(await ask(path, { "sec-fetch-site": "same-origin" }, host)).toEqual([403]);
  }
});

test.each(["localhost:8787", "127.0.0.1:8787", "[::1]:8787"])(
  "%s is this machine",
  async (host) => {
    expect(await ask("/", {}, host)).toEqual([200]);
  },
);

test("a Worker with the Images binding gets that of the local edge, another one gets none", async () => {
  const edge = createEdge({ zone: "images.example", fetch });
  const door = await serveEdge(edge);
  const png = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const gateway: Gateway = localGateway({
    async fetch(_request, env: { readonly IMAGES?: ImagesBinding }) {
      const made = env.IMAGES?.input(new Blob([new Uint8Array(png)]).stream()).transform({
        width: 3,
      });
      return (await made?.output({ format: "image/webp" }))?.response() ?? new Response("none");
    },
  });
  const get = async (env: Doors & { readonly IMAGES?: object }) => {
    const local = createCache().entrypoint((run: ExecutionContext) => ({
      fetch: async (request: Request) => gateway.fetch(request, env, run),
    }));
    return (await local.fetch(new Request("http://localhost:8787/a"))).headers.get("content-type");
  };
  try {
    expect(await get({ LOCAL_EDGE: door.url, IMAGES: {} })).toBe("image/webp");
    expect(await get({ LOCAL_EDGE: door.url })).toBe("text/plain;charset=UTF-8");
  } finally {
    await door.close();
  }
});
