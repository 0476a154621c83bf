// `vitrine client`: the file that it writes for an app, and when it writes none.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { nameRoutes } from "../../../src/cli/app-file/name-routes.ts";
import { compile, installClient, LOOSE, STRICT } from "../../client/compile.ts";
import { ROOT } from "../../support/built.ts";
import { LOST, PROJECT, SECRET, VARS } from "../../support/cli/configuration.ts";
import { createFolder, createProject } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { file } from "../../support/emulators.ts";
import { SECRETS } from "../../support/env.ts";
import { get, stage } from "../../support/run-worker.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

/** An app that uses the file as it is meant. It exports five URLs. */
const VALID = `declare const SIGNING_KEYS: string;
import { createSigner, images, imgProps, imgPropsImages, privateImages } from "./vitrine.ts";
import type { ImagesPreset, ImagesVariant, ImgProps } from "./vitrine.ts";
const preset: ImagesPreset = "hero";
const variant: ImagesVariant = "hero@640w";
const props: ImgProps = imgProps(images.site, "key.jpg", preset, { alt: "", sizes: "9px" });
const sign = createSigner(privateImages.site, SIGNING_KEYS);
const query = await sign("key.jpg", "card", { expires: Math.floor(Date.now() / 1000) + 60 });
const urls = [
  images.imageUrl("key.jpg", "card@2x"),
  images.imageUrl("key.jpg", variant),
  props.src,
  privateImages.imageUrl("key.jpg", "card@2x", query),
  imgPropsImages.imageUrl("users/7.jpg", "2x"),
];
export default urls.join("\\n");
`;

/** One with a mistake in each line but the first. */
const INVALID = `import { images, nextSrc, privateImages, privateImagesSite, srcset } from "./vitrine.ts";
images.imageUrl("key.jpg", "crad");
images.imageUrl("key.jpg", "card@3x");
images.srcset("key.jpg", "hidden");
privateImages.imageUrl("key.jpg", "hero");
images.imgProps("key.jpg", "hero", { alt: "" });
images.imgProps("key.jpg", "card", {});
srcset(privateImagesSite, "key.jpg", "hero");
nextSrc(privateImagesSite, "key.jpg", "hero");
images.imgProps("key.jpg", "card" as "card" | "hero", { alt: "" });
`;

/** Where the compiler has to find them. */
const WRONG_LINES = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((line) => `wrong.ts:${line}`);

const project = createProject(PROJECT);
/** An app that has the package. */
const app = createTemporaryFolder("vitrine-client-");
const at = (name: string) => join(app, name);
const read = (name: string) => readFileSync(at(name), "utf8");
const put = (name: string, text: string) => writeFileSync(at(name), text);

beforeAll(async () => {
  put("package.json", '{ "type": "module", "dependencies": { "vitrine": "*" } }');
  await installClient(app);
  for (const name of ["vite", "@types"]) {
    symlinkSync(join(ROOT, "node_modules", name), at(`node_modules/${name}`));
  }
});

/** Writes a file of the app. */
async function client(file: string, options: readonly string[] = [], folder = project) {
  const ended = await vitrine(["client", at(file), ...options], { folder });
  expect([ended.code, ended.err]).toEqual([0, ""]);
  return ended.out;
}

test("it has the options that clients use, and nothing else of the configuration", async () => {
  expect(await client("vitrine.ts")).toBe(
    `Wrote ${at("vitrine.ts")}: import { images, privateImages, imgPropsImages } from "./vitrine"; (nodenext: "./vitrine.js")\n`,
  );
  const text = read("vitrine.ts");
  await expect(text).toMatchFileSnapshot("vitrine.ts.txt");
  expect(text).not.toMatch(SECRET);
  expect(text.slice(text.indexOf("const baseUrl"))).not.toMatch(LOST);
});

test.each([
  ["cookies", ["session", "session", "admin"], "in the cookie `session` or `admin`: an <img> on"],
  ["no cookie", [undefined], "which a fetch sends as `Authorization: Bearer`: an <img> cannot."],
])(
  "URLs that a token opens, with %s, need no query: the file says what else",
  async (_name, cookies, note) => {
    const issuer = "https://login.example.com/";
    const usual = { issuer, keys: `${issuer}keys`, audience: "images", claims: { sub: ":user" } };
    const token = cookies.map((cookie) => ({ ...usual, ...(cookie && { cookie }) }));
    const users = { path: "/users/:user/:preset/*", object: "media/users/:user/*" };

    await client("login.ts", [], createFolder({ ROUTES: [{ ...users, token }] }));
    const text = read("login.ts");
    expect(text).toContain('"object":"BUCKET/users/:user/*"},');
    expect(text).toContain("They open with a token of your login");
    expect(text).toContain(note);
    expect(text).not.toContain("login.example.com");
  },
);

/** Where the app is, and how the file gets the client. */
const FORMS = [
  ["with the package", "", []],
  ["standalone", "standalone/", ["--standalone"]],
] as const;

describe.each(FORMS)("%s", (_form, folder, options) => {
  beforeAll(async () => {
    mkdirSync(at(folder), { recursive: true });
    put(`${folder}package.json`, '{ "type": "module", "dependencies": { "vitrine": "*" } }');
  });

  test.each([
    ["a bundler", STRICT, "./vitrine"],
    ["node16", { ...STRICT, module: "node16", moduleResolution: "node16" }, "./vitrine.js"],
    ["strict off", LOOSE, "./vitrine"],
    [
      "a server without the types of browsers",
      { ...STRICT, lib: ["ES2023"], types: ["node"], skipLibCheck: true },
      "./vitrine",
    ],
  ])("it compiles in an app with %s, and a mistake does not", async (_name, settings, module) => {
    await client(`${folder}vitrine.ts`, [...options, "--base-url", "process.env.IMAGES_URL"]);
    put(`${folder}right.ts`, VALID.replaceAll("./vitrine.ts", module));
    put(`${folder}wrong.ts`, INVALID.replaceAll("./vitrine.ts", module));
    const files = ["vitrine.ts", "right.ts", "wrong.ts"];
    put(`${folder}tsconfig.json`, JSON.stringify({ compilerOptions: settings, files }));
    const errors = await compile(at(folder));
    expect(errors.map(({ file, line }) => `${file}:${line}`)).toEqual(WRONG_LINES);
  });

  test("the Worker shows its URLs", async () => {
    await client(`${folder}vitrine.ts`, options);
    put(`${folder}right.ts`, VALID);
    const keys = `globalThis.SIGNING_KEYS = ${JSON.stringify(SECRETS.URL_SIGNING_KEYS)};`;
    const urls = run(`${keys} process.stdout.write((await import("./${folder}right.ts")).default)`);
    const picture = { path: "/images/:preset/*", object: "media/*" };
    const { "acme-media": media } = VARS.BUCKETS;
    const ROUTES = [picture, { ...picture, path: "/private/:preset/*", signed: true }];
    const env = { ...SECRETS, BUCKETS: { media }, ROUTES, PRESETS: VARS.PRESETS };
    const [last = "", ...rest] = urls.split("\n").reverse();
    expect(rest).toHaveLength(4);
    for (const url of rest) expect([url, (await get(url, {}, env)).status]).toEqual([url, 200]);
    expect(last).toBe("https://images.example/2x/img-props/7");
  });

  test("an app ships only the parts that it uses", async () => {
    await client(`${folder}vitrine.ts`, options);
    const few = await ship(`export { imageUrl, imagesSite, srcset } from "./${folder}vitrine.ts";`);
    expect(few).not.toMatch(/decoding|HMAC|private/);
    expect(gzipSync(few, { level: 9 }).length).toBeLessThan(1720); // with the presets of this test
    expect(await ship(`import "./${folder}vitrine.ts";`)).toBe("");
  });
});

test("the client beside a standalone file is replaced, and another file of its name is not", async () => {
  const names = ["vitrine-client.js", "vitrine-client.d.ts"] as const;
  mkdirSync(at("other"));
  await client("other/vitrine.ts", ["--standalone"]);
  const [script] = names.map((name) => read(`other/${name}`));
  put("other/vitrine-client.js", `${script}// older\n`);
  await client("other/vitrine.ts", ["--standalone"]);
  expect(read("other/vitrine-client.js")).toBe(script);
  put("other/vitrine-client.d.ts", "export {};\n");
  const ended = await vitrine(["client", at("other/vitrine.ts"), "--standalone"], {
    folder: project,
  });
  expect(ended).toMatchObject({ code: 2, out: "" });
  expect(ended.err).toContain("vitrine-client.d.ts: this command did not write that file");
  expect(read("other/vitrine-client.d.ts")).toBe("export {};\n");
});

/** Runs a script in the app. */
function run(script: string, env: Readonly<Record<string, string>> = {}): string {
  const args = ["--input-type=module", "--eval", script];
  const options = { cwd: app, env: { ...process.env, ...env } };
  return execFileSync(process.execPath, args, options).toString();
}

/** Bundles a script of the app. */
async function ship(contents: string, define: Readonly<Record<string, string>> = {}) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: app, loader: "ts" },
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false, define },
  });
  return outputFiles[0]?.text ?? "";
}

const URL_LINE = 'process.stdout.write(images.imageUrl("a", "card"))';
const afterImport = (line: string) => `const { images } = await import("./late.ts"); ${line}`;
const caught = `try { ${URL_LINE} } catch (error) { process.stdout.write(String(error)) }`;

test("the environment of the app says where Vitrine is, also after the file is imported", async () => {
  await client("late.ts", ["--base-url", "process.env.IMAGES_URL"]);
  const line = afterImport(`process.env.IMAGES_URL ??= "https://late.example"; ${URL_LINE}`);
  expect(run(line)).toBe("https://late.example/images/card/a");
  expect(run(line, { IMAGES_URL: "https://images.example/img" })).toBe(
    "https://images.example/img/images/card/a",
  );
  expect(run(line, { IMAGES_URL: "/" })).toBe("/images/card/a");
  const define = { "process.env.IMAGES_URL": '"https://put-in.example"' };
  const shipped = await ship('export { images } from "./late.ts";', define);
  expect(shipped).toContain('"https://put-in.example"');
  expect(shipped).not.toContain("process.env");
});

test.each([
  ["process.env.IMAGES_URL", { IMAGES_URL: "images.example" }, 'IMAGES_URL is "images.example"'],
  ["import.meta.env.VITE_URL", { VITE_URL: "https://a.example" }, "VITE_URL is not set"],
])("%s with %j: the import works, and the first URL says what to set", async (code, env, text) => {
  await client("late.ts", ["--base-url", code]);
  expect(run(afterImport(`process.stdout.write("imported "); ${caught}`), env)).toBe(
    `imported RangeError: Vitrine: ${text}: it must be like "https://images.example.com" or "/"`,
  );
});

test.each([
  ...["process.env", "process.env.A.B", "process.env['A']", "process.env.A;alert(1)"],
  ...["process.env.A\nalert(1)", "process.env.A\n", "window.IMAGES_URL"],
])("--base-url %j makes no sense: an app's file gets no other code", async (code) => {
  const ended = await vitrine(["client", at("none.ts"), "--base-url", code], { folder: project });
  expect([ended.code, ended.out, existsSync(at("none.ts"))]).toEqual([2, "", false]);
  expect(ended.err).toContain("is not a URL such as");
});

test("names that would break the code are escaped", async () => {
  const PRESETS = JSON.parse('{"__proto__": {"width": 5}, "constructor": {"width": 6}}');
  const path = `/it's "\u2028\${x}</script>/:preset/*`;
  // Its own name would hide the `crypto` of the platform.
  const ROUTES = [path, "/crypto/:preset/*"].map((one) => ({ path: one, object: "acme-media/*" }));
  const folder = createProject({
    ...PROJECT,
    vars: { BUCKETS: VARS.BUCKETS, ROUTES, PRESETS: JSON.stringify(PRESETS) },
  });
  expect(await client("odd.ts", [], folder)).toContain("{ itSX, cryptoImages }");
  const script = `const { itSX: { imageUrl } } = await import("./odd.ts");
    process.stdout.write(imageUrl("a", "__proto__") + imageUrl("a", "constructor"));`;
  const begin = "https://images.example/it%27s%20%22%E2%80%A8%24%7Bx%7D%3C/script%3E";
  expect(run(script)).toBe(`${begin}/__proto__/a${begin}/constructor/a`);
});

test("it is the same each time, and replaces only what it wrote itself", async () => {
  await client("again.ts");
  const first = read("again.ts");
  put("again.ts", first.slice(0, 500).replaceAll("\n", "\r\n"));
  await client("again.ts");
  expect(read("again.ts")).toBe(first);
  symlinkSync(at("again.ts"), at("link.ts"));
  await client("link.ts", ["--base-url", ""]);
  expect(read("again.ts")).toBe(first.replace('"https://images.example"', '""'));
  for (const text of ["", "export const mine = 1;\n", `\n${first}`]) {
    put("mine.ts", text);
    const ended = await vitrine(["client", at("mine.ts")], { folder: project });
    expect([ended.code, read("mine.ts")]).toEqual([2, text]);
    expect(ended.err).toContain("mine.ts: this command did not write that file");
  }
});

test("a route has a name that is an identifier, and no keyword", () => {
  for (const [path, value, type] of [
    ["/images/:preset/*", "images", "Images"],
    ["/my-photos/:preset/*", "myPhotos", "MyPhotos"],
    ["/My Photos 2/:preset/*", "myPhotos2", "MyPhotos2"],
    ["/😀/:preset/*", "root", "Root"],
    ["/2024/:preset/*", "route2024", "Route2024"],
    ["/日本/:preset/*", "日本", "日本"],
    ["/cafe\u0301/:preset/*", "caf\u00e9", "Caf\u00e9"],
    ["/await/:preset/*", "awaitImages", "AwaitImages"],
    ["/img-props/:preset/*", "imgPropsImages", "ImgPropsImages"],
    ["/x/:preset/*", "x2", "X2"],
  ] as const) {
    const taken = ["imgProps", "XVariant"];
    expect(nameRoutes([path], (name) => taken.includes(name))).toEqual([{ value, type }]);
  }
});

test("no two routes share a name, or the name of a type", () => {
  const paths = "/a/:preset/* /:preset/a/* /A/:preset /a2/:preset /:preset /private".split(" ");
  const names = nameRoutes([...paths, "/private/:preset"], () => false);
  expect(names.map(({ value }) => value)).toEqual([
    ...["a", "a2", "a3", "a22", "root", "privateImages", "privateImages2"],
  ]);
  expect(new Set(names.map(({ type }) => type)).size).toBe(names.length);
});

test("what keeps it from writing", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, config, file] of [
    ["no folder", {}, "no/nothing.ts"],
    ["no domain", { routes: [] }, "nothing.ts"],
    ["mistakes", { vars: { ...VARS, PRESETS: { card: {} } } }, "nothing.ts"],
    ["no TypeScript", {}, "nothing.js"],
    ["types alone", {}, "nothing.d.ts"],
  ] as const) {
    const before = readdirSync(app);
    const folder = createProject({ ...PROJECT, ...config });
    const ended = await vitrine(["client", at(file)], { folder });
    expect([ended.code > 1, readdirSync(app)]).toEqual([true, before]);
    results.push([title, ended]);
  }
  await expectGolden("refused.txt", results);
});

const FACT_KEYS = ["photos/fig.jpg", "__proto__", "constructor", "a\u2028`$1'\".jpg"];

const FACTS_APP = `import { type Fact, type FactKey, factOf, facts } from "./facts";

const known: Fact = facts["photos/fig.jpg"];
const proto: Fact = facts["__proto__"];
const width: 300 = facts["photos/fig.jpg"].width;
const key: FactKey = "photos/fig.jpg";
const perhaps: Fact | undefined = factOf(\`photos/\${width}\`);
export const all = [known, proto, width, key, perhaps];
export const misspelt = facts["photos/figs.jpg"];
export const wrong: FactKey = "photos/figs.jpg";
export const sure: Fact = factOf("photos/fig.jpg");
`;

test("a misspelt key of vitrine facts does not compile, and one of run time may have no facts", async () => {
  const folder = createFolder();
  stage.s3.objects.clear();
  const picture = { body: file("made/rotated-gps.jpg"), type: "image/jpeg" };
  for (const key of FACT_KEYS) stage.s3.objects.set(`published/${key}`, picture);
  const { code } = await vitrine(["facts", "--out", "facts.ts"], { folder, env: SECRETS });
  expect(code).toBe(0);
  writeFileSync(join(folder, "app.ts"), FACTS_APP);
  const config = { compilerOptions: STRICT, files: ["app.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const mistakes = (await compile(folder)).map(({ file, line }) => `${file}:${line}`);
  expect(mistakes).toEqual(["app.ts:9", "app.ts:10", "app.ts:11"]);
  const { facts, factOf } = await import(pathToFileURL(join(folder, "facts.ts")).href);
  expect(Object.keys(facts).toSorted()).toEqual(FACT_KEYS.toSorted());
  for (const key of FACT_KEYS) expect(factOf(key)).toMatchObject({ width: 300, height: 400 });
  for (const unknown of ["valueOf", "toString", ""]) expect(factOf(unknown)).toBeUndefined();
});
