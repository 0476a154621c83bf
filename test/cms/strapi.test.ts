// Strapi's upload service, as its REST API and its admin panel call it.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { testCms } from "./cases.ts";
import { writeApp } from "./page.ts";
import { startS3 } from "./world.ts";

const compilerOptions = {
  ...{ module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
};
const compile = (code: string) => ts.transpileModule(code, { compilerOptions }).outputText;

const cms = startStrapi();
testCms(() => cms);

test("each url in the API is one of Vitrine, and a thumbnail is all that Strapi makes", async () => {
  const bytes = readFileSync(join(import.meta.dirname, "../../fixtures/objects/photos/fig.jpg"));
  const { url, formats } = await (await cms).create(
    new File([bytes], "fig.jpg", { type: "image/jpeg" }),
  );
  expect(Object.keys(formats)).toEqual(["thumbnail"]);
  for (const imageUrl of [url, formats.thumbnail.url]) {
    expect((await fetch(imageUrl)).headers.get("server-timing")).toContain("miss");
  }
});

test("a thumbnail goes with its upload, and no picture stays of what is replaced by none", async () => {
  const { create, replace, remove } = await cms;
  const bytes = readFileSync(join(import.meta.dirname, "../../fixtures/objects/photos/fig.jpg"));
  const upload = await create(new File([bytes], "fig.jpg", { type: "image/jpeg" }));
  const { url } = upload.formats.thumbnail;
  expect((await fetch(url)).status).toBe(200);
  const replaced = await replace(
    upload.id,
    new File(["%PDF-1.4"], "a.pdf", { type: "application/pdf" }),
  );
  expect([(await fetch(upload.url)).status, replaced.original]).toEqual([415, null]);

  const next = await create(new File([bytes], "fig.jpg", { type: "image/jpeg" }));
  expect((await fetch(next.formats.thumbnail.url)).status).toBe(200);
  await remove(next.id);
  expect((await fetch(next.formats.thumbnail.url)).status).toBe(404);
});

async function startStrapi() {
  const folder = writeApp("strapi", ".js", compile);
  const app = { name: "app", version: "0.0.0", type: "commonjs" };
  const connection = { filename: join(folder, "data.db") };
  const configs = {
    server: { host: "127.0.0.1", port: 0, app: { keys: ["a-key"] } },
    database: { connection: { client: "sqlite", connection, useNullAsDefault: true } },
    admin: {
      ...{ auth: { secret: "a-secret" }, apiToken: { salt: "a-salt" } },
      ...{ transfer: { token: { salt: "a-salt" } }, secrets: { encryptionKey: "a-key" } },
    },
    logger: { level: "error" },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(app));
  for (const [name, config] of Object.entries(configs)) {
    writeFileSync(join(folder, `config/${name}.js`), `module.exports = ${JSON.stringify(config)};`);
  }
  for (const path of ["public/uploads", "src/api"])
    mkdirSync(join(folder, path), { recursive: true });
  Object.assign(process.env, await startS3(), { STRAPI_TELEMETRY_DISABLED: "true" });
  const { createStrapi } = createRequire(import.meta.url)("@strapi/strapi");
  const strapi = await createStrapi({ appDir: folder, distDir: folder }).load();
  const service = strapi.plugin("upload").service("upload");
  await service.setSettings({ sizeOptimization: false, responsiveDimensions: true });

  async function input(file: File) {
    const filepath = join(folder, file.name);
    writeFileSync(filepath, new Uint8Array(await file.arrayBuffer()));
    return { filepath, originalFilename: file.name, mimetype: file.type, size: file.size };
  }
  const open = async (saved: Promise<object>) => {
    const type = strapi.contentType("plugin::upload.file");
    const file = await strapi.contentAPI.sanitize.output(await saved, type, {}); // what visitors of the API get
    return { ...file, key: file.hash + file.ext };
  };
  return {
    create: async (file: File) => {
      const [saved] = await service.upload({ data: { fileInfo: {} }, files: await input(file) });
      return open(Promise.resolve(saved));
    },
    describe: (id: number, alternativeText: string) =>
      open(service.updateFileInfo(id, { alternativeText })),
    replace: async (id: number, file: File) =>
      open(service.replace(id, { data: { fileInfo: {} }, file: await input(file) })),
    remove: async (id: number) => service.remove(await service.findOne(id)),
    forget: (id: number) => strapi.db.connection("files").where({ id }).update({ original: null }),
    setFocus: (id: number, x: number, y: number) =>
      open(service.updateFileInfo(id, { focalPoint: { x, y } })),
  };
}
