// Which requests the strict edge accepts, and what it sends to the origin.

import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { STRICT } from "../../../src/emulator/edge/switches.ts";
import {
  edge,
  fault,
  fetchImage,
  KEY,
  picture,
  resetEdge,
  s3,
  urlOf,
} from "../../support/edge-requests.ts";
import { file, network, ZONE } from "../../support/emulators.ts";
import { BUCKET_URL } from "../../support/env.ts";

describe("what reaches the origin", () => {
  const EDGE_HEADERS = ["accept", "accept-encoding", "via"];
  const NODES = ["accept-language", "connection", "host", "sec-fetch-mode", "user-agent"];
  const sent = () =>
    [...(s3.requests[0]?.headers.keys() ?? [])].filter((name) => !NODES.includes(name)).sort();

  test("with origin-auth nine headers reach it, and no others (E1)", async () => {
    const every = {
      cookie: "a=1",
      "x-ms-date": "x",
      "x-ms-version": "x",
      "x-sa-date": "x",
      "cf-access-client-id": "x",
      "cf-access-client-secret": "x",
    };
    const dropped = { "x-amz-security-token": "x", referer: "https://a.example", "x-own": "x" };
    const answer = await fetchImage(KEY, {}, { headers: { ...every, ...dropped } });
    expect(answer.status).toBe(200);
    const signed = ["authorization", "x-amz-content-sha256", "x-amz-date"];
    expect(sent()).toEqual([...signed, ...EDGE_HEADERS, ...Object.keys(every)].sort());
  });

  test.each([
    ["no origin-auth", { "origin-auth": undefined }],
    ["another value of origin-auth", { "origin-auth": "share" }],
    ["a longer value of origin-auth", { "origin-auth": "share-publicly, please" }],
  ])("with %s no credentials reach it: a private origin denies (E2)", async (_what, image) => {
    const answer = await fetchImage(KEY, image, { headers: { cookie: "a=1" } });
    expect(await fault(answer)).toBe("9408/403");
    expect(sent()).toEqual(EDGE_HEADERS);
  });

  test("the edge sends its own via and accept (E3)", async () => {
    await fetchImage(KEY, {}, { headers: { accept: "image/avif", via: "1.1 mine" } });
    const { headers } = s3.requests[0] ?? {};
    expect(headers?.get("via")).toBe("1.1 image-resizing-proxy");
    expect(headers?.get("accept")).toBe("image/jpeg, image/png, image/gif;q=0.1, image/*;q=0.1");
    expect(headers?.get("accept-encoding")).toBe("gzip");
  });

  const visitors = {
    method: "HEAD",
    headers: { range: "bytes=0-9", "if-none-match": '"x"', "user-agent": "visitor" },
  };

  test("the method and the conditions may stay at the edge (E4)", async () => {
    const answer = await fetchImage(KEY, {}, visitors);
    expect([answer.status, answer.body]).toEqual([200, null]);
    expect(s3.requests[0]?.method).toBe("GET");
    expect(sent()).not.toContain("range");
    expect(s3.requests[0]?.headers.get("user-agent")).not.toBe("visitor");
  });

  test("the method and the conditions may be passed on; a signature for GET then fails (E4)", async () => {
    resetEdge({ conditions: "passed-on" });
    expect(await fault(await fetchImage(KEY, {}, { ...visitors, method: "GET" }))).toBe("9518/502");
    expect(sent()).toEqual(expect.arrayContaining(["if-none-match", "range"]));
    expect(s3.requests[0]?.headers.get("user-agent")).toBe("visitor");
    resetEdge({ conditions: "passed-on" });
    expect(await fault(await fetchImage(KEY, {}, visitors))).toBe("9408/403");
    expect(s3.requests[0]?.method).toBe("HEAD");
  });
});

describe("which URLs the edge accepts", () => {
  const foreignUrl = "https://other.example/a.jpg";
  const at = async (url: string) => fault(await edge.fetch(url, { cf: { image: { width: 9 } } }));

  test("only URLs of its own zone and its Sources (E5)", async () => {
    network.use(
      http.get(`https://${ZONE}/a.jpg`, () => picture()),
      http.get("https://other.example/*", () => picture()),
    );
    expect(await at(foreignUrl)).toBe("9401/403");
    expect(await at(`https://${ZONE}/a.jpg`)).toBe("200");
    edge.switches.sources = ["other.example"];
    expect(await at(foreignUrl)).toBe("200");
    expect(await at("https://sub.other.example/a.jpg")).toBe("9401/403");
  });

  test("another one may also come back untransformed, without an error (E5)", async () => {
    resetEdge({ foreignSources: "untransformed" });
    network.use(http.get(/\.example\/a\.jpg$/, () => picture()));
    const answer = await edge.fetch(foreignUrl, { cf: { image: { width: 9 } } });
    expect([answer.status, answer.headers.has("cf-resized")]).toEqual([200, false]);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
    expect(edge.passedOn).toEqual([foreignUrl]);
    const zoneUrl = `https://${ZONE}/a.jpg`;
    const rendition = await edge.fetch(zoneUrl, { cf: { image: { width: 9 } } });
    expect(rendition.headers.has("cf-resized")).toBe(true);
    expect(edge.requests).toEqual([foreignUrl, zoneUrl]);
  });

  test.each([
    ["other.example", "other.example", "a.jpg", true],
    ["other.example", "other.example:8443", "a.jpg", false],
    ["other.example", "another.example", "a.jpg", false],
    ["sub.other.example", "other.example", "a.jpg", false],
    // The documentation says that a wildcard also stands for the host itself.
    ["*.other.example", "other.example", "a.jpg", true],
    ["*.other.example", "a.b.other.example", "a.jpg", true],
    ["*.other.example", "another.example", "a.jpg", false],
    ["*.other.example/a/", "b.other.example", "a/b.jpg", true],
    ["*.other.example/a/", "b.other.example", "b/a/b.jpg", false],
    ["other.example/a/b", "other.example", "a/b", true],
    ["other.example/a/b", "other.example", "a/b/c.jpg", true],
    ["other.example/a/b/", "other.example", "a/b/c.jpg", true],
    ["other.example/a/b/", "other.example", "a/B/c.jpg", false],
    ["other.example/a/b/", "other.example", "a/bc/d.jpg", false],
    ["other.example/a/b/", "other.example", "a/b/../c/d.jpg", false],
    ["other.example/a/b/", "other.example", "a/b/%2e%2e/c/d.jpg", false],
    ["other.example/a/b", "other.example", "a/bc/d.jpg", false],
    ["other.example/a b/", "other.example", "a%20b/c.jpg", false],
    ["other.example/a%20b/", "other.example", "a%20b/c.jpg", true],
  ])("the entry %s for https://%s/%s: allowed: %s (E5)", async (entry, host, path, isAllowed) => {
    network.use(http.get(/\.example(?::\d+)?\/.*$/, () => picture()));
    edge.switches.sources = [entry];
    expect(await at(`https://${host}/${path}`)).toBe(isAllowed ? "200" : "9401/403");
  });

  test("an entry with a path may also allow what continues its last segment (E5)", async () => {
    network.use(http.get("https://other.example/*", () => picture()));
    Object.assign(edge.switches, { sources: ["other.example/a/b"], sourcePaths: "characters" });
    expect(await at("https://other.example/a/bc/d.jpg")).toBe("200");
    edge.switches.sources = ["other.example/a/b/"];
    expect(await at("https://other.example/a/bc/d.jpg")).toBe("9401/403");
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

  test("a redirect is followed, also to hosts outside of the Sources, and the object is cached (E5, E7)", async () => {
    network.use(
      http.get(urlOf("moved.jpg"), redirect(foreignUrl), { once: true }),
      http.get(foreignUrl, () => picture()),
    );
    for (let times = 0; times < 2; times++) {
      expect(await fault(await fetchImage("moved.jpg", { width: 9 + times }))).toBe("200");
    }
    expect(edge.originFetches).toEqual([urlOf("moved.jpg")]);
  });

  test.each([true, false])("credentials follow a redirect: %s (E7)", async (authAfterRedirect) => {
    resetEdge({ authAfterRedirect });
    const authorizations: (string | null)[] = [];
    network.use(
      http.get(urlOf("moved.jpg"), redirect(foreignUrl)),
      http.get(foreignUrl, ({ request }) => {
        authorizations.push(request.headers.get("authorization"));
        return picture();
      }),
    );
    await fetchImage("moved.jpg");
    expect(authorizations).toEqual([authAfterRedirect ? expect.stringMatching(/^AWS4/) : null]);
  });

  test.each([
    ["no location", undefined, "9420/400"],
    ["a URL without TLS", "http://other.example/", "9420/400"],
    ["a malformed URL", "https://[", "9420/400"],
    ["itself", urlOf("moved.jpg"), "9421/400"],
  ])("a redirect to %s is %s (E7)", async (_what, location, expected) => {
    network.use(http.get(urlOf("moved.jpg"), redirect(location)));
    expect(await fault(await fetchImage("moved.jpg"))).toBe(expected);
  });

  const LOOPS = ["1.1 image-resizing-proxy", "image-resizing", "1.1 a, 1.1 image-resizing"];

  test.each(LOOPS)("via %s is a loop: the request came from the edge (E8)", async (via) => {
    const headers = { via };
    expect(await fault(await fetchImage(KEY, {}, { headers }))).toBe("9403/508");
    expect(edge.originFetches).toEqual([]);
  });

  test.each([
    ["refused", "9509/502"],
    ["resized", "200"],
  ] as const)(
    "a Worker that is asked for an original has an image transformed: %s (E8)",
    async (resizedTwice, expected) => {
      const vias: unknown[] = [];
      const work = async ({ headers }: Request) => {
        vias.push(headers.get("via"));
        return fetchImage(KEY, { width: 9 });
      };
      resetEdge({ workers: { "images.example": work }, resizedTwice });
      const url = "https://images.example/cdn-cgi/image/width=8/https://images.example/a.jpg";
      const answer = await edge.visit(new Request(url));
      expect(answer && (await fault(answer))).toBe(expected);
      expect(vias).toEqual(["1.1 image-resizing-proxy"]);
    },
  );

  test("up to five redirects are followed, also to relative URLs (E7)", async () => {
    for (let hop = 0; hop < 6; hop++) {
      const next = hop === 0 ? () => picture() : redirect(`hop${hop - 1}.jpg`);
      network.use(http.get(urlOf(`hop${hop}.jpg`), next));
    }
    expect(await fault(await fetchImage("hop5.jpg"))).toBe("200");
    network.use(http.get(urlOf("hop6.jpg"), redirect("hop5.jpg")));
    expect(await fault(await fetchImage("hop6.jpg"))).toBe("9421/400");
  });

  test.each([
    ["ENOTFOUND", "9407/523"],
    ["EAI_AGAIN", "9407/523"],
    ["ECONNREFUSED", "9510/523"],
    ["ECONNRESET", "9505/502"],
  ])("an origin that fails with %s is %s (R3)", async (code, expected) => {
    const cause = Object.assign(new Error(code), { code });
    resetEdge({ fetch: () => Promise.reject(new TypeError("fetch failed", { cause })) });
    expect(await fault(await fetchImage(KEY))).toBe(expected);
  });

  test("a switch that is undefined is as strict as one that is left out", async () => {
    const settings: object = { transformations: undefined, quota: undefined, sources: undefined };
    resetEdge({ ...settings });
    const { transformations, quota } = STRICT;
    expect(edge.switches).toMatchObject({ transformations, quota, sources: [] });
  });

  test("the answer of another Worker is not transformed (E9)", async () => {
    const workers = { [new URL(BUCKET_URL).host]: async (request: Request) => fetch(request) };
    resetEdge({ workers });
    const answer = await fetchImage(KEY, { width: 9 });
    expect(answer.headers.has("cf-resized")).toBe(false);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
  });
});
