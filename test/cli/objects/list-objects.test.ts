// How commands list a bucket: every key as it is, and nothing that is no whole list.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type ListOptions, listPage } from "../../../src/cli/objects/list-page.ts";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { BOUND, createFolder, createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { bucketOf } from "../../support/config-of.ts";
import { createEmulators, network } from "../../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, SECRETS, VARS } from "../../support/env.ts";

let { s3 } = createEmulators();

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => ({ s3 } = createEmulators()));

const list = (options: ListOptions) => listPage(bucketOf(), CREDENTIALS, options, Date.now());

async function listAll(prefix: string, maxKeys?: number) {
  const keys: string[] = [];
  let pages = 0;
  let next: string | undefined;
  do {
    const options = { prefix, ...(maxKeys && { maxKeys }), next };
    const page = await list(options);
    if (page.kind === "no-page") throw new Error(JSON.stringify(page));
    keys.push(...page.objects.map(({ key }) => key));
    pages += 1;
    ({ next } = page);
  } while (next !== undefined);
  return { keys, pages };
}

test("every key is listed exactly as it is, page by page (A10)", async () => {
  const odd = [
    ...["keys/ ends with space ", "keys/&amp;.jpg", "keys/<b>\"'.jpg", "keys/007", "keys/1e3"],
    ...["keys/a+b c%20d", "keys/\x01.jpg", "keys/\t\r\n\x7f\x85.jpg", "keys/&#x01;.jpg"],
    "keys/\ufffd.jpg",
  ];
  const body = new Uint8Array();
  for (const key of odd) s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });
  const { keys, pages } = await listAll("published/keys/", 5);
  const expected = [...HARD_KEYS, ...odd].map((key) => `published/${key}`);
  expect(keys.toSorted()).toEqual(expected.toSorted());
  expect(pages).toBe(Math.ceil(expected.length / 5));
  expect((await listAll("published/keys/")).pages).toBe(1);
});

const list200 = (inside: string) =>
  `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;
const whole = "<IsTruncated>false</IsTruncated>";
const URL_ENCODED = "<EncodingType>url</EncodingType>";
const key = (text: string, encoding = "") =>
  list200(`${whole}${encoding}<Contents><Key>${text}</Key></Contents>`);

/** Answers in place of S3. @returns the queries of the requests */
function serve(body: string): string[] {
  const requests: string[] = [];
  const headers = { "content-type": "application/xml" };
  network.use(
    http.get(`${BUCKET_URL}*`, ({ request }) => {
      requests.push(new URL(request.url).search);
      return new HttpResponse(body, { headers });
    }),
  );
  return requests;
}

/** How S3 servers write keys: `EncodingType` is there if they encode them. */
test.each<[who: string, body: string, key: string]>([
  ["spaces as + (AWS)", key("a/b+c%2Bd%2520%01%E2%9C%93.jpg", URL_ENCODED), "a/b c+d%20\x01✓.jpg"],
  ["spaces as %20 (RGW)", key("a%2Fb%20c%2Bd&apos;%0D.jpg", URL_ENCODED), "a/b c+d'\r.jpg"],
  [
    "nothing encoded",
    key("a/b+c%20d &#x01;&#13;&#x1F600;&amp;#x01;&quot;.jpg"),
    'a/b+c%20d \x01\r😀&#x01;".jpg',
  ],
  ["EncodingType empty", key("a/%2B+.jpg", "<EncodingType></EncodingType>"), "a/%2B+.jpg"],
])("keys are read as they are, written with %s (A10)", async (_how, body, key) => {
  serve(body);
  const page = { kind: "page", objects: [{ key }], next: undefined };
  expect(await list({ prefix: "a/" })).toEqual(page);
});

test("an object comes with what can be read of it", async () => {
  for (const [xml, details] of [
    ["<ETag>&quot;a&amp;b&quot;</ETag><Size>7</Size>", { etag: "a&b", bytes: 7 }],
    ["<ETag>W/&quot;a-2&quot;</ETag>", { etag: "a-2" }],
    ["<ETag>a</ETag>", { etag: "a" }],
    ["<ETag/><Size/>", {}],
    ["<Size>-1</Size>", {}],
  ] as const) {
    serve(list200(`${whole}<Contents><Key>a/b</Key>${xml}</Contents>`));
    expect(await list({ prefix: "a/" })).toMatchObject({ objects: [{ key: "a/b", ...details }] });
  }
});

test("a token is sent back as it was", async () => {
  const queries = serve(
    list200(
      `${URL_ENCODED}<IsTruncated>true</IsTruncated><NextContinuationToken>a%2B+&#x01;&amp;</NextContinuationToken>`,
    ),
  );
  const next = "a%2B+\x01&";
  expect(await list({ prefix: "a", next })).toEqual({ kind: "page", objects: [], next });
  expect(queries).toEqual([
    "?continuation-token=a%252B%2B%01%26&encoding-type=url&list-type=2&max-keys=1000&prefix=a",
  ]);
});

test("a prefix is sent as it is", async () => {
  for (const prefix of ["published/a b/", "published/100%/", "published/1+1=2&prefix=x/"]) {
    s3.objects.set(`${prefix}a.jpg`, { body: new Uint8Array(), type: "image/jpeg" });
    expect(await listAll(prefix)).toEqual({ keys: [`${prefix}a.jpg`], pages: 1 });
  }
});

const token = (text: string) =>
  list200(`<IsTruncated>true</IsTruncated><NextContinuationToken>${text}</NextContinuationToken>`);

test.each([
  [
    "no token",
    "<IsTruncated>true</IsTruncated>",
    "it does not say whether it is complete, or how to go on",
  ],
  [
    "an empty token",
    "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
    "it does not say whether it is complete, or how to go on",
  ],
  ["no key", `${whole}<Contents><Size>1</Size></Contents>`, "Key is missing, or no text"],
  [
    "two keys",
    `${whole}<Contents><Key>a/b</Key><Key>a/c</Key></Contents>`,
    "Key is missing, or no text",
  ],
  [
    "two tokens",
    "<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken><NextContinuationToken>b</NextContinuationToken>",
    "NextContinuationToken is missing, or no text",
  ],
])("a list with %s says so", async (_what, xml, failure) => {
  serve(list200(xml));
  expect(await list({ prefix: "a/" })).toMatchObject({ kind: "no-page", answer: { failure } });
});

test("what is no whole list of what was queries for is an error (A10)", async () => {
  for (const body of [
    ...["", "<html><body>Sign in</body></html>", list200(whole).slice(0, -10)],
    list200(`${whole}<a><b></a></b>`),
    `<!DOCTYPE a [<!ENTITY b "a/c">]>${key("&b;")}`,
    ...["<KeyCount>0</KeyCount>", "<IsTruncated>yes</IsTruncated>"].map(list200),
    list200(`${whole}<IsTruncated>true</IsTruncated>`),
    ...[list200("<IsTruncated>true</IsTruncated>"), token("")],
    list200(`${whole}<Contents><Size>1</Size></Contents>`),
    ...["a/b</Key><Key>a/c", "a/b<i>c</i>", "<![CDATA[a/&amp;b]]>", "b/c"].map((one) => key(one)),
    ...[key("a/100%", URL_ENCODED), key("a/b", "<EncodingType>base64</EncodingType>")],
    ...["a/\ufffd", "a/&nope;", "a/b & c", "a/&#x110000;"].map((one) => key(one)),
  ]) {
    serve(body);
    const page = await list({ prefix: "a/" });
    const answer = expect.objectContaining({ failure: expect.stringMatching(/./) });
    expect([body, page]).toEqual([body, { kind: "no-page", answer }]);
  }
});

// Commands that list a bucket which no key on this machine opens

const { env: _env, ...TOP } = STAGED;
const folderOf = (media: object, more: object = {}) => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const vars = { BUCKETS: { media }, ROUTES, PRESETS: { card: { width: 9 } }, ...more };
  const required = "OIDC" in more ? ["OIDC_SIGNING_KEY"] : [];
  return createProject({ ...TOP, ...BOUND, vars, secrets: { required } });
};
const role = "arn:aws:iam::123456789012:role/vitrine";
const ROLE = { ...VARS.BUCKETS.media, engine: "binding", role };
const OIDC = { issuer: "https://images.example" };
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const KEY = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

const LISTING = [["facts"], ["warm", "--prefix", "photos/"]];

test.each(LISTING)("%s cannot list an R2 binding, and says what to do", async (...args) => {
  const options = { folder: folderOf({ binding: "MEDIA_BUCKET" }), env: KEY };
  const { code, err } = await vitrine(args, options);
  expect([code, err]).toEqual([2, expect.stringMatching(/an R2 binding.*docs\/engines\.md/)]);
});

test("a bucket with a role is listed with the operator's own key", async () => {
  const options = { folder: folderOf(ROLE, { OIDC }) };
  const without = await vitrine(["warm", "--prefix", "photos/"], { ...options, env: {} });
  expect([without.code, without.err]).toEqual([2, expect.stringContaining("the role is")]);
  const { err } = await vitrine(["warm", "--prefix", "photos/"], { ...options, env: KEY });
  expect(err).not.toContain("role");
});

test("an S3 that always goes on, with two pages by turns, is a fault", async () => {
  const next = "<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>";
  let page = 0;
  vi.stubGlobal("fetch", async () => {
    page += 1;
    const body = list200(`${next}<Contents><Key>published/${page % 2}</Key></Contents>`);
    return new Response(body, { headers: { "content-type": "application/xml" } });
  });
  const { code, err } = await vitrine(["facts"], { folder: createFolder(), env: KEY });
  expect([code, err]).toEqual([2, "media: its list does not end: name a longer prefix\n"]);
  expect(page).toBe(3);
});
