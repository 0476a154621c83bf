// What anybody gets from the URL interface of the zone, `/cdn-cgi/image/…`, without the Worker; and where
// `cf.image` does nothing.

import { http } from "msw";
import { expect, test } from "vitest";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
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
import { file, network } from "../../support/emulators.ts";

const STRANGER = "https://s3.eu-west-1.amazonaws.com/somebody/a.jpg";

/** Asks the zone for a source, and says what comes: a code and status, 200, or nothing. */
async function fetchPublic(source: string, options = "width=16", headers = {}): Promise<string> {
  const url = `https://images.example/cdn-cgi/image/${options}/${source}`;
  const answer = await edge.visit(new Request(url, { headers }));
  if (answer === undefined) return "nothing";
  return answer.headers.has("cf-resized") ? fault(answer) : `${answer.status} of no edge`;
}

/** Somebody else's public image on the host that all customers share. */
const publish = () => network.use(http.get(STRANGER, () => picture()));

test("anybody may have a public image of a listed host transformed, at the owner's cost (E10, L2)", async () => {
  resetEdge({ sources: ["s3.eu-west-1.amazonaws.com"] });
  publish();
  expect(await fetchPublic(STRANGER)).toBe("200");
  expect(await fetchPublic(STRANGER, "width=17,fit=cover,height=20,format=auto")).toBe("200");
  expect(edge.transformations.size).toBe(2);
});

test("an entry with a path shuts it for the objects of others (E5, E10)", async () => {
  resetEdge({ sources: ["s3.eu-west-1.amazonaws.com/acme-media/"] });
  publish();
  expect(await fetchPublic(STRANGER)).toBe("9401/403");
  expect([edge.transformations.size, edge.originFetches]).toEqual([0, []]);
});

test("its request to the origin has no authorization, so a private object is denied (E2, E10)", async () => {
  const headers = { authorization: "x", cookie: "a=1" };
  expect(await fetchPublic(urlOf(KEY), "width=16", headers)).toBe("9408/403");
  expect(s3.requests[0]?.headers.has("authorization")).toBe(false);
  expect(s3.requests[0]?.headers.has("cookie")).toBe(false);
  expect(edge.transformations.size).toBe(0);
});

test.each<[Partial<EdgeSettings>, string, number]>([
  [{ urlInterfaceShowsPrivate: true }, "200", 2],
  [{ urlInterfaceShowsPrivate: false }, "9408/403", 1],
])("with %j, a cached private object is: %s (C1, E10)", async (settings, got, billed) => {
  resetEdge(settings);
  expect(await fault(await fetchImage(KEY, { width: 20 }))).toBe("200");
  expect(await fetchPublic(urlOf(KEY), "width=900,origin-auth=share-publicly")).toBe(got);
  expect(await fetchPublic(urlOf(KEY), "width=900")).toBe("9408/403");
  expect(edge.transformations.size).toBe(billed);
});

test.each<[string, Partial<EdgeSettings>, string]>([
  ["a rule of the firewall", { firewall: true }, "403 of no edge"],
  ["url_transformations that are off (E12)", { urlTransformations: "off" }, "nothing"],
  ["transformations that are off (R2)", { transformations: false }, "nothing"],
])("%s shut it; the origin is not asked (E10)", async (_what, settings, got) => {
  resetEdge(settings);
  expect(await fetchPublic(urlOf(KEY))).toBe(got);
  expect(edge.originFetches).toEqual([]);
});

test("the rule of the firewall, and url_transformations, may leave cf.image alone (E10, E12)", async () => {
  resetEdge({ firewall: true, urlTransformations: "off" });
  expect(await fault(await fetchImage(KEY))).toBe("200");
});

test.each([
  ["width=0", urlOf(KEY), "9401/400"],
  ["width=16", urlOf(KEY).replace("https:", "http:"), "9406/403"],
  ["width=16", "https://other.example/a.jpg", "9401/403"],
  ["width=16", "photos/a.jpg", "nothing"],
])("its options and its URL are checked: %s/%s is %s (E5, E6, E10)", async (options, url, got) => {
  expect(await fetchPublic(url, options)).toBe(got);
});

test("other paths are left to the Worker (E10)", async () => {
  const request = new Request("https://images.example/images/card/cdn-cgi/image/a.jpg");
  expect(await edge.visit(request)).toBeUndefined();
});

test.each<[string, Partial<EdgeSettings>, boolean]>([
  ["of a zone", {}, true],
  ["on workers.dev, by default", { zone: "vitrine.acme.workers.dev" }, false],
  [
    "on workers.dev, if it transforms there",
    { zone: "vitrine.acme.workers.dev", workersDev: "transformed" },
    true,
  ],
  ["with cf.image off, too (E12)", { urlTransformations: "off-for-workers-too" }, false],
])("a Worker %s: %j transforms: %s (R2)", async (_what, settings, transforms) => {
  resetEdge(settings);
  const answer = await fetchImage(KEY, { width: 9 });
  expect(answer.headers.has("cf-resized")).toBe(transforms);
  const isOriginal =
    Buffer.compare(Buffer.from(await answer.arrayBuffer()), file("made/key.jpg")) === 0;
  expect(isOriginal).toBe(!transforms);
});

test("on workers.dev a source of the same origin is transformed (R2)", async () => {
  const zone = "vitrine.acme.workers.dev";
  resetEdge({ zone });
  network.use(http.get(`https://${zone}/a.jpg`, () => picture()));
  const answer = await edge.fetch(`https://${zone}/a.jpg`, { cf: { image: { width: 9 } } });
  expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
});
