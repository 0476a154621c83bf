// The answers of the strict edge: headers, failures, facts.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { describe, expect, test, vi } from "vitest";
import {
  edge,
  fault,
  fetchImage,
  KEY,
  picture,
  put,
  resetEdge,
  s3,
  signHeaders,
  urlOf,
} from "../../support/edge-requests.ts";
import { file, network } from "../../support/emulators.ts";
import { S3_FAULT_ROWS } from "../../support/tables/s3-faults.ts";

describe("answers", () => {
  // test/worker/refusals.test.ts asks the edge for every code, and checks what the Worker reads of it.
  test("a failure has its code in the header and in the text (R1, R3)", async () => {
    for (const status of [403, 410]) {
      edge.switches.failure = { code: 9408, status };
      const answer = await fetchImage(KEY);
      expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
      expect(await fault(answer)).toBe(`9408/${status}`);
    }
  });

  const rows = Object.entries(S3_FAULT_ROWS).flatMap(([name, { edge, key }]) =>
    edge === undefined ? [] : [[name, edge, key] as const],
  );
  test.each(rows)("S3's %s becomes %s, without text (R3, E7)", async (failure, expected, key) => {
    const patience = new AbortController();
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(patience.signal);
    s3.faults.add(failure as keyof typeof S3_FAULT_ROWS);
    const pending = fetchImage(key ?? KEY);
    if (failure.startsWith("stall")) {
      await vi.waitFor(() => expect(s3.requests).toHaveLength(1));
      patience.abort();
    }
    const answer = await pending;
    expect(await answer.clone().text()).not.toMatch(/Code|Key|AccessDenied/);
    expect(await fault(answer)).toBe(expected);
  });

  test.each([
    ["nothing.jpg", "9404/404"],
    ["broken/page.jpg", "9412/415"],
    ["broken/empty.jpg", "9412/415"],
    ["broken/truncated.jpg", "9516/422"],
  ])("%s is %s (R3)", async (key, expected) => {
    expect(await fault(await fetchImage(key))).toBe(expected);
  });

  test.each<[number, string]>([
    [401, "9408/401"],
    [408, "9408/408"],
    [410, "9408/410"],
    [206, "9518/502"],
    [304, "9518/502"],
    [500, "9509/502"],
  ])("an origin's status %d becomes %s (R3)", async (status, expected) => {
    network.use(http.get(urlOf(KEY), () => new HttpResponse("x", { status })));
    expect(await fault(await fetchImage(KEY))).toBe(expected);
  });

  test("the entity tag is 42 characters for the variant and then the origin's tag (R4)", async () => {
    const origin = /^"(\w+)"$/.exec(
      (await fetch(urlOf(KEY), { headers: await signHeaders(KEY) })).headers.get("etag") ?? "",
    )?.[1];
    const tags = [];
    for (const width of [8, 9, 8])
      tags.push((await fetchImage(KEY, { width })).headers.get("etag"));
    for (const tag of tags) expect(tag).toMatch(new RegExp(`^"cf[\\w-]{42}:${origin}"$`));
    expect(tags[0]).toBe(tags[2]);
    expect(tags[0]).not.toBe(tags[1]);
    put("untagged.jpg", { etag: null });
    expect((await fetchImage("untagged.jpg")).headers.has("etag")).toBe(false);
    const weak = { headers: { etag: 'W/"abc"' } };
    network.use(http.get(urlOf("weak.jpg"), () => picture(weak)));
    expect((await fetchImage("weak.jpg")).headers.get("etag")).toMatch(/^"cf[\w-]{42}:abc"$/);
  });

  test("it and last-modified name the original that the edge used, also an old one (C2, R4, R7)", async () => {
    const named = async (image: object) => {
      const { headers } = await fetchImage("replaced.jpg", { ...image });
      return [headers.get("etag")?.replace(/^.*:|"$/g, ""), headers.get("last-modified")];
    };
    put("replaced.jpg", { etag: "one", lastModified: new Date("2026-11-20T00:00:00Z") });
    const old = ["one", "Fri, 20 Nov 2026 00:00:00 GMT"];
    expect(await named({ width: 8 })).toEqual(old);
    put("replaced.jpg", { etag: "two", lastModified: new Date("2026-11-21T00:00:00Z") });
    for (const width of [8, 9]) expect(await named({ width })).toEqual(old);
    edge.purge(urlOf("replaced.jpg"));
    expect(await named({ width: 8 })).toEqual(["two", "Sat, 21 Nov 2026 00:00:00 GMT"]);
    edge.switches.namesOriginal = false;
    expect(await named({ width: 8 })).toEqual([undefined, null]);
  });

  test("cover with one side gives a warning (R6, O3)", async () => {
    const answer = await fetchImage(KEY, { width: 8, fit: "cover" });
    expect(answer.headers.get("warning")).toContain("cover fit mode needs both width and height");
    expect(await fault(answer)).toBe("200");
  });

  const RESTRICTIVE = ["no-store", "no-cache", "private", "max-age=0"];

  test.each(RESTRICTIVE)("%s is passed on, with a warning (R6, R7)", async (cacheControl) => {
    put(KEY, { cacheControl });
    const answer = await fetchImage(KEY);
    expect(answer.headers.get("cache-control")).toBe(cacheControl);
    expect(answer.headers.get("warning")).toContain("cache-control is too restrictive");
  });

  const SENT = ["original", "rendition"] as const;

  test.each(SENT)("of a smaller original the %s is sent, with a warning (R6)", async (sent) => {
    resetEdge({ originalIsSmaller: { comparedBy: "bytes", sent } });
    const small = new Uint8Array(
      await sharp({ create: { width: 90, height: 90, channels: 3, background: "red" } })
        .jpeg({ quality: 5 })
        .toBuffer(),
    );
    put("small.jpg", { body: small });
    const answer = await fetchImage("small.jpg", { width: 90, quality: 100 });
    expect(answer.headers.get("warning")).toBe('cf-images 299 "original is smaller"');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(bytes.length === small.length).toBe(sent === "original");
    for (const other of [{ width: 20 }, { format: "webp" }]) {
      const rendition = await fetchImage("small.jpg", { quality: 100, ...other });
      expect(rendition.headers.has("warning")).toBe(false);
    }
  });

  test("an original with shorter sides than the preset may give the same warning (R6)", async () => {
    resetEdge({ originalIsSmaller: { comparedBy: "sides", sent: "rendition" } });
    const answer = await fetchImage(KEY, { width: 200 });
    expect(answer.headers.get("warning")).toBe('cf-images 299 "original is smaller"');
    const { width } = await sharp(file("made/key.jpg")).metadata();
    expect((await fetchImage(KEY, { width })).headers.has("warning")).toBe(false);
  });

  test.each(["kept", "leaked"] as const)("headers of S3 can be %s (R7)", async (originHeaders) => {
    resetEdge({ originHeaders });
    const { headers } = await fetchImage(KEY);
    expect(headers.has("x-amz-request-id")).toBe(originHeaders === "leaked");
    expect(headers.has("server")).toBe(originHeaders === "leaked");
    expect(headers.get("last-modified")).toBe("Tue, 24 Nov 2026 09:00:00 GMT");
  });

  test("format json gives the sizes, the type and the bytes of the original (R9)", async () => {
    const original = file("made/transparent.png");
    const { width, height } = await sharp(original).metadata();
    const answer = await fetchImage("transparent.png", { width: 50, format: "json" });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      width: 50,
      height: Math.round((50 * height) / width),
      original: { file_size: original.length, width, height, format: "image/png" },
    });
  });

  test.each([
    ["stored", { width: 400, height: 300 }],
    ["upright", { width: 300, height: 400 }],
  ] as const)("format json has sides as %s by EXIF (R9, O9)", async (originalSides, sides) => {
    resetEdge({ originalSides });
    const answer = await fetchImage("rotated-gps.jpg", { width: 30, format: "json" });
    expect(await answer.json()).toMatchObject({ width: 30, height: 40, original: sides });
  });

  test("the edge answers 304 only if the entity tag matches (R10)", async () => {
    const first = await fetchImage(KEY);
    const etag = first.headers.get("etag") ?? "";
    const held = await fetchImage(KEY, {}, { headers: { "if-none-match": etag } });
    expect([held.status, held.ok, held.body]).toEqual([304, false, null]);
    expect(held.headers.get("etag")).toBe(etag);
    expect((await fetchImage(KEY, {}, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
  });

  test("an aborted request gets no answer", async () => {
    s3.faults.add("stall");
    const visitor = new AbortController();
    const pending = fetchImage(KEY, {}, { signal: visitor.signal });
    await vi.waitFor(() => expect(s3.requests).toHaveLength(1));
    visitor.abort();
    await expect(pending).rejects.toThrow(/aborted/);
    await expect(fetchImage(KEY, {}, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
  });
});
