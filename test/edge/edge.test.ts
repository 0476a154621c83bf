// The strict edge, rule by rule: what it takes, what it sends, what it answers. Its pixels have tests
// of their own.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { originUrl } from "../../src/origin.ts";
import { sign } from "../../src/sign.ts";
import { BASE, CREDENTIALS } from "../env.ts";
import type { EdgeSettings } from "./edge.ts";
import { FAULTS } from "./faults.ts";
import type { S3Fault } from "./s3.ts";
import { file, network, setUp, ZONE } from "./stand.ts";

const SHARED = { "origin-auth": "share-publicly" } as const;
const HOUR = 3_600_000;
const KEY = "key.jpg";

let { s3, edge, clock } = setUp();

/** Another stand, with switches set. */
function stand(settings: Partial<EdgeSettings> = {}): void {
  ({ s3, edge, clock } = setUp(settings));
}

beforeAll(() => network.listen({ onUnhandledFrame: "error" }));
afterAll(() => network.close());
beforeEach(() => stand());

const urlOf = (key: string) => originUrl(BASE, `published/${key}`);

/** Asks the edge for an object as the Worker does, with what a test changes. */
async function ask(
  key: string,
  image: Record<string, unknown> = {},
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const url = urlOf(key);
  const signed = await sign(url, "eu-west-1", CREDENTIALS, clock.now);
  for (const [name, value] of Object.entries(headers)) signed.set(name, value);
  return edge.fetch(url, { headers: signed, cf: { image: { ...SHARED, ...image } }, ...init });
}

/** A failure's status and code, from its header and its text; or 200. */
async function fault(answer: Response): Promise<string> {
  if (answer.ok) return `${answer.status}`;
  const code = /^err=(\d{4})$/.exec(answer.headers.get("cf-resized") ?? "")?.[1];
  expect(await answer.text()).toMatch(new RegExp(`^ERROR ${code}: `));
  return `${code}/${answer.status}`;
}

async function sizeOf(answer: Response) {
  const { format, width, height } = await sharp(await answer.arrayBuffer()).metadata();
  return { format, width, height };
}

describe("what reaches the origin", () => {
  const OWN = ["accept", "accept-encoding", "via"];
  const NODES = ["accept-language", "connection", "host", "sec-fetch-mode", "user-agent"];
  const sent = () =>
    [...(s3.requests[0]?.headers.keys() ?? [])].filter((name) => !NODES.includes(name)).sort();

  test("with origin-auth nine headers may, and no other (E1)", async () => {
    const every = {
      cookie: "a=1",
      "x-ms-date": "x",
      "x-ms-version": "x",
      "x-sa-date": "x",
      "cf-access-client-id": "x",
      "cf-access-client-secret": "x",
    };
    const others = { "x-amz-security-token": "x", referer: "https://a.example", "x-own": "x" };
    const answer = await ask(KEY, {}, { headers: { ...every, ...others } });
    expect(answer.status).toBe(200);
    expect(sent()).toEqual(
      [
        ...["authorization", "x-amz-content-sha256", "x-amz-date"],
        ...[...OWN, ...Object.keys(every)],
      ].sort(),
    );
  });

  test.each([
    ["no origin-auth", { "origin-auth": undefined }],
    ["another value of it", { "origin-auth": "share" }],
  ])("with %s none does, and a private origin denies it (E2)", async (_what, image) => {
    const answer = await ask(KEY, image, { headers: { cookie: "a=1" } });
    expect(await fault(answer)).toBe("9408/403");
    expect(sent()).toEqual(OWN);
  });

  test("the edge says who it is and what it reads (E3)", async () => {
    await ask(KEY, {}, { headers: { accept: "image/avif", via: "1.1 mine" } });
    const { headers } = s3.requests[0] ?? {};
    expect(headers?.get("via")).toBe("1.1 image-resizing-proxy");
    expect(headers?.get("accept")).toBe("image/jpeg, image/png, image/gif;q=0.1, image/*;q=0.1");
    expect(headers?.get("accept-encoding")).toBe("gzip");
  });

  const visitors = {
    method: "HEAD",
    headers: { range: "bytes=0-9", "if-none-match": '"x"', "user-agent": "visitor" },
  };

  test("a method and conditions may stay at the edge (E4)", async () => {
    const answer = await ask(KEY, {}, visitors);
    expect([answer.status, answer.body]).toEqual([200, null]);
    expect(s3.requests[0]?.method).toBe("GET");
    expect(sent()).not.toContain("range");
    expect(s3.requests[0]?.headers.get("user-agent")).not.toBe("visitor");
  });

  test("or they may be passed on: then a signature for GET does not match (E4)", async () => {
    stand({ conditions: "passed-on" });
    expect(await fault(await ask(KEY, {}, { ...visitors, method: "GET" }))).toBe("9518/502");
    expect(sent()).toEqual(expect.arrayContaining(["if-none-match", "range"]));
    expect(s3.requests[0]?.headers.get("user-agent")).toBe("visitor");
    stand({ conditions: "passed-on" });
    expect(await fault(await ask(KEY, {}, visitors))).toBe("9408/403");
    expect(s3.requests[0]?.method).toBe("HEAD");
  });
});

describe("which URLs the edge takes", () => {
  const other = "https://other.example/a.jpg";
  const at = async (url: string) => fault(await edge.fetch(url, { cf: { image: { width: 9 } } }));
  const picture = () => HttpResponse.arrayBuffer(file("made/key.jpg").slice().buffer);

  test("only those on its own zone and among its Sources (E5)", async () => {
    network.use(
      http.get(`https://${ZONE}/a.jpg`, picture),
      http.get("https://other.example/*", picture),
    );
    expect(await at(other)).toBe("9401/403");
    expect(await at(`https://${ZONE}/a.jpg`)).toBe("200");
    edge.switches.sources = ["other.example"];
    expect(await at(other)).toBe("200");
    expect(await at("https://sub.other.example/a.jpg")).toBe("9401/403");
  });

  test.each([
    [urlOf(KEY).replace("https:", "http:"), "9406/403"],
    ["images.example/a.jpg", "9406/403"],
    [urlOf("a b").replace("%20", " "), "9419/403"],
    [`${urlOf("caf")}\u00e9`, "9419/403"],
  ])("%s is %s (E6)", async (url, expected) => {
    expect(await at(url)).toBe(expected);
    expect(edge.originFetches).toEqual([]);
  });

  const redirect = (location?: string) => () =>
    new HttpResponse(null, { status: 302, headers: location === undefined ? {} : { location } });

  test("a redirect is followed, to hosts not among the Sources too, and kept (E5, E7)", async () => {
    network.use(
      http.get(urlOf("moved.jpg"), redirect(other), { once: true }),
      http.get(other, picture),
    );
    for (let times = 0; times < 2; times++) {
      expect(await fault(await ask("moved.jpg", { width: 9 + times }))).toBe("200");
    }
    expect(edge.originFetches).toEqual([urlOf("moved.jpg")]);
  });

  test.each<[boolean]>([[true], [false]])(
    "the headers that open the bucket may go with it: %s (E7)",
    async (authAfterRedirect) => {
      stand({ authAfterRedirect });
      const seen: (string | null)[] = [];
      network.use(
        http.get(urlOf("moved.jpg"), redirect(other)),
        http.get(other, ({ request }) => {
          seen.push(request.headers.get("authorization"));
          return picture();
        }),
      );
      await ask("moved.jpg");
      expect(seen).toEqual([authAfterRedirect ? expect.stringMatching(/^AWS4/) : null]);
    },
  );

  test.each([
    ["nowhere", undefined, "9420/400"],
    ["a page without TLS", "http://other.example/", "9420/400"],
    ["no URL", "https://[", "9420/400"],
    ["itself", urlOf("moved.jpg"), "9421/400"],
  ])("a redirect to %s is %s (E7)", async (_what, location, expected) => {
    network.use(http.get(urlOf("moved.jpg"), redirect(location)));
    expect(await fault(await ask("moved.jpg"))).toBe(expected);
  });

  test("a request that the edge itself made is a loop (E8)", async () => {
    const headers = { via: "1.1 image-resizing-proxy" };
    expect(await fault(await ask(KEY, {}, { headers }))).toBe("9403/508");
    expect(edge.originFetches).toEqual([]);
  });

  test("what another Worker answers is not transformed (E9)", async () => {
    const workers = { [new URL(BASE).host]: async (request: Request) => fetch(request) };
    stand({ workers });
    const answer = await ask(KEY, { width: 9 });
    expect(answer.headers.has("cf-resized")).toBe(false);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
  });
});

describe("options", () => {
  test.each<[string, unknown]>([
    ["width", 0],
    ["width", 1.5],
    ["width", "100"],
    ["height", -1],
    ["height", Number.NaN],
    ["height", null],
  ])("%s %j is 9401 (O1)", async (name, value) => {
    expect(await fault(await ask(KEY, { [name]: value }))).toBe("9401/400");
    expect(edge.originFetches).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ["dpr", 0, "O2"],
    ["fit", "fill", "O3"],
    ["gravity", "north", "O4"],
    ["gravity", { x: 2 }, "O4"],
    ["zoom", 1.1, "O4"],
    ["quality", 0, "O5"],
    ["quality", 101, "O5"],
    ["quality", "best", "O5"],
    ["format", "gif", "O6"],
    ["format", "auto", "O6"],
    ["anim", "no", "O8"],
    ["metadata", "all", "O9"],
    ["sharpen", 10.1, "O10"],
    ["blur", 0.5, "O10"],
    ["blur", 251, "O10"],
    ["brightness", -1, "O10"],
    ["contrast", "high", "O10"],
    ["gamma", -0.1, "O10"],
    ["saturation", Number.POSITIVE_INFINITY, "O10"],
    ["rotate", 45, "O11"],
    ["flip", "x", "O11"],
    ["trim", { top: -1 }, "O12"],
    ["trim", { border: { tolerance: "much" } }, "O12"],
    ["border", { width: 2, color: 3 }, "O12"],
    ["background", 255, "O12"],
    ["compression", "best", "O12"],
    ["segment", "background", "O12"],
    ["upscale", "ai", "O12"],
    ["draw", [{}], "O12"],
    ["draw", [{ url: "https://a.example/", opacity: 2 }], "O12"],
    ["draw", [{ url: "https://a.example/", left: 1, right: 1 }], "O12"],
  ])("%s %j is 9401 (%s)", async (name, value) => {
    expect(await fault(await ask(KEY, { [name]: value }))).toBe("9401/400");
    expect(edge.originFetches).toEqual([]);
  });

  test("format auto may be chosen for the first who asks, and then for all (O6)", async () => {
    stand({ formatAuto: "first-come" });
    for (const accept of ["image/avif,*/*", "*/*"]) {
      const answer = await ask(KEY, { format: "auto" }, { headers: { accept } });
      expect(answer.headers.get("content-type")).toBe("image/avif");
    }
    const first = await ask(
      KEY,
      { format: "auto", width: 8 },
      { headers: { accept: "image/webp" } },
    );
    expect(first.headers.get("content-type")).toBe("image/webp");
  });

  test.each<[Record<string, unknown>]>([
    [{ onerror: "redirect" }],
    [{ "slow-connection-quality": 50 }],
  ])("%j is for the URL interface (O13)", async (extra) => {
    const answer = await ask(KEY, { width: 8, ...extra });
    await ask(KEY, { width: 8 });
    expect(await fault(answer)).toBe("200");
    expect(edge.transformations.size).toBe(1);
  });

  test("keys that are not known are ignored in silence, a typo in origin-auth too (O14)", async () => {
    expect(await fault(await ask(KEY, { widht: 8 }))).toBe("200");
    const typo = { "origin-auth": undefined, "origin-Auth": "share-publicly" };
    expect(await fault(await ask("transparent.png", typo))).toBe("9408/403");
  });

  test.each<[Record<string, unknown>, string]>([
    [{ gravity: "face", fit: "cover" }, "gravity"],
    [{ segment: "foreground" }, "segment"],
    [{ upscale: "generate" }, "upscale"],
    [{ draw: [{ url: urlOf(KEY), segment: "foreground" }] }, "segment"],
  ])("%j cannot be played, and is not pretended (O4, O12)", async (image, named) => {
    await expect(ask(KEY, image)).rejects.toThrow(new RegExp(`strict edge cannot play .*${named}`));
    edge.switches.unplayable = "left-out";
    expect(await fault(await ask(KEY, image))).toBe("200");
  });
});

describe("AVIF, animations, drawings", () => {
  test.each([
    ["webp", "image/webp", null],
    ["jpeg", "image/jpeg", null],
    ["passed-through", "image/jpeg", 'cf-images 299 "image too large for AVIF"'],
  ] as const)("AVIF over 1,200 px may be %s (O7, R5, R6)", async (avifTooLarge, type, warning) => {
    stand({ avifTooLarge });
    const answer = await ask(KEY, { width: 1201, fit: "contain", format: "avif" });
    expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("warning")).toBe(warning);
    const { width } = await sizeOf(answer);
    const own = (await sharp(file("made/key.jpg")).metadata()).width;
    expect(width).toBe(avifTooLarge === "passed-through" ? own : 1201);
    const small = await ask(KEY, { width: 1200, fit: "contain", format: "avif" });
    expect(small.headers.get("content-type")).toBe("image/avif");
  });

  test.each(["marked", "unmarked"] as const)(
    "an animation with too many pixels comes back as it is, %s (O8)",
    async (animationTooLarge) => {
      const gif = file("made/animated.gif");
      const { width, pageHeight = 0, pages = 0 } = await sharp(gif).metadata();
      const animation = width * pageHeight * pages - 1;
      const limits = { ...edge.switches.limits, animation };
      stand({ limits, animationTooLarge });
      for (const [anim, untouched] of [
        [true, true],
        [undefined, true],
        [false, false],
      ] as const) {
        const answer = await ask("animated.gif", { width: 20, format: "webp", anim });
        const bytes = new Uint8Array(await answer.arrayBuffer());
        expect(bytes.length === gif.length).toBe(untouched);
        const marked = !untouched || animationTooLarge === "marked";
        expect(answer.headers.has("cf-resized")).toBe(marked);
      }
      edge.switches.limits = { ...limits, animation: animation + 1 };
      const answer = await ask("animated.gif", { width: 21, format: "webp" });
      expect((await sharp(await answer.arrayBuffer()).metadata()).pages).toBe(pages);
    },
  );

  test.each(["marked", "unmarked"] as const)(
    "an SVG is sanitised and passed on, %s (R8)",
    async (svg) => {
      stand({ svg });
      for (const format of [undefined, "svg"]) {
        const answer = await ask("broken/script.svg", { width: 9, format });
        expect(answer.headers.get("content-type")).toBe("image/svg+xml");
        expect(answer.headers.has("cf-resized")).toBe(svg === "marked");
        const text = await answer.text();
        expect(text).toContain("<svg");
        expect(text).not.toMatch(/<script|alert|onload|href=.(?!#)/i);
      }
    },
  );

  test("an SVG is no picture, and a picture no SVG (R8)", async () => {
    for (const format of ["avif", "webp", "jpeg", "png", "json"]) {
      expect(await fault(await ask("broken/script.svg", { format }))).toBe("9412/415");
    }
    expect(await fault(await ask(KEY, { format: "svg" }))).toBe("9412/415");
  });
});

describe("answers", () => {
  test("cf-resized tells what was made, and what was kept (R1)", async () => {
    const first = await ask(KEY, { width: 8 });
    expect(first.headers.get("cf-resized")).toMatch(/^internal=ok\/m /);
    const second = await ask(KEY, { width: 8 });
    expect(second.headers.get("cf-resized")).toBe("internal=ram/h");
    expect(await second.arrayBuffer()).toEqual(await first.arrayBuffer());
  });

  test("with transformations off the original comes, as the origin sent it (R2)", async () => {
    stand({ transformations: false });
    const answer = await ask(KEY, { width: 8 });
    expect([answer.status, answer.headers.has("cf-resized")]).toEqual([200, false]);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
    expect((await ask("nothing.jpg", { width: 8 })).headers.get("content-type")).toBe(
      "application/xml",
    );
  });

  test.each(Object.entries(FAULTS))("the edge may fail with %s: %s (R3)", async (failure, text) => {
    edge.switches.trouble = failure as keyof typeof FAULTS;
    const answer = await ask(KEY);
    expect(await answer.clone().text()).toContain(text);
    expect(await fault(answer)).toBe(failure);
  });

  test.each<[S3Fault, string]>([
    ["no-list-bucket", "9408/403"],
    ["revoked-key", "9408/403"],
    ["other-secret", "9408/403"],
    ["clock-skew", "9408/403"],
    ["archived", "9408/403"],
    ["elsewhere-400", "9519/502"],
    ["elsewhere-301", "9420/400"],
    ["elsewhere-307", "9408/403"],
    ["SlowDown", "9509/502"],
    ["ServiceUnavailable", "9509/502"],
    ["InternalError", "9509/502"],
    ["reset", "9505/502"],
    ["cut-short", "9402/502"],
    ["stall", "9504/524"],
    ["stall-midway", "9504/524"],
  ])("S3's %s is %s, and its words are lost (R3, E7)", async (failure, expected) => {
    s3.faults.add(failure);
    const answer = await ask(failure === "no-list-bucket" ? "nothing.jpg" : KEY);
    expect(await answer.clone().text()).not.toMatch(/Code|Key|AccessDenied/);
    expect(await fault(answer)).toBe(expected);
  });

  test.each([
    ["nothing.jpg", "9404/404"],
    ["broken/page.jpg", "9412/415"],
    ["broken/empty.jpg", "9412/415"],
    ["broken/truncated.jpg", "9516/422"],
  ])("%s is %s (R3)", async (key, expected) => {
    expect(await fault(await ask(key))).toBe(expected);
  });

  test.each<[number, string]>([
    [401, "9408/401"],
    [408, "9408/408"],
    [410, "9408/410"],
    [206, "9518/502"],
    [500, "9509/502"],
  ])("an origin's %d is %s (R3)", async (status, expected) => {
    network.use(http.get(urlOf(KEY), () => new HttpResponse("x", { status })));
    expect(await fault(await ask(KEY))).toBe(expected);
  });

  test("the entity tag is the origin's behind 42 characters, one for each variant (R4)", async () => {
    const origin = /^"(\w+)"$/.exec(
      (await fetch(urlOf(KEY), { headers: await signed() })).headers.get("etag") ?? "",
    )?.[1];
    const tags = [];
    for (const width of [8, 9, 8]) tags.push((await ask(KEY, { width })).headers.get("etag"));
    for (const tag of tags) expect(tag).toMatch(new RegExp(`^"cf[\\w-]{42}:${origin}"$`));
    expect(tags[0]).toBe(tags[2]);
    expect(tags[0]).not.toBe(tags[1]);
    s3.objects.set("published/untagged.jpg", {
      body: file("made/key.jpg"),
      type: "image/jpeg",
      etag: null,
    });
    expect((await ask("untagged.jpg")).headers.has("etag")).toBe(false);
  });

  const signed = () => sign(urlOf(KEY), "eu-west-1", CREDENTIALS, clock.now);

  test("cover with one side is told (R6, O3)", async () => {
    const answer = await ask(KEY, { width: 8, fit: "cover" });
    expect(answer.headers.get("warning")).toBe(
      'cf-images 299 "cover fit mode needs both width and height"',
    );
    expect(await fault(answer)).toBe("200");
  });

  test.each(["no-store", "private", "max-age=0"])(
    "the origin's cache-control %s is passed on, and told as too restrictive (R6, R7)",
    async (cacheControl) => {
      const body = file("made/key.jpg");
      s3.objects.set(`published/${KEY}`, { body, type: "image/jpeg", cacheControl });
      const answer = await ask(KEY);
      expect(answer.headers.get("cache-control")).toBe(cacheControl);
      expect(answer.headers.get("warning")).toContain("cache-control is too restrictive");
    },
  );

  test.each(["original", "print"] as const)(
    "an original with fewer bytes than its print is told, and the %s sent (R6)",
    async (sent) => {
      stand({ originalIsSmaller: { of: "bytes", sent } });
      const small = new Uint8Array(
        await sharp({ create: { width: 90, height: 90, channels: 3, background: "red" } })
          .jpeg({ quality: 5 })
          .toBuffer(),
      );
      s3.objects.set("published/small.jpg", { body: small, type: "image/jpeg" });
      const answer = await ask("small.jpg", { width: 90, quality: 100 });
      expect(answer.headers.get("warning")).toBe('cf-images 299 "original is smaller"');
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect(bytes.length === small.length).toBe(sent === "original");
      expect((await ask("small.jpg", { width: 20, quality: 100 })).headers.has("warning")).toBe(
        false,
      );
    },
  );

  test("or one with shorter sides than were asked for is (R6)", async () => {
    stand({ originalIsSmaller: { of: "sides", sent: "print" } });
    const answer = await ask(KEY, { width: 5000 });
    expect(answer.headers.get("warning")).toBe('cf-images 299 "original is smaller"');
    expect((await ask(KEY, { width: 20 })).headers.has("warning")).toBe(false);
  });

  test.each(["kept", "leaked"] as const)("S3's headers may be %s (R7)", async (originHeaders) => {
    stand({ originHeaders });
    const { headers } = await ask(KEY);
    expect(headers.has("x-amz-request-id")).toBe(originHeaders === "leaked");
    expect(headers.get("last-modified")).toBe("Tue, 24 Nov 2026 09:00:00 GMT");
  });

  test("json tells the sizes, the type and the bytes of the original (R9)", async () => {
    const original = file("made/transparent.png");
    const { width, height } = await sharp(original).metadata();
    const answer = await ask("transparent.png", { width: 50, format: "json" });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      width: 50,
      height: Math.round((50 * height) / width),
      original: { file_size: original.length, width, height, format: "image/png" },
    });
  });

  test("304 comes for a condition that holds, and for no other (R10)", async () => {
    const first = await ask(KEY);
    const etag = first.headers.get("etag") ?? "";
    const held = await ask(KEY, {}, { headers: { "if-none-match": etag } });
    expect([held.status, held.ok, held.body]).toEqual([304, false, null]);
    expect((await ask(KEY, {}, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
  });

  test("a request without cf.image is no matter of the edge's", async () => {
    const answer = await edge.fetch(urlOf(KEY), { headers: await signed() });
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
  });

  test("who gives up asking gets no answer", async () => {
    s3.faults.add("stall");
    const asked = ask(KEY, {}, { signal: AbortSignal.timeout(50) });
    await expect(asked).rejects.toThrow(/aborted/);
    await expect(ask(KEY, {}, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
  });
});

describe("cache, limits, price", () => {
  test("an answer is kept by source and options, whoever asks and with whatever key (C1)", async () => {
    await ask(KEY, { width: 8, fit: "cover" });
    const headers = { authorization: "AWS4-HMAC-SHA256 nobody", accept: "image/avif", cookie: "a" };
    const answer = await ask(KEY, { fit: "cover", width: 8 }, { headers });
    expect(answer.headers.get("cf-resized")).toBe("internal=ram/h");
    const other = await ask(KEY, { width: 8, fit: "cover", quality: 50 });
    expect(other.headers.get("cf-resized")).toMatch(/^internal=ok/);
  });

  test.each<[string | undefined, number]>([
    [undefined, 1],
    ["max-age=60", 1],
    ["no-store", 1],
    ["max-age=7200", 2],
    ["max-age=1800, must-revalidate", 0.5],
  ])("with cache-control %s it is kept for %d hours (C1)", async (cacheControl, hours) => {
    const object = { body: file("made/key.jpg"), type: "image/jpeg" };
    s3.objects.set(
      `published/${KEY}`,
      cacheControl === undefined ? object : { ...object, cacheControl },
    );
    await ask(KEY);
    clock.now += hours * HOUR - 1;
    expect((await ask(KEY)).headers.get("cf-resized")).toBe("internal=ram/h");
    clock.now += 1;
    expect((await ask(KEY)).headers.get("cf-resized")).toMatch(/^internal=ok/);
    expect(edge.originFetches).toHaveLength(2);
  });

  test("variants of one source fetch it once (C2)", async () => {
    for (const width of [8, 9, 10]) await ask(KEY, { width });
    expect(edge.originFetches).toEqual([urlOf(KEY)]);
    await edge.fetch(`${urlOf(KEY)}?X-Amz-Signature=x`, {
      headers: await sign(urlOf(KEY), "eu-west-1", CREDENTIALS, clock.now),
      cf: { image: { ...SHARED, width: 8 } },
    });
    expect(edge.originFetches).toHaveLength(2);
  });

  test("failures are not kept, and the origin is asked again (C2)", async () => {
    for (let times = 0; times < 2; times++) {
      expect(await fault(await ask("nothing.jpg"))).toBe("9404/404");
    }
    expect(edge.originFetches).toHaveLength(2);
  });

  test("purging the source drops it and its variants; the public URL is nothing (C3)", async () => {
    for (const width of [8, 9]) await ask(KEY, { width });
    await ask("transparent.png");
    edge.purge(`https://${ZONE}/images/card/${KEY}`);
    expect((await ask(KEY, { width: 8 })).headers.get("cf-resized")).toBe("internal=ram/h");
    edge.purge(urlOf(KEY));
    for (const width of [8, 9]) {
      expect((await ask(KEY, { width })).headers.get("cf-resized")).toMatch(/^internal=ok/);
    }
    expect((await ask("transparent.png")).headers.get("cf-resized")).toBe("internal=ram/h");
    expect(edge.originFetches).toHaveLength(3);
  });

  test("cacheTtlByStatus sets the time by status (C4)", async () => {
    const times = async (key: string, cacheTtlByStatus: Record<string, number>) => {
      stand();
      for (const later of [0, 50_000, 20_000]) {
        clock.now += later;
        const cf = { image: SHARED, cacheTtlByStatus };
        await ask(key, {}, { cf });
      }
      return s3.requests.length;
    };
    expect(await times("nothing.jpg", {})).toBe(3);
    expect(await times("nothing.jpg", { "404": 60 })).toBe(2);
    expect(await times("nothing.jpg", { "400-499": 100 })).toBe(1);
    expect(await times("nothing.jpg", { "404": -1 })).toBe(3);
  });

  /** The head of a PNG of any size, which holds no pixel. */
  function pngOf(width: number, height: number): Uint8Array {
    const png = file("made/transparent.png");
    const view = new DataView(png.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    return png;
  }

  test.each<[number, number, string]>([
    [12_001, 1, "9413/403"],
    [1, 12_001, "9413/403"],
    [10_001, 10_000, "9413/403"],
    [12_000, 8_000, "9516/422"],
  ])("an original of %d×%d is %s (L1)", async (width, height, expected) => {
    s3.objects.set("published/large.png", { body: pngOf(width, height), type: "image/png" });
    expect(await fault(await ask("large.png", { width: 8 }))).toBe(expected);
  });

  test.each<[number, string]>([
    [100_000_001, "9402/413"],
    [100_000_000, "9504/524"], // the rest of it does not come
  ])("an original that says it has %d bytes is %s (L1)", async (bytes, expected) => {
    const headers = { "content-length": `${bytes}` };
    network.use(http.get(urlOf(KEY), () => new HttpResponse("x", { headers })));
    expect(await fault(await ask(KEY))).toBe(expected);
  });

  test("one that does not say so is cut off (L1)", async () => {
    stand({ limits: { ...edge.switches.limits, bytes: 1000 } });
    const stream = () => new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(400)) });
    network.use(http.get(urlOf(KEY), () => new HttpResponse(stream())));
    expect(await fault(await ask(KEY))).toBe("9402/413");
  });

  test("TIFF is not read, AVIF on Enterprise zones only, HEIC cannot be played (L1)", async () => {
    const image = sharp(file("made/key.jpg"));
    const put = (key: string, body: Uint8Array) =>
      s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });
    put("a.tiff", new Uint8Array(await image.clone().tiff().toBuffer()));
    put("a.avif", new Uint8Array(await image.clone().avif({ effort: 0 }).toBuffer()));
    put("a.heic", new TextEncoder().encode("\0\0\0\x18ftypheic\0\0\0\0"));
    expect(await fault(await ask("a.tiff"))).toBe("9520/415");
    expect(await fault(await ask("a.avif"))).toBe("9520/415");
    await expect(ask("a.heic")).rejects.toThrow("cannot read HEIC");
    edge.switches.avifInput = true;
    expect(await fault(await ask("a.avif"))).toBe("200");
  });

  test("unique transformations are counted, but not their formats, and end in 9422 (L2)", async () => {
    stand({ quota: 2 });
    for (const format of ["webp", "jpeg", "json"]) await ask(KEY, { width: 8, format });
    await ask("nothing.jpg", { width: 8 });
    expect(edge.transformations.size).toBe(1);
    await ask(KEY, { width: 9 });
    expect(await fault(await ask(KEY, { width: 10 }))).toBe("9422/429");
    expect(await fault(await ask(KEY, { width: 9, format: "png" }))).toBe("200");
    expect(edge.transformations.size).toBe(2);
  });

  test("overlays are fetched, with or without what opens the bucket (O12)", async () => {
    const draw = [{ url: urlOf("transparent.png") }];
    expect(await fault(await ask(KEY, { draw }))).toBe("9408/403");
    expect(edge.originFetches).toEqual([urlOf(KEY), urlOf("transparent.png")]);
    const seen = s3.requests[1]?.headers.has("authorization");
    expect(seen).toBe(true);
    stand({ overlayAuth: false });
    await ask(KEY, { draw });
    expect(s3.requests[1]?.headers.has("authorization")).toBe(false);
  });
});
