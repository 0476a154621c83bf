// The size and the content of what apps ship.

import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";

/** Bundles and minifies what an app imports from a module of src/client/. */
async function bundle(exports: string, entry: string) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export ${exports} from "./src/client/${entry}.ts";`, resolveDir: ROOT },
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
    ...{ metafile: true, absWorkingDir: ROOT },
  });
  const text = outputFiles.map((file) => file.text).join("");
  const modules = Object.keys(metafile.inputs).filter((name) => name !== "<stdin>");
  return { text, modules, bytes: gzipSync(text, { level: 9 }).length };
}

/** Texts that show that a part is in a bundle. */
const SIGNS = {
  imgProps: /decoding|scale-down/,
  parseUrl: /decodeURIComponent/,
  sign: /HMAC|subtle|exp=/,
  placeholder: /data:image|atob|base64/,
};

test("imageUrl and srcset are under 1.5 KiB, and ship nothing else", async () => {
  const { text, bytes } = await bundle("{ openSite, imageUrl, srcset }", "index");
  expect(bytes).toBeLessThan(1536);
  for (const sign of Object.values(SIGNS)) expect(text).not.toMatch(sign);
  expect(text).toContain("encodeURIComponent");
});

test("createClient is under 3.4 KiB, and ships no code that signs", async () => {
  const { text, bytes } = await bundle("{ createClient }", "index");
  expect(bytes).toBeLessThan(3482);
  expect(text).toMatch(SIGNS.imgProps);
  expect(text).toMatch(SIGNS.parseUrl);
  expect(text).not.toMatch(SIGNS.sign);
  expect(text).not.toMatch(SIGNS.placeholder);
});

test("no entry ships code of the Worker, except the grammar of URLs, and none uses a global of Node.js", async () => {
  const entries = ["index", "placeholder", "sign", "next", "nuxt", "unpic", "astro", "angular"];
  for (const entry of entries) {
    const { text, modules } = await bundle("*", entry);
    const shared = modules.filter((name) => !name.startsWith("src/client/"));
    const allowed = entry === "placeholder" ? /^node_modules\/thumbhash\// : /^src\/url\//;
    expect([entry, shared.filter((name) => !allowed.test(name))]).toEqual([entry, []]);
    expect(text).not.toMatch(/\bprocess\b|\bBuffer\b|\brequire\b|node:|\bdocument\b|\bwindow\b/);
  }
});
