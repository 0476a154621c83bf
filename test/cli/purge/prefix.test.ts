// What vitrine purge --prefix lists.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { env, nameOf, net, purge, some } from "../../support/cli/purging.ts";
import type { Given } from "../../support/cli/vitrine.ts";
import { BASE, CREDENTIALS, NEXT, SECRETS } from "../../support/env.ts";
import { network } from "../../support/stand.ts";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const keyed = { ...env, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

/** Puts objects into the bucket, one of them with a key that Vitrine cannot show. */
function store(keys: readonly string[]) {
  for (const key of [...keys, "photos/"]) {
    net.s3.objects.set(`published/${key}`, { body: new Uint8Array(), type: "image/jpeg" });
  }
  net.s3.objects.set("secret/photos/a.jpg", { body: new Uint8Array(), type: "image/jpeg" });
}

test("--prefix purges all objects that begin with it, page by page", async () => {
  const keys = some(2_500);
  store(keys);
  for (const key of net.s3.objects.keys()) {
    if (/photos\/[a-z]/.test(key)) net.s3.objects.delete(key);
  }
  const terminal = { isTTY: true, columns: 80 } as const;
  const listed = await purge(["--prefix", "photos/"], { env: keyed, terminal });
  for (const [, shown = ""] of listed.err.matchAll(/([\d,]+) objects listed/g)) {
    expect(Number(shown.replace(",", ""))).toBeLessThanOrEqual(2_500);
  }
  net.s3.requests.splice(0);
  net.purged.splice(0);
  const ended = await purge(["--prefix", "photos/"], { env: keyed });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toContain("Left out: 1 object with keys that Vitrine cannot show.");
  expect(net.purged.toSorted()).toEqual(keys.map(nameOf).toSorted());
  expect(net.s3.requests).toHaveLength(3);
});

test("--prefix with the bucket's own prefix finds nothing, and says to leave that out", async () => {
  store(["photos/a.jpg"]);
  const ended = await purge(["--prefix", "published/photos/"], { env: keyed });
  expect([ended.code, net.purged]).toEqual([2, []]);
  expect(ended.err).toContain('begins with "published/published/photos/"');
  expect(ended.err).toContain("Leave out published/, the bucket's prefix");
  const other = await purge(["--prefix", "nothing/"], { env: keyed });
  expect(other.err).not.toContain("Leave out");
});

test("--prefix lists with the next slot if S3 refuses the current one", async () => {
  net.s3.keys.set(NEXT.AWS_ACCESS_KEY_ID_NEXT, NEXT.AWS_SECRET_ACCESS_KEY_NEXT);
  net.s3.keys.delete(CREDENTIALS.accessKeyId);
  const ended = await purge(["--prefix", "users/"], { env: { ...keyed, ...NEXT } });
  expect(ended).toMatchObject({ code: 0 });
  expect(net.purged).toEqual([nameOf("users/ada/avatar.png")]);
});

test("--prefix lists with a key id that has a colon, as Swift's have", async () => {
  net.s3.keys.set("test:tester", "testing");
  const swift = { AWS_ACCESS_KEY_ID: "test:tester", AWS_SECRET_ACCESS_KEY: "testing" };
  const ended = await purge(["--prefix", "users/"], { env: { ...env, ...swift } });
  expect(ended).toMatchObject({ code: 0 });
  expect(net.purged).toEqual([nameOf("users/ada/avatar.png")]);
});

/** Answers for S3 with pages of a list, again and again. */
function serve(...pages: readonly string[]) {
  let index = 0;
  const headers = { "content-type": "application/xml" };
  network.use(
    http.get(`${BASE}*`, () => {
      const page = pages[index++ % pages.length];
      return new HttpResponse(`<ListBucketResult>${page}</ListBucketResult>`, { headers });
    }),
  );
}

const more = (key: string, token: string) =>
  `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken><Contents><Key>published/photos/${key}</Key></Contents>`;

test("--prefix never names an object that does not exist (A10)", async () => {
  const key = "<Contents><Key>published/photos/a&#x01;b.jpg</Key></Contents>";
  const other = "<Contents><Key>published/photos/c.jpg</Key></Contents>";
  serve(`<IsTruncated>false</IsTruncated>${key}${other}`);
  const ended = await purge(["--prefix", "photos/"], { env: keyed });
  expect([ended.code, net.purged]).toEqual([0, ["media/photos/c.jpg"]]);
  expect(ended.err).toContain("Left out: 1 object with keys that Vitrine cannot show.");
  serve(`<IsTruncated>false</IsTruncated>${key}`);
  expect(await purge(["--prefix", "photos/"], { env: keyed })).toMatchObject({
    ...{ code: 2, out: "" },
    err: expect.stringMatching(/has no object that begins with .* and that Vitrine can show/),
  });
});

test.each<[string, pages: string[], said: RegExp]>([
  [
    "has no end",
    [more("a", "1"), more("b", "2")],
    /^media cannot be listed: .* the list has no end$/m,
  ],
  [
    "is of other objects",
    ["<IsTruncated>false</IsTruncated><Contents><Key>secret/a.jpg</Key></Contents>"],
    /S3's answer cannot be used: its list has "secret\/a.jpg", which does not begin with/,
  ],
  ["is none", ["<"], /S3's answer cannot be used: its answer is not a list/],
])("--prefix, and the list %s: nothing is purged", async (_what, pages, said) => {
  serve(...pages);
  const ended = await purge(["--prefix", "photos/"], { env: keyed });
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(said);
  expect(net.calls).toEqual([]);
});

test.each<[string, prefix: string, () => void, Given, said: RegExp]>([
  [
    "the key may not list",
    "photos/",
    () => net.s3.faults.add("no-list-bucket"),
    { env: keyed },
    /media cannot be listed: S3 says AccessDenied.* s3:ListBucket .* npx vitrine purge - < keys.txt/,
  ],
  [
    "no key is at hand",
    "photos/",
    () => {},
    { env },
    /no S3 key to do so\. Put the key into the environment or \.dev\.vars, or give the keys, .*: npx vitrine purge - < keys\.txt\n/,
  ],
  [
    "the key at hand is no key",
    "photos/",
    () => {},
    { env: { ...keyed, AWS_ACCESS_KEY_ID: "test/tester" } },
    /has to list media, and AWS_ACCESS_KEY_ID: has an invalid character\. Put the key into/,
  ],
  [
    "half of the key is at hand",
    "photos/",
    () => {},
    { env: { ...env, AWS_ACCESS_KEY_ID } },
    /has to list media, and AWS_SECRET_ACCESS_KEY: is missing/,
  ],
  [
    "S3 refuses the key",
    "photos/",
    () => net.s3.faults.add("other-secret"),
    { env: keyed },
    /S3 says SignatureDoesNotMatch\n/,
  ],
  [
    "the bucket is elsewhere",
    "photos/",
    () => net.s3.faults.add("elsewhere-301"),
    { env: keyed },
    /PermanentRedirect: the bucket is in eu-central-1/,
  ],
  ["S3 is busy", "photos/", () => net.s3.faults.add("SlowDown"), { env: keyed }, /SlowDown/],
  [
    "S3 is out of reach",
    "photos/",
    () => net.s3.faults.add("reset"),
    { env: keyed },
    /S3 does not answer: /,
  ],
  [
    "there is no such object",
    "none/",
    () => {},
    { env: keyed },
    /media has no object that begins with "published\/none\/"/,
  ],
])("--prefix, and %s: it says what to do", async (_what, prefix, spoil, given, said) => {
  spoil();
  const ended = await purge(["--prefix", prefix], given);
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(said);
  expect(net.calls).toEqual([]);
});

test("if the key may not list, the command to use instead has the options that were given", async () => {
  net.s3.faults.add("no-list-bucket");
  const SITE = "https://images.example.com";
  const { err } = await purge(["--prefix", "photos/", "--url", SITE, "--verify"], { env: keyed });
  expect(err).toContain(`: npx vitrine purge --verify --url ${SITE} - < keys.txt\n`);
});
