// The cache, the limits and the quota of the strict edge.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { sign } from "../../../src/worker/origin/sigv4.ts";
import {
  clock,
  edge,
  fault,
  fetchImage,
  KEY,
  put,
  resetEdge,
  SHARED,
  s3,
  signHeaders,
  urlOf,
} from "../../support/edge-requests.ts";
import { file, network, ZONE } from "../../support/emulators.ts";
import { CREDENTIALS } from "../../support/env.ts";

const HOUR = 3_600_000;

describe("cache, limits, price", () => {
  test("the cache key is the source URL and the options, not the visitor or the credentials (C1)", async () => {
    await fetchImage(KEY, { width: 8, fit: "cover" });
    const headers = { authorization: "AWS4-HMAC-SHA256 nobody", accept: "image/avif", cookie: "a" };
    const answer = await fetchImage(KEY, { fit: "cover", width: 8 }, { headers });
    expect(answer.headers.get("cf-resized")).toBe("internal=ram/h");
    const otherQuality = await fetchImage(KEY, { width: 8, fit: "cover", quality: 50 });
    expect(otherQuality.headers.get("cf-resized")).toMatch(/^internal=ok/);
  });

  test.each<[string | undefined, number]>([
    [undefined, 1],
    ["max-age=60", 1],
    ["no-store", 1],
    ["max-age=7200", 2],
    ["max-age=1800, must-revalidate", 0.5],
  ])("by cache-control %s the edge keeps it for %d hours (C1)", async (cacheControl, hours) => {
    put(KEY, cacheControl === undefined ? {} : { cacheControl });
    await fetchImage(KEY);
    clock.now += hours * HOUR - 1;
    expect((await fetchImage(KEY)).headers.get("cf-resized")).toBe("internal=ram/h");
    clock.now += 1;
    expect((await fetchImage(KEY)).headers.get("cf-resized")).toMatch(/^internal=ok/);
    expect(edge.originFetches).toHaveLength(2);
  });

  test("the variants of one source share one fetch of it (C2)", async () => {
    for (const width of [8, 9, 10]) await fetchImage(KEY, { width });
    expect(edge.originFetches).toEqual([urlOf(KEY)]);
    await edge.fetch(`${urlOf(KEY)}?X-Amz-Signature=x`, {
      headers: await signHeaders(KEY),
      cf: { image: { ...SHARED, width: 8 } },
    });
    expect(edge.originFetches).toHaveLength(2);
  });

  test.each([
    [true, ["two", "one"]],
    [false, ["one"]],
  ] as const)("another query, another source: %s (A15, C1, C2)", async (queryInKey, names) => {
    const [replaced, purged = "two"] = names;
    resetEdge({ queryInKey });
    const tag = async (query: string, width: number) => {
      const url = urlOf(KEY) + query;
      const headers = await sign(url, "eu-west-1", CREDENTIALS, clock.now);
      const answer = await edge.fetch(url, { headers, cf: { image: { ...SHARED, width } } });
      return answer.headers.get("etag")?.replace(/^.*:|"$/g, "");
    };
    put(KEY, { etag: "one" });
    expect(await tag("?x-vitrine=1", 8)).toBe("one");
    put(KEY, { etag: "two" });
    expect(await tag("?x-vitrine=1", 9)).toBe("one");
    for (const width of [8, 9]) expect(await tag("?x-vitrine=2", width)).toBe(replaced);
    edge.purge(`${urlOf(KEY)}?x-vitrine=2`);
    expect(await tag("?x-vitrine=1", 8)).toBe(purged);
  });

  test("the edge does not keep failures: it asks the origin again (C2)", async () => {
    s3.faults.add("SlowDown");
    for (let times = 0; times < 2; times++)
      expect(await fault(await fetchImage(KEY))).toBe("9509/502");
    expect(edge.originFetches).toHaveLength(2);
  });

  test("purging the source URL drops it and its variants; purging the public URL does nothing (C3)", async () => {
    for (const width of [8, 9]) await fetchImage(KEY, { width });
    await fetchImage("transparent.png");
    put(`${KEY}2`);
    await fetchImage(`${KEY}2`);
    edge.purge(`https://${ZONE}/images/card/${KEY}`);
    expect((await fetchImage(KEY, { width: 8 })).headers.get("cf-resized")).toBe("internal=ram/h");
    edge.purge(urlOf(KEY));
    for (const width of [8, 9]) {
      expect((await fetchImage(KEY, { width })).headers.get("cf-resized")).toMatch(/^internal=ok/);
    }
    for (const other of ["transparent.png", `${KEY}2`]) {
      expect((await fetchImage(other)).headers.get("cf-resized")).toBe("internal=ram/h");
    }
    expect(edge.originFetches).toHaveLength(4);
  });

  test("cacheTtlByStatus sets for how long; without it a denial or a 404 stays for a minute (C1, C4)", async () => {
    for (const [fault, cacheTtlByStatus, requests] of [
      ["none", {}, 1],
      ["none", { "200-299": 60 }, 2],
      ["none", { "200": -1 }, 3],
      ["missing", {}, 2],
      ["missing", { "404": 60 }, 2],
      ["missing", { "400-499": 100 }, 1],
      ["missing", { "404": -1 }, 3],
      ["revoked-key", {}, 2],
      ["revoked-key", { "400-403": -1 }, 3],
      ["elsewhere-400", {}, 2],
      ["elsewhere-400", { "500-599": -1 }, 3],
    ] as const) {
      resetEdge();
      if (fault !== "missing" && fault !== "none") s3.faults.add(fault);
      for (const later of [0, 59_000, 2_000]) {
        clock.now += later;
        const key = fault === "missing" ? "nothing.jpg" : KEY;
        await fetchImage(key, {}, { cf: { image: SHARED, cacheTtlByStatus } });
      }
      const name = `${fault} ${JSON.stringify(cacheTtlByStatus)}`;
      expect([name, s3.requests.length]).toEqual([name, requests]);
    }
  });

  /** The head of a PNG of any size, without pixels. */
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
    [10_000, 10_000, "9516/422"],
    [12_000, 8_000, "9516/422"],
  ])("an original of %d×%d is %s (L1)", async (width, height, expected) => {
    put("large.png", { body: pngOf(width, height), type: "image/png" });
    expect(await fault(await fetchImage("large.png", { width: 8 }))).toBe(expected);
  });

  test("a rendition with a side that is too long is refused (L1)", async () => {
    const image = { width: 12_001, height: 1, fit: "squeeze" };
    expect(await fault(await fetchImage(KEY, image))).toBe("9413/403");
    expect(await fault(await fetchImage(KEY, { ...image, width: 12_000 }))).toBe("200");
  });

  test.each<[number, string]>([
    [100_000_001, "9402/413"],
    [100_000_000, "9412/415"], // it is read, and is no image
  ])("an original with a content-length of %d is %s (L1)", async (bytes, expected) => {
    const headers = { "content-length": `${bytes}` };
    resetEdge({ fetch: async () => new Response("x", { headers }) });
    expect(await fault(await fetchImage(KEY))).toBe(expected);
  });

  test("without a content-length, the edge counts the bytes and stops at the limit (L1)", async () => {
    const { length } = file("made/key.jpg");
    const whole = () => new HttpResponse(new Blob([file("made/key.jpg").slice()]).stream());
    for (const [bytes, expected] of [
      [length, "200"],
      [length - 1, "9402/413"],
    ] as const) {
      resetEdge({ limits: { ...edge.switches.limits, bytes } });
      network.use(http.get(urlOf(KEY), whole));
      expect(await fault(await fetchImage(KEY))).toBe(expected);
    }
    resetEdge({ limits: { ...edge.switches.limits, bytes: 1000 } });
    const stream = () => new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(400)) });
    network.use(http.get(urlOf(KEY), () => new HttpResponse(stream())));
    expect(await fault(await fetchImage(KEY))).toBe("9402/413");
  });

  test("TIFF is refused, AVIF needs an Enterprise zone, HEIC throws or is refused (L1)", async () => {
    const image = sharp(file("made/key.jpg"));
    put("a.tiff", { body: new Uint8Array(await image.clone().tiff().toBuffer()) });
    put("a.avif", { body: new Uint8Array(await image.clone().avif({ effort: 0 }).toBuffer()) });
    put("b.tiff", { body: new TextEncoder().encode("MM\0*") });
    expect(await fault(await fetchImage("b.tiff"))).toBe("9520/415");
    put("a.heic", { body: new TextEncoder().encode("\0\0\0\x18ftypheic\0\0\0\0") });
    expect(await fault(await fetchImage("a.tiff"))).toBe("9520/415");
    expect(await fault(await fetchImage("a.avif"))).toBe("9520/415");
    put("b.heic", { body: new TextEncoder().encode("\0\0\0\x18ftypheix\0\0\0\0") });
    for (const key of ["a.heic", "b.heic"]) {
      await expect(fetchImage(key)).rejects.toThrow("cannot read HEIC");
    }
    edge.switches.heicInput = false;
    for (const key of ["a.heic", "b.heic"])
      expect(await fault(await fetchImage(key))).toBe("9412/415");
    edge.switches.avifInput = true;
    expect(await fault(await fetchImage("a.avif"))).toBe("200");
  });

  test.each([
    ["\xff\n\xfa\x7f", "9420/415"],
    ["\0\0\0\x0cJXL \r\n\x87\n", "9420/415"],
    [" \xff\n\xfa\x7f", "9412/415"], // not at the beginning
    ["\xff\r", "9412/415"],
    ["\0\0\0\x0cJXL \r\n\x87\r", "9412/415"],
  ])("what begins with %j is %s: JPEG XL is not supported (L1)", async (latin1, expected) => {
    put("a.jxl", { body: Buffer.from(latin1, "latin1") });
    expect(await fault(await fetchImage("a.jxl"))).toBe(expected);
  });

  test("unique transformations are counted without their formats, up to the quota (L2)", async () => {
    resetEdge({ quota: 2, factsBilled: "with-rendition" });
    for (const format of ["webp", "jpeg", "json"]) await fetchImage(KEY, { width: 8, format });
    await fetchImage("nothing.jpg", { width: 8 });
    expect(edge.transformations.size).toBe(1);
    await fetchImage(KEY, { width: 9 });
    expect(await fault(await fetchImage(KEY, { width: 10 }))).toBe("9422/429");
    expect(await fault(await fetchImage(KEY, { width: 9, format: "png" }))).toBe("200");
    expect(edge.transformations.size).toBe(2);
  });

  test("each is billed anew in each month, also what the edge has cached (L2)", async () => {
    clock.now = Date.UTC(2026, 10, 30, 23, 30);
    edge.switches.quota = 2;
    for (const width of [8, 9]) await fetchImage(KEY, { width });
    expect(await fault(await fetchImage(KEY, { width: 10 }))).toBe("9422/429");
    clock.now += HOUR / 2;
    expect((await fetchImage(KEY, { width: 8 })).headers.get("cf-resized")).toBe("internal=ram/h");
    expect(edge.transformations.size).toBe(3);
    expect(await fault(await fetchImage(KEY, { width: 10 }))).toBe("200");
    expect(await fault(await fetchImage(KEY, { width: 11 }))).toBe("9422/429");
  });

  test.each([
    ["apart", "9422/429", 1],
    ["with-rendition", "200", 1],
  ] as const)("facts can be billed %s (L2, R9)", async (factsBilled, second, billed) => {
    resetEdge({ quota: 1, factsBilled });
    for (const format of ["webp", "avif"]) await fetchImage(KEY, { width: 8, format });
    expect(await fault(await fetchImage(KEY, { width: 8, format: "json" }))).toBe(second);
    expect(edge.transformations.size).toBe(billed);
  });

  test("overlays are fetched, with or without the credentials of the bucket (O12)", async () => {
    resetEdge({ denialTtl: 0 });
    const draw = [{ url: urlOf("transparent.png") }];
    expect(await fault(await fetchImage(KEY, { draw }))).toBe("9408/403");
    expect(edge.originFetches).toEqual([urlOf(KEY), urlOf("transparent.png")]);
    const hasAuthorization = s3.requests[1]?.headers.has("authorization");
    expect(hasAuthorization).toBe(true);
    network.use(http.get(urlOf("transparent.png"), () => new HttpResponse("<svg></svg>")));
    expect(await fault(await fetchImage(KEY, { draw }))).toBe("9412/415");
    resetEdge({ overlayAuth: false });
    await fetchImage(KEY, { draw });
    expect(s3.requests[1]?.headers.has("authorization")).toBe(false);
  });
});
