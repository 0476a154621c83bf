// Tries of the contact sheet, on the strict edge with a private S3 behind it.

import sharp from "sharp";
import { expect, test, vi } from "vitest";
import { createSheet } from "../../../src/dev/sheet/sheet.ts";
import { type Answer, parseTry, refuse, renderTry } from "../../../src/dev/sheet/try-options.ts";
import { configOf } from "../../support/config-of.ts";
import { file } from "../../support/emulators.ts";
import { ENV } from "../../support/env.ts";
import { originalsOf } from "../../support/originals.ts";
import { stage } from "../../support/run-worker.ts";

const LOCAL_VIEW = { address: "http://localhost:8787", isReadOnly: false };
const CARD = "/images/card/photos/fig.jpg";
const HERO = "/images/hero@640w/photos/fig.jpg";

type Query = Readonly<Record<string, string>>;

/** Tries a picture, and checks that no byte of an original comes back. */
async function tryOptions(search: string, vars: object = ENV): Promise<Answer> {
  const request = parseTry(
    { config: configOf(vars), vars: { ...vars } },
    new URLSearchParams(search),
  );
  const answer = "fault" in request ? refuse(400, request.fault) : await renderTry(request);
  const body = Buffer.from(answer.body);
  const originals = originalsOf(stage.s3.objects);
  expect(originals.filter(({ isIn }) => isIn(body)).map(({ key }) => key)).toEqual([]);
  return answer;
}

const attempt = (query: Query, vars?: object) => tryOptions(`${new URLSearchParams(query)}`, vars);

/** Has a picture made, and looks at it. */
async function picture(query: Query) {
  const answer = await attempt(query);
  if (typeof answer.body === "string") throw new Error(answer.body);
  const { format, width, height, pages } = await sharp(answer.body).metadata();
  return { type: answer.type, bytes: answer.body, is: [format, width, height], pages };
}

test.each<[string, string]>([
  ["no picture", ""],
  ["no path", "?of="],
  ["another host", `?of=https://images.example${CARD}`],
  ["a path of no route", "?of=/other/card/photos/fig.jpg"],
  ["a variant that is not there", "?of=/images/card@3x/photos/fig.jpg"],
  ["a preset that the route does not show", "?of=/avatars/ada/hero"],
  ["a key that goes up", "?of=/images/card/%2e%2e/secret.jpg"],
  ["an option that no try has", `?of=${CARD}&width=12000`],
  ["a format twice", `?of=${CARD}&format=webp&format=png`],
  ["a format that is no picture", `?of=${CARD}&format=json`],
  ["AVIF over 1,200 px", "?of=/images/hero/photos/fig.jpg&format=avif"],
  ["quality 0", `?of=${CARD}&quality=0`],
  ["quality 101", `?of=${CARD}&quality=101`],
  ["a quality between two", `?of=${CARD}&quality=7.5`],
  ["a quality in hexadecimal", `?of=${CARD}&quality=0x10`],
  ["a quality with another name", `?of=${CARD}&quality=best`],
  ["x alone", `?of=${CARD}&x=0.5`],
  ["a focal point outside", `?of=${CARD}&x=1.01&y=0.5`],
  ["a focal point that is no number", `?of=${CARD}&x=NaN&y=NaN`],
  ["a format on a route with SVGs", "?of=/icons/card/key.jpg&format=webp"],
])("%s is a 400 with a reason, and nothing is asked (R8, O5, O7)", async (_what, search) => {
  const answer = await tryOptions(search);
  expect(answer).toMatchObject({ status: 400, type: "text/plain" });
  expect(answer.body).toMatch(/^.{10,200}\n$/);
  expect(stage.edgeRequests).toEqual([]);
});

test.each<[string, Query, (string | number)[]]>([
  ["another format", { of: HERO, format: "webp" }, ["webp", 532, 360]],
  ["AVIF", { of: HERO, format: "avif" }, ["heif", 532, 360]],
  ["PNG", { of: CARD, format: "png" }, ["png", 160, 160]],
  ["a denser variant", { of: "/images/card@2x/photos/fig.jpg" }, ["heif", 320, 320]],
  ["a signed route, without a signature", { of: "/private/card/key.jpg" }, ["heif", 160, 160]],
])("%s is made as it was asked for", async (_what, query, is) => {
  expect((await picture(query)).is).toEqual(is);
});

test("a focal point moves the crop, and only where the preset crops (O4)", async () => {
  const at = async (path: string, x: string, y: string) =>
    Buffer.from((await picture({ of: path, x, y, format: "png" })).bytes).toString("base64");
  expect(await at(CARD, "0", "0.5")).not.toBe(await at(CARD, "1", "0.5"));
  const plain = "/images/plain/photos/fig.jpg";
  expect(await at(plain, "0", "0.5")).toBe(await at(plain, "1", "0.5"));
});

test.each([
  ["a page with the name of an image", "broken/page.jpg", "source-unreadable"],
  ["a script", "broken/script.svg", "source-unreadable"],
  ["an empty object", "broken/empty.jpg", "source-unreadable"],
  ["no object", "broken/none.jpg", "object-missing"],
])("of %s nothing comes back but a reason", async (_what, key, reason) => {
  const answer = await attempt({ of: `/images/card/${key}`, format: "webp" });
  expect(answer).toMatchObject({ status: 502, type: "text/plain" });
  expect(answer.body).toContain(`no such picture was made: ${reason}`);
});

test("where the edge transforms nothing, the original does not come back (R2)", async () => {
  stage.edge.switches.transformations = false;
  const answer = await attempt({ of: CARD, format: "webp" });
  expect(answer).toMatchObject({ status: 502, body: expect.stringContaining("not-transformed") });
});

test("the lines are what the preset takes, without a format that it cannot have (O7)", async () => {
  const lines = async (query: Query) => (await attempt(query)).lines;
  expect(await lines({ of: CARD, format: "webp", quality: "62", x: "0.9", y: "0.25" })).toBe(
    'quality = 62\nformat = "webp"\ngravity = { x = 0.9, y = 0.25 }',
  );
  expect(await lines({ of: HERO, format: "avif", quality: "low" })).toBe(
    'quality = "low"\n# no format: a size of it is over 1,200 px',
  );
});

const { baseUrl = "", prefix } = configOf(ENV).buckets[0] ?? {};
const BUCKET_URL = `${baseUrl}${prefix}`;

/** The contact sheet of a local run with this configuration. @param hasOwnS3 whether .dev.vars names an S3 */
function sheetOf(
  hasOwnS3: boolean,
  vars: object = ENV,
  onChange: Parameters<typeof createSheet>[2] = () => {},
) {
  const { media } = ENV.BUCKETS;
  const config = configOf(vars);
  const local = { vars: { ...vars }, localVars: ENV, config };
  const run = { hasOwnS3, buckets: { media }, secrets: {}, tokenVars: {}, answers: {}, ...local };
  const files = { file: "wrangler.toml", devVars: ".dev.vars", main: "src/index.ts" };
  const rest = {
    environment: undefined,
    images: undefined,
    r2Buckets: [],
    mistakes: [],
    queue: undefined,
    buildCommand: undefined,
  };
  const project = { kind: "project", ...run, ...files, ...rest } as const;
  const watcher = { current: () => project, mistakes: () => [] };
  return createSheet(watcher, stage.edge, onChange);
}

test("tries wait for one another: not one with a mistake, and none whose visitor has left", async () => {
  const { renderTry: attempt } = sheetOf(false);
  const statuses: number[] = [];
  const start = async (search: string, isClosed: boolean) => {
    statuses.push((await attempt(new URLSearchParams(search), () => isClosed)).status);
  };
  const first = start(`of=${CARD}`, false);
  await Promise.all([first, start(`of=${HERO}`, true), start("of=/none", false)]);
  expect(statuses).toEqual([400, 200, 503]);
  expect(stage.edgeRequests.map(({ image }) => image.width)).toEqual([160]);
});

test("with an S3 of one's own nothing is tried, put or deleted: it would need no signature", async () => {
  const { renderTry: attempt, put, remove, page } = sheetOf(true);
  const query = new URLSearchParams("of=/private/card/key.jpg");
  const answer = await attempt(query, () => false);
  expect(answer).toMatchObject({ status: 503, type: "text/plain" });
  for (const refused of [
    JSON.stringify(await put("a.jpg", { body: new Uint8Array(), type: "image/jpeg" })),
    await remove("a.jpg"),
  ]) {
    expect(refused).toContain(".dev.vars");
  }
  expect(await page(LOCAL_VIEW)).not.toContain("<article");
  expect(stage.edgeRequests).toEqual([]);
});

test("where .dev.vars has ROUTES with tokens, the page says why nobody can sign in there", async () => {
  const issuer = "https://login.example.com/";
  const token = { issuer, audience: "a", keys: `${issuer}jwks`, claims: { sub: ":user" } };
  const ROUTES = [{ path: "/users/:user/:preset/*", object: "media/users/:user/*", token }];
  const pageWith = (change: object) => sheetOf(true, { ...ENV, ...change }).page(LOCAL_VIEW);
  expect(await pageWith({ ROUTES })).toMatch(
    /Nobody can sign in here: .* remove .* from \.dev\.vars/,
  );
  expect(await pageWith({})).not.toContain("sign in");
});

test.each<[what: string, name: string, path?: string]>([
  ["a name, below own/", "a b.jpg", "own/a%20b.jpg"],
  ["a whole key", "users/ada/avatar.png", "users/ada/avatar.png"],
  ["no name that is too long below own/ and the prefix", "a".repeat(1_022)],
])("a picture is put by %s", async (_what, name, path) => {
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { method, headers }: RequestInit) => {
    sent.push(`${method} ${url} ${new Headers(headers).get("x-amz-meta-focus")}`);
    return new Response();
  });
  const { put } = sheetOf(false);
  const upload = { body: file("made/transparent.png"), type: "image/png", focus: "0.6,0.3" };
  const reason = "a key cannot end with this name: longer than 1,024 bytes";
  const result = path ? { kind: "put", warning: undefined } : { kind: "refused", reason };
  expect(await put(name, upload)).toEqual(result);
  expect(sent).toEqual(path ? [`PUT ${BUCKET_URL}${path} 0.6,0.3`] : []);
});

test("what is put and deleted on the page is an event, and what S3 refuses is none", async () => {
  let status = 200;
  vi.stubGlobal("fetch", async () => new Response(null, { status }));
  const changes: string[] = [];
  const { put, remove } = sheetOf(false, ENV, (bucketName, { kind, key }) => {
    changes.push(`${kind} ${bucketName} ${key}`);
  });
  const upload = { body: file("made/transparent.png"), type: "image/png" };
  await put("a b.jpg", upload);
  await remove("users/ada/avatar.png");
  status = 503;
  await expect(put("b.jpg", upload)).rejects.toThrow("503");
  await expect(remove("b.jpg")).rejects.toThrow("503");
  expect(changes).toEqual([
    `put media ${prefix}own/a b.jpg`,
    `deleted media ${prefix}users/ada/avatar.png`,
  ]);
});

test.each([
  ["fig.jpg", 'no route leads to "own/fig.jpg"'],
  ["photos/fig.jpg", 'no route leads to "photos/fig.jpg"'],
])("%s is not put where no route leads, and the reason has a remedy", async (name, reason) => {
  const { put } = sheetOf(false, {
    ...ENV,
    ROUTES: [{ path: "/a/:preset/*", object: "media/a/*" }],
  });
  const upload = { body: file("made/transparent.png"), type: "image/png" };
  const refused = await put(name, upload);
  expect(refused).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  expect(refused).toMatchObject({
    reason: expect.stringContaining("/.vitrine/objects/photos%2Ffig.jpg"),
  });
});

const latin1 = (text: string) => Buffer.from(text, "latin1");
const key = sharp(file("made/key.jpg"));
const wide = { create: { width: 13_000, height: 1, channels: 3, background: "red" } } as const;

/** An interlaced head, without pixels: sharp reads the sides, and would not decode so many. */
function hugePng(): Buffer {
  const png = Buffer.from(file("made/transparent.png"));
  png.writeUInt32BE(20_000, 16);
  png.writeUInt32BE(20_000, 20);
  return png;
}

test.each<
  [what: string, body: () => Promise<Uint8Array> | Uint8Array, warning: RegExp | undefined]
>([
  ["a JPEG", () => file("made/key.jpg"), undefined],
  ["a WebP that is called a TIFF", () => key.clone().webp().toBuffer(), undefined],
  [
    "a TIFF",
    () => key.clone().tiff().toBuffer(),
    /^visitors get 415: Cloudflare reads no TIFF: convert it to JPEG, PNG or WebP$/,
  ],
  ["a damaged TIFF", () => latin1("II*\0\0\0"), /no TIFF/],
  ["a BigTIFF of another machine", () => latin1("II+\0\b\0\0\0"), /no TIFF/],
  ["a BigTIFF", () => latin1("MM\0+\0\b\0\0"), /no TIFF/],
  ["an AVIF", () => key.clone().avif({ effort: 0 }).toBuffer(), /^visitors get 415: .* Enterprise/],
  ["a HEIC", () => latin1("\0\0\0\x18ftypheic\0\0\0\0"), /^visitors may get 415: .* HEIC/],
  ["a JPEG XL", () => latin1("\xff\n\xfa\x7f"), /no JPEG XL/],
  ["a JPEG XL in boxes", () => latin1("\0\0\0\fJXL \r\n\x87\n"), /no JPEG XL/],
  [
    "a picture that is too wide",
    () => sharp(wide).png().toBuffer(),
    /^visitors get 415: 13000 × 1 px/,
  ],
  ["a picture of 400 megapixels", hugePng, /^visitors get 415: 20000 × 20000 px/],
])(
  "%s is put, with a warning if visitors would not see it (B4, L1)",
  async (_what, body, warning) => {
    vi.stubGlobal("fetch", async () => new Response());
    const upload = { body: new Uint8Array(await body()), type: "image/tiff" };
    const expected = warning && expect.stringMatching(warning);
    expect(await sheetOf(false).put("a.tif", upload)).toEqual({ kind: "put", warning: expected });
  },
);

test("where the switch says that the account reads AVIF, no AVIF has a warning (L1)", async () => {
  vi.stubGlobal("fetch", async () => new Response());
  stage.edge.switches.avifInput = true;
  const avif = { body: await key.clone().avif({ effort: 0 }).toBuffer(), type: "image/avif" };
  expect(await sheetOf(false).put("a.avif", avif)).toEqual({ kind: "put", warning: undefined });
});

test.each([
  ["a text", latin1("no picture")],
  ["nothing", latin1("")],
  ["half a signature", latin1("\0\0\0\fJXL ")],
  ["an SVG that is cut off, although a route shows SVGs", latin1('<svg xmlns="x" width="9"><g')],
])("%s is not put", async (_what, body) => {
  vi.stubGlobal("fetch", async () => expect.unreachable());
  const vars = { ...ENV, ROUTES: [{ path: "/:preset/*", object: "media/*", svg: true }] };
  const refused = await sheetOf(false, vars).put("a.jpg", { body, type: "image/jpeg" });
  expect(refused).toEqual({
    kind: "refused",
    reason: "it is no picture that the local edge reads",
  });
});
