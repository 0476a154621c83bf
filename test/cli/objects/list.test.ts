import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ListOptions, listPage } from "../../../src/cli/objects/list-page.ts";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { BASE, CREDENTIALS, ENV } from "../../support/env.ts";
import { network, setUp } from "../../support/stand.ts";

let { s3 } = setUp();

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => ({ s3 } = setUp()));

const config = readConfig(ENV);
const buckets = "mistakes" in config ? [] : config.buckets;

function list(options: ListOptions) {
  const [bucket] = buckets;
  if (bucket === undefined) throw new Error("no bucket");
  return listPage(bucket, CREDENTIALS, options, Date.now());
}

async function listAll(prefix: string, most?: number): Promise<{ keys: string[]; pages: number }> {
  const keys: string[] = [];
  let pages = 0;
  let next: string | undefined;
  do {
    const options = { prefix, ...(most && { most }), next };
    const page = await list(options);
    if (!("objects" in page)) throw new Error(JSON.stringify(page));
    keys.push(...page.objects.map(({ key }) => key));
    pages += 1;
    ({ next } = page);
  } while (next !== undefined);
  return { keys, pages };
}

test("every key is listed exactly as it is, page by page (A10)", async () => {
  const odd = [
    "keys/ ends with space ",
    "keys/&amp;.jpg",
    "keys/<b>\"'.jpg",
    "keys/007",
    "keys/1e3",
    "keys/a+b c%20d",
    "keys/\x01.jpg",
    "keys/\t\r\n\x7f\x85.jpg",
    "keys/&#x01;.jpg",
    "keys/\ufffd.jpg",
  ];
  const body = new Uint8Array();
  for (const key of odd) s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });
  const { keys, pages } = await listAll("published/keys/", 5);
  const wanted = [...HARD_KEYS, ...odd].map((key) => `published/${key}`);
  expect(keys.toSorted()).toEqual(wanted.toSorted());
  expect(pages).toBe(Math.ceil(wanted.length / 5));
  expect((await listAll("published/keys/")).pages).toBe(1);
});

const list200 = (inside: string) =>
  `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;
const whole = "<IsTruncated>false</IsTruncated>";

/** How S3 servers write keys: `EncodingType` is there if they encode them. */
const SPELT: readonly (readonly [who: string, xml: string, keys: readonly string[]])[] = [
  [
    "a server that writes spaces as + (AWS)",
    "<EncodingType>url</EncodingType><Contents><Key>a/b+c%2Bd%2520%01%E2%9C%93.jpg</Key></Contents>",
    ["a/b c+d%20\x01✓.jpg"],
  ],
  [
    "a server that writes spaces as %20 (RGW)",
    "<EncodingType>url</EncodingType><Contents><Key>a%2Fb%20c%2Bd&apos;%0D.jpg</Key></Contents>",
    ["a/b c+d'\r.jpg"],
  ],
  [
    "a server that encodes nothing",
    "<Contents><Key>a/b+c%20d &#x01;&#13;&#x1F600;&amp;#x01;&quot;.jpg</Key></Contents>",
    ['a/b+c%20d \x01\r😀&#x01;".jpg'],
  ],
  [
    "a server that leaves EncodingType empty",
    "<EncodingType></EncodingType><Contents><Key>a/%2B+.jpg</Key></Contents>",
    ["a/%2B+.jpg"],
  ],
];

test.each(SPELT)("the keys of %s are read as they are (A10)", async (_who, xml, keys) => {
  const headers = { "content-type": "application/xml" };
  network.use(http.get(`${BASE}*`, () => new HttpResponse(list200(whole + xml), { headers })));
  const objects = keys.map((key) => ({ key }));
  expect(await list({ prefix: "a/" })).toEqual({ objects, prefixes: [], next: undefined });
});

test("each object comes with its ETag and its size", async () => {
  const body = new Uint8Array(7);
  s3.objects.set("published/x/a", { body, type: "image/jpeg", etag: "a&b" });
  s3.objects.set("published/x/b", { body, type: "image/jpeg", etag: null });
  const page = await list({ prefix: "published/x/" });
  expect("objects" in page && page.objects).toEqual([
    { key: "published/x/a", etag: "a&b", bytes: 7 },
    { key: "published/x/b", bytes: 7 },
  ]);
});

test.each<[string, xml: string, told: Record<string, unknown>]>([
  ["a weak ETag", "<ETag>W/&quot;a-2&quot;</ETag>", { etag: "a-2" }],
  ["an ETag without quotes", "<ETag>a</ETag>", { etag: "a" }],
  ["empty elements", "<ETag/><Size/>", {}],
  ["a size that is none", "<Size>-1</Size>", {}],
])("what cannot be read of an object is left out: %s", async (_what, xml, told) => {
  const headers = { "content-type": "application/xml" };
  const entry = `<Contents><Key>a/b</Key>${xml}</Contents>`;
  network.use(http.get(`${BASE}*`, () => new HttpResponse(list200(whole + entry), { headers })));
  const page = await list({ prefix: "a/" });
  expect("objects" in page && page.objects).toEqual([{ key: "a/b", ...told }]);
});

test("the beginnings of keys are decoded, too, and a token is sent back as it was", async () => {
  const asked: string[] = [];
  const xml = `<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>a%2B+&#x01;&amp;</NextContinuationToken><CommonPrefixes><Prefix>a+b/</Prefix></CommonPrefixes>`;
  network.use(
    http.get(`${BASE}*`, ({ request }) => {
      asked.push(new URL(request.url).search);
      return new HttpResponse(list200(xml), { headers: { "content-type": "application/xml" } });
    }),
  );
  const next = "a%2B+\x01&";
  expect(await list({ prefix: "a", next })).toMatchObject({
    ...{ objects: [], prefixes: ["a b/"], next },
  });
  expect(asked).toEqual([
    "?continuation-token=a%252B%2B%01%26&encoding-type=url&list-type=2&max-keys=1000&prefix=a",
  ]);
});

test("with a delimiter it lists the beginnings of keys", async () => {
  const page = await list({ prefix: "", delimiter: "/", most: 5 });
  expect(page).toEqual({ objects: [], prefixes: ["published/"], next: undefined });
});

test.each(["published/a b/", "published/100%/", "published/1+1=2&prefix=x/", "published/日本/"])(
  "a prefix is sent as it is: %j",
  async (prefix) => {
    s3.objects.set(`${prefix}a.jpg`, { body: new Uint8Array(), type: "image/jpeg" });
    expect(await listAll(prefix)).toEqual({ keys: [`${prefix}a.jpg`], pages: 1 });
  },
);

test("an error of S3 is returned (A6)", async () => {
  s3.faults.add("no-list-bucket");
  expect(await list({ prefix: "" })).toMatchObject({ status: 403, code: "AccessDenied" });
  s3.faults.add("reset");
  expect(await list({ prefix: "" })).toEqual({ text: "", failure: "fetch failed" });
});

const key = (text: string) => list200(`${whole}<Contents><Key>${text}</Key></Contents>`);

test.each<[string, body: string, failure: RegExp]>([
  ["nothing", "", /is not a list$/],
  ["no XML", '{"Contents": []}', /is not a list$/],
  ["a page", "<html><body>Sign in</body></html>", /is not a list$/],
  ["half a list", list200(whole).slice(0, -10), /is not a list$/],
  ["crossed elements", list200(`${whole}<a><b></a></b>`), /is not a list$/],
  [
    "a list with entities of its own",
    `<!DOCTYPE a [<!ENTITY b "a/c">]>${key("&b;")}`,
    /is not a list$/,
  ],
  ["no word on the rest", list200("<KeyCount>0</KeyCount>"), /whether it is complete/],
  ["a strange one", list200("<IsTruncated>yes</IsTruncated>"), /whether it is complete/],
  [
    "two words on the rest",
    list200(`${whole}<IsTruncated>true</IsTruncated>`),
    /whether it is complete/,
  ],
  ["more, and no token", list200("<IsTruncated>true</IsTruncated>"), /how to go on$/],
  [
    "more, and an empty token",
    list200("<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>"),
    /how to go on$/,
  ],
  [
    "an object without a key",
    list200(`${whole}<Contents><Key>a/b</Key></Contents><Contents><Size>1</Size></Contents>`),
    /an entry without a key$/,
  ],
  [
    "an object with two keys",
    list200(`${whole}<Contents><Key>a/b</Key><Key>a/c</Key></Contents>`),
    /an entry without a key$/,
  ],
  ["a key with elements in it", key("a/b<i>c</i>"), /an entry without a key$/],
  [
    "a key in CDATA, where an ampersand is no reference",
    key("<![CDATA[a/&amp;b]]>"),
    /without a key$/,
  ],
  ["a key that was not asked for", key("b/c"), /has "b\/c", which does not begin with "a\/"$/],
  [
    "a prefix that was not asked for",
    list200(`${whole}<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>`),
    /has "b\/", which does not/,
  ],
  [
    "a key that is not encoded as it should be",
    list200(`${whole}<EncodingType>url</EncodingType><Contents><Key>a/100%</Key></Contents>`),
    /the key "a\/100%", which cannot be decoded$/,
  ],
  [
    "a key in an unknown encoding",
    list200(`${whole}<EncodingType>base64</EncodingType><Contents><Key>a/b</Key></Contents>`),
    /the key "a\/b", which cannot be decoded$/,
  ],
  ["a key in which S3 replaced a character", key("a/\ufffd"), /which cannot be decoded$/],
  ["a key with an unknown entity", key("a/&nope;"), /"a\/&nope;", which is not XML$/],
  ["a key with a character that does not exist", key("a/&#x110000;"), /which is not XML$/],
])("%s is not a list", async (_what, body, failure) => {
  const headers = { "content-type": "application/xml" };
  network.use(http.get(`${BASE}*`, () => new HttpResponse(body, { headers })));
  const found = await list({ prefix: "a/" });
  expect(found).toMatchObject({ status: 200, failure: expect.stringMatching(failure) });
});
