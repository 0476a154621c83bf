// Whatever S3 does wrong, and whoever set it up wrongly: the doctor names the cause, and what mends it.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { HttpResponse, http, passthrough } from "msw";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Check, Severity } from "../../../src/cli/doctor/finding.ts";
import { createS3, type S3Fault, type S3Grant } from "../../../src/emulator/s3/s3.ts";
import { CONFIGURED, configure, examine } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/told.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import { freePort } from "../../support/local-run.ts";
import { stage } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";

/** What is found first, and the remedy. */
type Row = readonly [severity: Severity, check: Check, what: RegExp, remedy: RegExp];

const { media } = CONFIGURED.BUCKETS;
const WITHOUT = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

const xml = (code: string, status: number) =>
  new HttpResponse(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

beforeEach(() => {
  configure();
  // As it ought to be.
  stage.s3.faults.add("no-list-bucket");
});

test("where nothing is wrong, nothing is found", async () => {
  const told = await examine([]);
  expect(wrongIn(told)).toEqual([]);
  expect(told.code).toBe(0);
  const checks = told.findings.map(({ check }) => check);
  for (const check of [
    "reachable",
    "clock",
    "key-id",
    "secret",
    "list",
    "write",
    "sample",
    "public",
  ]) {
    expect(checks).toContain(check);
  }
});

const ELSEWHERE: Row = [
  "error",
  "region",
  /is in eu-central-1, and not in eu-west-1/,
  /region = "eu-central-1"/,
];
const BUSY = (what: RegExp): Row => ["warning", "busy", what, /status page/];

const FAULTS: Record<S3Fault, Row | undefined> = {
  "no-list-bucket": undefined,
  "revoked-key": [
    "error",
    "key-id",
    /InvalidAccessKeyId/,
    /AWS_ACCESS_KEY_ID in the environment.*secret put AWS_ACCESS_KEY_ID/,
  ],
  "other-secret": ["error", "secret", /SignatureDoesNotMatch/, /secret put AWS_SECRET_ACCESS_KEY/],
  // There is no session, so that none can be over: see below.
  "expired-token": undefined,
  "clock-skew": ["error", "clock", /1200 s ahead of/, /timedatectl/],
  "elsewhere-400": ELSEWHERE,
  "elsewhere-301": ELSEWHERE,
  "elsewhere-307": ELSEWHERE,
  SlowDown: BUSY(/503 SlowDown/),
  ServiceUnavailable: BUSY(/503 ServiceUnavailable/),
  InternalError: BUSY(/500 InternalError/),
  archived: [
    "error",
    "sample",
    /key\.jpg lies in an archive/,
    /restore-object --bucket acme-media --key published\/key\.jpg --restore/,
  ],
  reset: ["error", "reachable", /breaks the connection off/, /status page/],
  stall: ["error", "reachable", /does not answer in time/, /firewall/],
  "cut-short": [
    "error",
    "sample",
    /begins to give published\/key\.jpg, and breaks off/,
    /status page/,
  ],
  "stall-midway": ["error", "sample", /stops in the middle/, /--timeout 60/],
};

test.each(Object.entries(FAULTS))(
  "S3's fault %s is found, and nothing else",
  async (fault, row) => {
    stage.s3.faults.add(fault as S3Fault);
    const told = await examine(["--timeout", "0.4"]);
    const wrong = wrongIn(told);
    const checks = new Set(wrong.map(({ check }) => check));
    expect(checks).toEqual(new Set(row === undefined ? [] : [row[1]]));
    if (row === undefined) return;
    const [severity, , what, remedy] = row;
    expect(wrong[0]).toMatchObject({
      severity,
      what: expect.stringMatching(what),
      why: expect.stringMatching(/./),
      remedy: expect.stringMatching(remedy),
    });
    expect(told.code).toBe(severity === "error" ? 2 : 1);
  },
);

const GRANTS: Record<S3Grant, Row> = {
  "all-read": [
    "error",
    "public",
    /everybody can download published\/key\.jpg/,
    /put-public-access-block --bucket acme-media/,
  ],
  "all-list": ["error", "public", /everybody can list it/, /put-public-access-block/],
  write: [
    "warning",
    "write",
    /s3:PutObject/,
    /s3:GetObject on arn:aws:s3:::acme-media\/published\/\*/,
  ],
};

test.each(Object.entries(GRANTS))(
  "a policy that allows more, %s, is found",
  async (grant, [severity, check, what, remedy]) => {
    stage.s3.grants.add(grant as S3Grant);
    const before = [...stage.s3.objects];
    const told = await examine([]);
    expect(wrongIn(told)).toEqual([
      expect.objectContaining({
        severity,
        check,
        what: expect.stringMatching(what),
        remedy: expect.stringMatching(remedy),
      }),
    ]);
    expect(told.code).toBe(severity === "error" ? 2 : 1);
    expect([...stage.s3.objects]).toEqual(before);
  },
);

test("a key that may list is a warning (A13)", async () => {
  stage.s3.faults.clear();
  const told = await examine([]);
  expect(wrongIn(told)).toMatchObject([{ severity: "warning", check: "list" }]);
  expect(told.code).toBe(1);
});

test("nothing that is asked could change anything, and the write is of an upload that there is not", async () => {
  stage.s3.grants.add("write");
  await examine([]);
  const others = stage.s3.requests.filter(({ method }) => method !== "GET");
  const part = ["PUT", "?partNumber=1&uploadId=vitrine-doctor"];
  expect(others.map(({ method, url }) => [method, new URL(url).search])).toEqual([part, part]);
  const signed = others.map(({ headers }) => headers.has("authorization"));
  expect(signed.sort()).toEqual([false, true]);
  for (const { body, headers } of others) {
    expect(body).toBeNull();
    // An S3 that takes it for an object must refuse it.
    expect(headers.get("content-md5")).not.toBe(createHash("md5").digest("base64"));
    expect(Buffer.from(headers.get("content-md5") ?? "", "base64")).toHaveLength(16);
  }
});

test.each<[string, (signed: boolean) => Response, Severity, RegExp]>([
  [
    "says that the digest is wrong",
    (signed) => (signed ? xml("BadDigest", 400) : xml("AccessDenied", 403)),
    "warning",
    /^the key may write \(s3:PutObject\)$/,
  ],
  [
    "takes it for an object",
    () => new HttpResponse(null, { status: 200 }),
    "warning",
    /an empty object is left of the question, published\/vitrine-doctor-[\w-]+$/,
  ],
  [
    "tells everybody that there is no such upload",
    () => xml("NoSuchUpload", 404),
    "note",
    /^whether the key may write to media cannot be told: S3 answers 404 NoSuchUpload$/,
  ],
])("where S3 %s when a part is put", async (_what, answer, severity, what) => {
  network.use(http.put(/amazonaws/, ({ request }) => answer(request.headers.has("authorization"))));
  const { findings } = await examine([]);
  expect(findings.filter(({ check }) => check === "write")).toMatchObject([
    { severity, what: expect.stringMatching(what) },
  ]);
});

test.each<[string, () => Response, Severity, RegExp]>([
  [
    "is told that there is no such upload",
    () => xml("NoSuchUpload", 404),
    "warning",
    /^perhaps everybody can write to it: strangers who try are told 404 NoSuchUpload,/,
  ],
  [
    "may put an object",
    () => new HttpResponse(null, { status: 200 }),
    "error",
    /^everybody can write to it, without a key: an empty object is left of the question, publ/,
  ],
])("a stranger who %s may perhaps write", async (_what, answer, severity, what) => {
  network.use(http.put(/amazonaws/, answer));
  for (const env of [{}, WITHOUT]) {
    const { findings } = await examine([], { env });
    expect(findings.filter(({ check }) => check === "public")).toMatchObject([
      {
        ...{ severity, bucket: "media", what: expect.stringMatching(what) },
        remedy: expect.stringContaining("put-public-access-block --bucket acme-media"),
      },
    ]);
  }
});

test.each<[string, () => Response]>([
  ["is busy", () => xml("SlowDown", 503)],
  ["breaks off", () => HttpResponse.error()],
  ["answers with no list", () => new HttpResponse("<ListBucketResult></ListBucketResult>")],
])(
  "where S3 %s when it is asked for a list, nobody knows whether the key may",
  async (_what, answer) => {
    network.use(
      http.get(/amazonaws/, ({ request }) =>
        request.url.includes("list-type=2") ? answer() : undefined,
      ),
    );
    const { findings } = await examine([]);
    expect(findings.filter(({ check }) => check === "list")).toMatchObject([
      {
        severity: "note",
        what: expect.stringMatching(/^whether the key may list .* cannot be told/),
      },
    ]);
  },
);

test("whether strangers may read is told of an object that there is, and else not at all", async () => {
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  stage.s3.grants.add("all-read");
  const blind = await examine([], { env: WITHOUT });
  expect(blind.findings.find(({ check }) => check === "public")).toMatchObject({
    severity: "note",
    what: expect.stringContaining("name an object by --key"),
  });
  const named = await examine(["--key", "key.jpg"], { env: WITHOUT });
  expect(wrongIn(named).map(({ check }) => check)).toEqual(["keys", "public"]);
});

test("an object that is larger than the edge reads is not read to its end (L1)", async () => {
  const chunk = new Uint8Array(1e6);
  let given = 0;
  network.use(
    http.get(/key\.jpg$/, ({ request }) => {
      if (!request.headers.has("authorization")) return undefined;
      const pull = (controller: ReadableStreamDefaultController) => {
        given += 1;
        if (given > 1000) return controller.error(new Error("too much is read"));
        controller.enqueue(chunk);
      };
      return new HttpResponse(new ReadableStream({ pull }));
    }),
  );
  expect(wrongIn(await examine([]))).toMatchObject([
    {
      check: "sample",
      severity: "warning",
      what: "S3 gives published/key.jpg, and it is over 100 MB",
    },
  ]);
  expect(given).toBeLessThan(110);
});

test("no more is told of a key's id than its end, and nothing where there is no more", async () => {
  for (const AWS_ACCESS_KEY_ID of ["minio-root", "root", "me"]) {
    const { findings, text } = await examine([], { env: { AWS_ACCESS_KEY_ID } });
    expect(findings.some(({ check }) => check === "key-id")).toBe(true);
    expect(JSON.stringify(findings) + text).not.toMatch(`key ${AWS_ACCESS_KEY_ID}`);
    expect(JSON.stringify(findings)).not.toContain(`…${AWS_ACCESS_KEY_ID}`);
  }
});

type Setup = {
  readonly vars?: (media: typeof CONFIGURED.BUCKETS.media) => object;
  readonly env?: Record<string, string | undefined>;
  readonly s3?: () => void;
  readonly args?: readonly string[];
};

const put = (key: string, body = file("made/key.jpg")) =>
  stage.s3.objects.set(key, { body, type: "image/jpeg" });
const mayList = () => stage.s3.faults.delete("no-list-bucket");

/** What people do wrong: what is found, by checks, and the last one's words. */
const SETUPS: readonly (readonly [string, Setup, readonly Check[], RegExp, RegExp])[] = [
  [
    "a misspelt bucket",
    { vars: () => ({ ...media, bucket: "acme-medias" }) },
    ["bucket"],
    /no bucket "acme-medias"/,
    /BUCKETS\.media\.bucket/,
  ],
  [
    "a wrong region",
    {
      vars: () => ({
        ...media,
        endpoint: "https://s3.eu-central-1.amazonaws.com",
        region: "eu-central-1",
      }),
    },
    ["region"],
    /is in eu-west-1, and not in eu-central-1/,
    /region = "eu-west-1"/,
  ],
  [
    "a prefix that there is not",
    { vars: () => ({ ...media, prefix: "publishd/" }), s3: mayList },
    ["list", "prefix"],
    /nothing lies below the prefix "publishd\/"/,
    /^mend BUCKETS\.media\.prefix/,
  ],
  [
    "a prefix where there is none",
    { vars: () => ({ ...media, prefix: "published/published/" }) },
    ["sample"],
    /may not read published\/published\/key\.jpg, or it is not there/,
    /mend prefix/,
  ],
  [
    "a policy for another prefix",
    { vars: () => ({ ...media, prefix: "drafts/" }), s3: () => void put("drafts/key.jpg") },
    ["sample"],
    /the key may not read drafts\/key\.jpg/,
    /s3:GetObject on arn:aws:s3:::acme-media\/drafts\/\*/,
  ],
  [
    "a canary that is not there",
    { vars: () => ({ ...media, canary: "nothing.jpg" }), s3: mayList },
    ["list", "sample"],
    /published\/nothing\.jpg is not in the bucket/,
    /mend canary or prefix/,
  ],
  [
    "a canary that is no image",
    { vars: () => ({ ...media, canary: "broken/page.jpg" }) },
    ["sample"],
    /no image/,
    /name another one/,
  ],
  [
    "a session's key",
    { env: { AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" } },
    ["session"],
    /AWS_ACCESS_KEY_ID is a session's key: it begins with ASIA/,
    /create-access-key/,
  ],
  [
    "half a slot",
    { env: { AWS_SECRET_ACCESS_KEY: undefined } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY is missing/,
    /secret put AWS_SECRET_ACCESS_KEY/,
  ],
  [
    "a space in a secret",
    { env: { AWS_SECRET_ACCESS_KEY: "a b" } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY has a character that no key has/,
    /./,
  ],
  [
    "half a next slot",
    { env: { AWS_ACCESS_KEY_ID_NEXT: NEXT.AWS_ACCESS_KEY_ID_NEXT } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY_NEXT is missing/,
    /secret put AWS_SECRET_ACCESS_KEY_NEXT/,
  ],
  ["no key at hand", { env: WITHOUT }, ["keys"], /none is at hand/, /--secrets-file secrets\.env/],
  [
    "no key at hand, and a public bucket",
    { env: WITHOUT, s3: () => stage.s3.grants.add("all-read") },
    ["keys", "public"],
    /everybody can download published\/key\.jpg/,
    /put-public-access-block/,
  ],
  [
    "no key at hand, and a misspelt bucket",
    {
      env: WITHOUT,
      vars: () => ({ ...media, bucket: "acme-medias" }),
    },
    ["keys", "bucket"],
    /no bucket "acme-medias"/,
    /BUCKETS\.media\.bucket/,
  ],
  [
    "no key at hand, and another region",
    { env: WITHOUT, s3: () => stage.s3.faults.add("elsewhere-301") },
    ["keys", "region"],
    /is in eu-central-1/,
    /region = "eu-central-1"/,
  ],
  [
    "a key in the next slot that S3 does not know",
    { env: NEXT },
    ["key-id"],
    /InvalidAccessKeyId/,
    /AWS_ACCESS_KEY_ID_NEXT/,
  ],
  [
    "an object that is not there",
    { args: ["--key", "nothing.jpg"] },
    ["sample"],
    /nothing\.jpg/,
    /--key/,
  ],
  [
    "a dot in the bucket's name, with virtual addressing",
    { vars: () => ({ ...media, bucket: "acme.media", addressing: "virtual" }) },
    ["configuration"],
    /breaks TLS/,
    /BUCKETS\.media\.addressing/,
  ],
];

test.each(SETUPS)(
  "%s is found",
  async (_what, { vars, env = {}, s3, args = [] }, checks, what, remedy) => {
    configure({ ...CONFIGURED, ...(vars && { BUCKETS: { media: vars(media) } }) });
    s3?.();
    const wrong = wrongIn(await examine(args, { env }));
    expect(wrong.map(({ check }) => check)).toEqual(checks);
    expect(wrong.at(-1)?.what).toMatch(what);
    expect(wrong.at(-1)?.remedy).toMatch(remedy);
  },
);

test("without a key, an S3 that is busy is found", async () => {
  stage.s3.grants.add("all-read").add("all-list");
  stage.s3.faults.add("SlowDown");
  const wrong = wrongIn(await examine([], { env: WITHOUT }));
  expect(wrong.map(({ check }) => check)).toEqual(["keys", "busy"]);
});

test.each([
  [290, "ok"],
  [310, "warning"],
  [890, "warning"],
  [910, "error"],
])("a clock that is %d s off, one way or the other, is told: %s", async (seconds, severity) => {
  for (const way of [1, -1]) {
    const now = () => Date.now() + way * seconds * 1000 - 500;
    const { findings } = await examine([], { now });
    expect(findings.find(({ check }) => check === "clock")).toMatchObject({
      severity,
      what: expect.stringContaining(way > 0 ? "s behind the one here" : "s ahead of the one here"),
    });
  }
});

test("where it cannot be told whether strangers get in, that is said", async () => {
  network.use(
    http.get(/amazonaws/, ({ request }) => {
      if (request.headers.has("authorization")) return undefined;
      return new HttpResponse(null, { status: 500 });
    }),
  );
  const { findings } = await examine([]);
  expect(findings.find(({ check }) => check === "public")).toMatchObject({
    severity: "note",
    what: "whether the bucket is public cannot be told: strangers get 500 and 500",
  });
});

test("where the key may list, a wrong prefix is found with what there is instead", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  for (const settings of [own, media]) {
    configure({ ...CONFIGURED, BUCKETS: { media: { ...settings, prefix: "publishd/" } } });
    // The policy is for all of the bucket here.
    const s3 = createS3({ ...media, credentials: CREDENTIALS, now: Date.now });
    s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
    network.use(...s3.handlers);
    const wrong = wrongIn(await examine([]));
    expect(wrong.map(({ check }) => check)).toEqual(["list", "prefix"]);
    expect(wrong[1]).toMatchObject({
      what: 'nothing lies below the prefix "publishd/"',
      remedy: 'mend BUCKETS.media.prefix in wrangler.toml: the bucket has "published/"',
    });
    s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
    const [, found] = wrongIn(await examine(["--key", "key.jpg"]));
    expect(found?.what).toBe(
      'publishd/key.jpg is not there, and key.jpg is: the prefix "publishd/" is wrong',
    );
  }
});

test("without a canary and a key, an image that may be listed is looked at", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  const { findings } = await examine([]);
  expect(findings.find(({ check }) => check === "sample")?.what).toMatch(
    /^S3 gives published\/animated\.gif: .* image\/gif$/,
  );
  stage.s3.faults.add("no-list-bucket");
  const [none] = wrongIn(await examine([]));
  expect(none).toMatchObject({
    check: "sample",
    severity: "warning",
    remedy: expect.stringContaining("--key"),
  });
});

test("what only looks like an image is passed over, and what does not is not fetched", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  put("published/000.jpg", file("broken/page.jpg"));
  put("published/000.txt", file("made/key.jpg"));
  put("published/00\\0.jpg", file("made/key.jpg"));
  const { findings } = await examine([]);
  expect(findings.find(({ check }) => check === "sample")?.what).toContain("animated.gif");
  expect(stage.s3.requests.map(({ url }) => url)).not.toContainEqual(
    expect.stringMatching(/\.txt|%5C/),
  );
});

test("an empty bucket without a prefix has no wrong one", async () => {
  mayList();
  const { canary: _canary, prefix: _prefix, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  stage.s3.objects.clear();
  expect(wrongIn(await examine([])).map(({ check }) => check)).toEqual(["list", "sample"]);
});

test("where the next slot works, a dead current one is a warning, and says so", async () => {
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const told = await examine([], { env: NEXT });
  expect(wrongIn(told)).toMatchObject([
    { check: "key-id", severity: "warning", why: "slot next alone serves" },
  ]);
  expect(told.code).toBe(1);
});

test("R2's own words are understood (A7)", async () => {
  const endpoint = "https://account.r2.cloudflarestorage.com";
  const settings = { endpoint, bucket: "media", region: "auto", credentials: CREDENTIALS };
  const r2 = createS3({ ...settings, dialect: "r2", now: Date.now });
  network.use(...r2.handlers);
  configure({ ...CONFIGURED, BUCKETS: { media: { endpoint, bucket: "media", region: "auto" } } });
  r2.keys.clear();
  expect(wrongIn(await examine([]))).toMatchObject([
    { check: "key-id", what: expect.stringContaining("Unauthorized") },
  ]);
});

test.each<[string, number, Check]>([
  ["ExpiredToken", 400, "session"],
  ["InvalidToken", 400, "session"],
  ["InvalidArgument", 400, "key-id"],
  ["TooManyRequests", 429, "busy"],
  ["AuthorizationHeaderMalformed", 400, "region"],
  ["PermanentRedirect", 301, "endpoint"],
  ["NotImplemented", 501, "busy"],
  ["InvalidURI", 400, "endpoint"],
])("S3's %s, %d, is found", async (code, status, check) => {
  network.use(
    http.all(/amazonaws/, ({ request }) =>
      request.headers.has("authorization") ? xml(code, status) : undefined,
    ),
  );
  expect(wrongIn(await examine([]))[0]).toMatchObject({ check });
});

test.each([
  [
    "a web server",
    new HttpResponse("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }),
    "endpoint",
  ],
  ["a 404 of no S3", new HttpResponse("Not found", { status: 404 }), "sample"],
  ["a 405 of no S3", new HttpResponse("No", { status: 405 }), "endpoint"],
  [
    "a redirect",
    new HttpResponse(null, { status: 302, headers: { location: "https://example.com/" } }),
    "endpoint",
  ],
])("an endpoint that is %s is found", async (_what, answer, check) => {
  network.use(http.all(/amazonaws/, () => answer.clone()));
  const wrong = wrongIn(await examine([]));
  expect(wrong.map((one) => one.check)).toContain(check);
  // What is no S3 opens nothing to strangers.
  expect(wrong.map((one) => one.check)).not.toContain("public");
});

test("hosts that are not there, not listening, or without TLS are told apart, by real sockets", async () => {
  const plain = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
  onTestFinished(() => void plain.close());
  await new Promise((listening) => plain.once("listening", listening));
  const address = plain.address();
  const port = typeof address === "object" ? address?.port : 0;
  for (const [endpoint, check, what] of [
    ["https://nowhere.invalid", "endpoint", /nowhere\.invalid has no address/],
    [`https://localhost:${await freePort()}`, "endpoint", /nothing listens at localhost/],
    [`https://localhost:${port}`, "tls", /does not prove by TLS/],
  ] as const) {
    network.use(http.all(`${endpoint}/*`, () => passthrough()));
    configure({ ...CONFIGURED, BUCKETS: { media: { ...media, endpoint, addressing: "path" } } });
    expect(wrongIn(await examine([]))).toMatchObject([
      { check, what: expect.stringMatching(what) },
    ]);
  }
});

test("with several buckets each is examined, and keys begin with the bucket's name", async () => {
  const other = { ...media, canary: undefined, credentials: "OTHER" };
  const ROUTES = [...CONFIGURED.ROUTES, { path: "/other/:preset/*", object: "other/*" }];
  configure({ ...CONFIGURED, ROUTES, BUCKETS: { media, other } }, [
    ...Object.keys(SECRETS),
    "OTHER_ACCESS_KEY_ID",
    "OTHER_SECRET_ACCESS_KEY",
  ]);
  const env = { OTHER_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, OTHER_SECRET_ACCESS_KEY: "another" };
  const told = await examine(["--key", "media/photos/fig.jpg"], { env });
  expect(wrongIn(told)).toMatchObject([
    {
      check: "secret",
      about: expect.stringContaining("bucket other"),
      remedy: expect.stringContaining("OTHER_SECRET_ACCESS_KEY in the environment"),
    },
  ]);
  expect(JSON.stringify(told.findings)).toContain("S3 gives published/photos/fig.jpg");
  const wrong = await examine(["--key", "photos/fig.jpg"], { env });
  expect([wrong.code, wrong.findings, wrong.text]).toEqual([
    2,
    [],
    expect.stringContaining("begin it with the name of its bucket and a slash: media, other"),
  ]);
});
