// Payload as its editors use it: its REST API, with the queries that its admin panel sends.

import { createServer } from "node:http";
import { join } from "node:path";
import { sqliteAdapter } from "@payloadcms/db-sqlite";
import { buildConfig, getPayload, handleEndpoints } from "payload";
import { stringify } from "qs-esm";
import sharp from "sharp";
import { expect, test } from "vitest";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { draw, testCms } from "./cases.ts";
import { writeApp } from "./page.ts";
import { startS3 } from "./world.ts";

const cms = startPayload();
testCms(() => cms);

async function startPayload() {
  const folder = writeApp("payload", ".ts", (code) => code);
  Object.assign(process.env, await startS3());
  const { media, plugins } = await import(join(folder, "src/media.ts"));
  let handle = async (_: Request) => new Response();
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [
      name,
      `${value}`,
    ]);
    const body = Buffer.concat(await request.toArray());
    const answer = await handle(
      new Request(serverUrl + url, { method, headers, body: body.length ? body : null }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  const serverUrl = (await listenLocally(server, 0)).url.replace("127.0.0.1", "localhost"); // what Payload may fetch from here
  const config = buildConfig({
    ...{ secret: "a-secret-of-this-test", serverURL: serverUrl, sharp, plugins },
    db: sqliteAdapter({ client: { url: `file:${folder}/db.sqlite` }, push: true }),
    collections: [media, { slug: "users", auth: true, fields: [] }],
  });
  const payload = await getPayload({ config });
  handle = (request) => handleEndpoints({ config, request });
  const data = { email: "editor@example.com", password: "a-password" };
  await payload.create({ collection: "users", data });
  const { token } = await payload.login({ collection: "users", data });
  const headers = { cookie: `payload-token=${token}`, "sec-fetch-site": "same-origin" };

  async function sendToApi(method: string, path: string, data?: object, file?: File) {
    const body = new FormData();
    body.set("_payload", JSON.stringify(data));
    if (file) body.set("file", file);
    const answer = await fetch(`${serverUrl}/api/media${path}`, {
      method,
      headers,
      ...(data && { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    const { doc } = await answer.json();
    return { ...doc, key: doc.filename };
  }
  return {
    create: (file: File) => sendToApi("POST", "", { alt: "A fig" }, file),
    describe: async (id: number, alt: string) => {
      const hostile = { alt, original: { color: "url(evil)" } };
      return payload.update({ collection: "media", id, data: hostile });
    },
    replace: (id: number, file: File) => sendToApi("PATCH", `/${id}`, {}, file),
    remove: (id: number) => sendToApi("DELETE", `/${id}`),
    forget: (id: number) =>
      payload.db.updateOne({ collection: "media", id, data: { original: null } }),
    /** As the tool of the admin panel does: with a crop to the whole picture as the browser shows it. */
    setFocus: async (id: number, x: number, y: number) => {
      const { original: saved, ...doc } = await payload.findByID({ collection: "media", id });
      const crop = { x: 0, y: 0, width: 100, height: 100, unit: "%" };
      const original = saved ?? doc;
      const sides = { widthInPixels: original.width, heightInPixels: original.height };
      const query = stringify({ uploadEdits: { crop, focalPoint: { x, y }, ...sides } });
      return sendToApi("PATCH", `/${id}?${query}`, { focalX: doc.focalX, focalY: doc.focalY });
    },
  };
}

test("visitors read the documents, and never a file", async () => {
  const { create } = await cms;
  const { url, thumbnailURL, key } = await create(await draw("red", "blue"));
  const document = await fetch(new URL("/api/media", url));
  expect(await document.text()).toContain(key);
  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(thumbnailURL)).headers.get("server-timing")).toContain("miss");
});
