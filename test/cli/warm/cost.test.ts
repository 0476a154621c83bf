// What vitrine warm may cost, and where it stops without --yes (L2).

import { beforeEach, expect, test, vi } from "vitest";
import { folder, some, warm } from "../../support/cli/warming.ts";
import { editFile } from "../../support/local-run.ts";

/** The URLs that were requested. A stub of fetch, because the network's stand-in is too slow for so many. */
const site = { asked: [] as string[] };
beforeEach(() => {
  site.asked = [];
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    site.asked.push(url);
    return new Response("image", { headers: { "content-type": "image/avif" } });
  });
});

/** Nine unique transformations for each key. */
const fast = ["--accept", "avif", "--concurrency", "100"];

test("beyond the free transformations of a month it needs --yes (L2)", async () => {
  const keys = some(600);
  const first = await warm(keys, fast);
  expect(first.code).toBe(1);
  expect(first.err).toContain("600 keys: 5,400 requests, with 5,400 unique transformations.\n");
  expect(first.err).toContain("\nWithout --yes it ends at 5,000 of them.\n");
  expect(first.err).toMatch(
    /Stopped at 5,000 unique transformations.* \$0\.50 for 1,000\.\nTo continue, run it again with --yes\. /,
  );
  expect(site.asked).toHaveLength(555 * 9);

  const meant = await warm(keys, [...fast, "--yes"]);
  expect(meant.code).toBe(0);
  expect(meant.err).not.toContain("--yes");
  expect(site.asked).toHaveLength((555 + 600) * 9);
});

test("a transformation is counted once, in any format (L2)", async () => {
  const one = ["--preset", "card@2x", "--concurrency", "100", "--accept", "avif,webp"];
  const { err } = await warm(some(3), one);
  expect(err).toContain("3 keys: 6 requests, with 3 unique transformations.\n");
});

test("the limit also holds for keys after those that were counted ahead", async () => {
  const keys = [...Array.from({ length: 10_000 }, () => "photos/0.jpg"), ...some(5_100)];
  const one = ["--preset", "hero@640w", "--accept", "avif", "--concurrency", "100"];
  const ended = await warm(keys, one);
  expect(ended.code).toBe(1);
  expect(ended.err).toContain("The first 10,000 keys: 1 request, with 1 unique transformation.\n");
  expect(ended.err).toContain("Without --yes it ends at 5,000 of them.\n");
  expect(site.asked).toHaveLength(5_000);
});

test("the local run costs nothing", async () => {
  const url = ["--url", "http://localhost:8787"]; // in place of the other one
  const ended = await warm(some(5_010), ["--preset", "hero@640w", ...fast, ...url]);
  expect(ended).toMatchObject({ code: 0, err: expect.not.stringMatching(/--yes|\$/) });
});

test("it names COSTS.most if it may cost more", async () => {
  editFile(`${folder()}/wrangler.toml`, (text) => `${text}\n[vars.COSTS]\nmost = 2\n`);
  const dry = [...fast, "--dry-run"];
  expect((await warm(some(400), dry)).err).not.toContain("COSTS");
  expect((await warm(some(600), dry)).err).toContain(
    "COSTS.most in wrangler.toml is $2.00 a month.\n",
  );
});
