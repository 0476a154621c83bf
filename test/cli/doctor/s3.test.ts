// Whatever S3 or its setup does wrong, the doctor names the cause and the remedy.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { HttpResponse, http, passthrough } from "msw";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Check } from "../../../src/cli/doctor/checks/index.ts";
import type { Severity } from "../../../src/cli/doctor/finding.ts";
import { createS3, type S3Fault, type S3Grant } from "../../../src/emulator/s3/s3.ts";
import { CONFIGURED, configure, examine } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { stage } from "../../support/play.ts";
import { handlersOf } from "../../support/s3-handlers.ts";
import { file, network } from "../../support/stand.ts";

/** The first finding. */
type Row = readonly [severity: Severity, check: Check, what: RegExp, remedy: RegExp];

const { media } = CONFIGURED.BUCKETS;
const { endpoint, bucket, region } = media;
const WITHOUT = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

const xml = (code: string, status: number) =>
  new HttpResponse(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

beforeEach(() => {
  configure();
  // The key should not be allowed to list.
  stage.s3.faults.add("no-list-bucket");
});

test("a healthy bucket has no errors and no warnings", async () => {
  const report = await examine([]);
  expect(wrongIn(report)).toEqual([]);
  expect(report.code).toBe(0);
  const checks = report.findings.map(({ check }) => check);
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
  /is in eu-central-1, not in eu-west-1/,
  /region = "eu-central-1"/,
];
const BUSY = (what: RegExp): Row => ["warning", "busy", what, /status page/];

const FAULTS: Record<S3Fault, Row | undefined> = {
  "no-list-bucket": undefined,
  "revoked-key": [
    "warning",
    "key-id",
    /InvalidAccessKeyId/,
    /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY out of the environment/,
  ],
  "other-secret": [
    "warning",
    "secret",
    /SignatureDoesNotMatch/,
    /AWS_SECRET_ACCESS_KEY in the environment/,
  ],
  // These credentials have no session that could expire: see checks.test.ts.
  "expired-token": undefined,
  "ignores-range": undefined,
  "refuses-query": [
    "error",
    "parameter",
    /does not give published\/\S+ by a URL with x-vitrine/,
    /source_parameter = false/,
  ],
  "clock-skew": ["error", "clock", /(?:1199|1200) s ahead of/, /timedatectl/],
  "elsewhere-400": ELSEWHERE,
  "elsewhere-301": ELSEWHERE,
  "elsewhere-307": ELSEWHERE,
  SlowDown: BUSY(/503 SlowDown/),
  ServiceUnavailable: BUSY(/503 ServiceUnavailable/),
  InternalError: BUSY(/500 InternalError/),
  archived: [
    "error",
    "sample",
    /key\.jpg is in an archive/,
    /restore-object --bucket acme-media --key published\/key\.jpg --restore/,
  ],
  reset: ["error", "reachable", /closes the connection/, /status page/],
  stall: ["error", "reachable", /does not answer in time/, /firewall/],
  "cut-short": [
    "error",
    "sample",
    /begins to send published\/key\.jpg, then closes the connection/,
    /status page/,
  ],
  "stall-midway": [
    "error",
    "sample",
    /begins to send published\/key\.jpg, then stops$/,
    /--timeout 60/,
  ],
};

test.each(Object.entries(FAULTS))(
  "the S3 fault %s is found, and nothing else",
  async (fault, row) => {
    stage.s3.faults.add(fault as S3Fault);
    const report = await examine(["--timeout", "0.4"]);
    const wrong = wrongIn(report);
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
    expect(report.code).toBe(severity === "error" ? 2 : 1);
  },
);

const GRANTS: Record<S3Grant, Row> = {
  "all-read": [
    "error",
    "public",
    /anyone can download published\/key\.jpg/,
    /put-public-access-block --bucket acme-media/,
  ],
  "all-list": ["error", "public", /anyone can list it/, /put-public-access-block/],
  write: [
    "warning",
    "write",
    /s3:PutObject/,
    /s3:GetObject on arn:aws:s3:::acme-media\/published\/\*/,
  ],
};

test.each(Object.entries(GRANTS))(
  "a policy that allows too much is found: %s",
  async (grant, [severity, check, what, remedy]) => {
    stage.s3.grants.add(grant as S3Grant);
    const before = [...stage.s3.objects];
    const report = await examine([]);
    expect(wrongIn(report)).toEqual([
      expect.objectContaining({
        severity,
        check,
        what: expect.stringMatching(what),
        remedy: expect.stringMatching(remedy),
      }),
    ]);
    expect(report.code).toBe(severity === "error" ? 2 : 1);
    expect([...stage.s3.objects]).toEqual(before);
  },
);

test("a key that may list is a warning (A13)", async () => {
  stage.s3.faults.clear();
  const report = await examine([]);
  expect(wrongIn(report)).toMatchObject([{ severity: "warning", check: "list" }]);
  expect(report.code).toBe(1);
});

test("with a store a key has to list, and the bucket may have no public address (A6, T7)", async () => {
  const answers = { ...CONFIGURED, ANSWERS: { ...CONFIGURED.ANSWERS, store: "RENDITIONS" } };
  const binding = '[[r2_buckets]]\nbinding = "RENDITIONS"\njurisdiction = "eu"';
  configure(answers, undefined, binding);
  const denied = await examine([]);
  expect(wrongIn(denied)).toMatchObject([{ severity: "warning", cause: "list-for-store" }]);
  expect(denied.findings).toContainEqual({
    ...{ about: "store RENDITIONS: the R2 bucket vitrine-renditions", check: "public" },
    severity: "note",
    what: expect.stringContaining(
      "npx wrangler r2 bucket dev-url get vitrine-renditions --jurisdiction eu, and npx wrangler r2 bucket domain list vitrine-renditions --jurisdiction eu",
    ),
  });
  stage.s3.faults.clear();
  expect(wrongIn(await examine([]))).toEqual([]);
});

test("without a store it says what one would save", async () => {
  const { findings } = await examine([]);
  const notes = findings.filter(({ what }) => what.startsWith("there is no store: "));
  expect(notes).toMatchObject([{ check: "configuration", severity: "note" }]);
});

const WITH_PARAMETER = /\/published\/key\.jpg\?x-vitrine=[0-9a-f]{32}$/;
const NOT_IGNORED = /^S3 does not give published\/key\.jpg by a URL with x-vitrine/;

test.each<[string, (() => Response) | undefined, Severity, RegExp]>([
  ["ignores it", undefined, "ok", /^S3 ignores x-vitrine/],
  ["finds it invalid", () => xml("InvalidArgument", 400), "error", NOT_IGNORED],
  ["does not implement it", () => xml("NotImplemented", 501), "error", NOT_IGNORED],
  ["signs without it", () => xml("SignatureDoesNotMatch", 403), "error", NOT_IGNORED],
  ["is busy", () => xml("SlowDown", 503), "note", /unknown: S3 answers 503 SlowDown$/],
])("S3 %s: the parameter x-vitrine (A15)", async (_what, answer, severity, what) => {
  const asked: (readonly [url: string, isSigned: boolean])[] = [];
  network.use(
    http.get(/amazonaws/, ({ request: { url, headers } }) => {
      if (!url.includes("x-vitrine=")) return undefined;
      asked.push([url, headers.has("authorization")]);
      return answer?.();
    }),
  );
  const { findings } = await examine([]);
  const found = findings.filter(({ check }) => check === "parameter");
  expect(found).toMatchObject([{ severity, what: expect.stringMatching(what) }]);
  if (severity === "error") {
    expect(found[0]?.remedy).toMatch(
      /in BUCKETS\.media of wrangler\.toml, set source_parameter = false.*engine = "binding"/,
    );
  }
  expect(asked).toEqual([[expect.stringMatching(WITH_PARAMETER), true]]);
});

test.each([{ source_parameter: false }, { engine: "binding" }])(
  "a bucket with %j is not asked for x-vitrine (A15)",
  async (settings) => {
    const vars = {
      ...CONFIGURED,
      BUCKETS: { media: { ...CONFIGURED.BUCKETS.media, ...settings } },
    };
    configure(vars, Object.keys(SECRETS), '[images]\nbinding = "IMAGES"');
    const { findings } = await examine([]);
    const checks = findings.map(({ check }) => check);
    expect([checks.includes("sample"), checks.includes("parameter")]).toEqual([true, false]);
  },
);

test("no request can change anything: the test write is a part of an upload that does not exist", async () => {
  stage.s3.grants.add("write");
  await examine([]);
  const others = stage.s3.requests.filter(({ method }) => method !== "GET");
  const part = ["PUT", "?partNumber=1&uploadId=vitrine-doctor"];
  expect(others.map(({ method, url }) => [method, new URL(url).search])).toEqual([part, part]);
  const signed = others.map(({ headers }) => headers.has("authorization"));
  expect(signed.sort()).toEqual([false, true]);
  for (const { body, headers } of others) {
    expect(body).toBeNull();
    // An S3 that takes it for an object must refuse it, because the digest is wrong.
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
    /this test left an empty object to remove, published\/vitrine-doctor-[\w-]+$/,
  ],
  ["denies access", () => xml("AccessDenied", 403), "ok", /^the key may not write$/],
  [
    "finds the signature wrong",
    () => xml("SignatureDoesNotMatch", 403),
    "note",
    /^whether the key may write to media is unknown: S3 answers 403 SignatureDoesNotMatch$/,
  ],
  [
    "does not know the key then",
    () => new HttpResponse(null, { status: 403 }),
    "note",
    /^whether the key may write to media is unknown: S3 answers 403$/,
  ],
  [
    "tells everyone that there is no such upload",
    () => xml("NoSuchUpload", 404),
    "note",
    /^whether the key may write to media is unknown: S3 answers 404 NoSuchUpload$/,
  ],
])("S3 %s in answer to the test write", async (_what, answer, severity, what) => {
  network.use(http.put(/amazonaws/, ({ request }) => answer(request.headers.has("authorization"))));
  const { findings } = await examine([]);
  expect(findings.filter(({ check }) => check === "write")).toMatchObject([
    { severity, what: expect.stringMatching(what) },
  ]);
});

test.each<[string, () => Response, Severity, RegExp]>([
  [
    "learns that there is no such upload",
    () => xml("NoSuchUpload", 404),
    "warning",
    /^perhaps anyone can write to it: without a key, S3 answers 404 NoSuchUpload$/,
  ],
  [
    "may put an object",
    () => new HttpResponse(null, { status: 200 }),
    "error",
    /^anyone can write to it without a key: this test left an empty object to remove, publ/,
  ],
])("anyone who %s without a key may perhaps write", async (_what, answer, severity, what) => {
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

test.each<[may: readonly S3Grant[], put: () => Response, severity: Severity, what: RegExp]>([
  [
    ["all-list"],
    () => xml("NoSuchUpload", 404),
    "error",
    /^the bucket is public: anyone can list it, and perhaps write to it, without a key$/,
  ],
  [
    ["all-read", "all-list"],
    () => new HttpResponse(null, { status: 200 }),
    "error",
    /anyone can download published\/key\.jpg, list it and write to it without a key: this test left an empty object to remove, published\/vitrine-doctor-/,
  ],
  [
    ["all-read", "all-list"],
    () => xml("AccessDenied", 403),
    "error",
    /^the bucket is public: anyone can download published\/key\.jpg and list it without a key$/,
  ],
])("all that anyone may do without a key is named: %j", async (may, put, severity, what) => {
  for (const grant of may) stage.s3.grants.add(grant);
  network.use(http.put(/amazonaws/, put));
  const { findings } = await examine([], { env: WITHOUT });
  expect(findings.filter(({ check }) => check === "public")).toMatchObject([
    { severity, what: expect.stringMatching(what) },
  ]);
});

test("a bucket with more prefixes than are listed has others, too", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: { ...own, prefix: "publishd/" } } });
  const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, now: Date.now });
  for (let at = 10; at < 31; at++) {
    s3.objects.set(`year-${at}/a.jpg`, { body: new Uint8Array(), type: "image/jpeg" });
  }
  network.use(...handlersOf(s3));
  const [, prefix] = wrongIn(await examine([]));
  expect(prefix?.remedy).toMatch(
    /the bucket has "year-10\/", .*"year-29\/", and more\. Then npx vitrine deploy$/,
  );
});

test("SignatureDoesNotMatch does not prove that S3 knows the key id", async () => {
  stage.s3.faults.add("other-secret");
  const [wrong] = wrongIn(await examine([]));
  expect(wrong).toMatchObject({
    check: "secret",
    what: "S3 finds the signature wrong (SignatureDoesNotMatch): the secret does not belong to the access key id, or this S3 does not know that id",
    remedy: expect.stringMatching(
      /AWS_SECRET_ACCESS_KEY in the environment\. If .* correct AWS_ACCESS_KEY_ID$/,
    ),
  });
});

test.each<[string, () => Response, what: RegExp]>([
  ["is busy", () => xml("SlowDown", 503), /could not be listed \(S3 answers 503 SlowDown\)/],
  [
    "answers with no list",
    () => new HttpResponse("<a></a>", { headers: { "content-type": "application/xml" } }),
    /could not be listed \(S3 answers 200: its answer is not a list\)/,
  ],
  ["breaks off", () => HttpResponse.error(), /could not be listed \(S3 does not answer: /],
  [
    "denies it",
    () => xml("AccessDenied", 403),
    /^no image of this bucket is known \(the key may not list it\), so nobody checked/,
  ],
])("if S3 %s when asked for a list, the doctor says so of images", async (_what, answer, what) => {
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  network.use(
    http.get(/amazonaws/, ({ request }) =>
      request.url.includes("list-type=2") ? answer() : undefined,
    ),
  );
  expect(wrongIn(await examine([]))).toMatchObject([
    { check: "sample", severity: "warning", what: expect.stringMatching(what) },
  ]);
});

test("a listed image that the key may not read is named", async () => {
  mayList();
  const { canary: _canary, prefix: _prefix, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  stage.s3.objects.clear();
  put("drafts/a.jpg");
  const [, sample] = wrongIn(await examine([]));
  expect(sample).toMatchObject({
    ...{ check: "sample", severity: "warning" },
    what: "the key may not read drafts/a.jpg, which is in the bucket (AccessDenied)",
  });
});

test.each<[string, () => Response]>([
  ["is busy", () => xml("SlowDown", 503)],
  ["finds the signature wrong", () => xml("SignatureDoesNotMatch", 403)],
  ["does not know the key then", () => xml("InvalidAccessKeyId", 403)],
  ["answers 401 without a code", () => new HttpResponse(null, { status: 401 })],
  ["breaks off", () => HttpResponse.error()],
  ["answers with no list", () => new HttpResponse("<ListBucketResult></ListBucketResult>")],
])(
  "if S3 %s when asked for a list, it is unknown whether the key may list",
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
        what: expect.stringMatching(/^whether the key may list .* is unknown/),
      },
    ]);
  },
);

test("public read access is only tested with an object that exists", async () => {
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

test("an object too large for the edge is not read to its end (L1)", async () => {
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
      what: "S3 returns published/key.jpg, which is over 100 MB",
    },
  ]);
  expect(given).toBeLessThan(110);
});

test("at most the end of a key id is reported, and nothing of a short one", async () => {
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

/** Mistakes of operators: the checks that find them, then the texts of the last finding. */
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
    /is in eu-west-1, not in eu-central-1/,
    /region = "eu-west-1"/,
  ],
  [
    "a prefix that does not exist",
    { vars: () => ({ ...media, prefix: "publishd/" }), s3: mayList },
    ["list", "prefix"],
    /no object below the prefix "publishd\/"/,
    /^correct BUCKETS\.media\.prefix/,
  ],
  [
    "the prefix written twice",
    { vars: () => ({ ...media, prefix: "published/published/" }) },
    ["sample"],
    /may not read published\/published\/key\.jpg, or it does not exist/,
    /correct prefix/,
  ],
  [
    "a policy for another prefix",
    { vars: () => ({ ...media, prefix: "drafts/" }), s3: () => void put("drafts/key.jpg") },
    ["sample"],
    /the key may not read drafts\/key\.jpg/,
    /s3:GetObject on arn:aws:s3:::acme-media\/drafts\/\*/,
  ],
  [
    "a canary that does not exist",
    { vars: () => ({ ...media, canary: "nothing.jpg" }), s3: mayList },
    ["list", "sample"],
    /published\/nothing\.jpg is not in the bucket/,
    /correct canary or prefix/,
  ],
  [
    "a canary that is not an image",
    { vars: () => ({ ...media, canary: "broken/page.jpg" }) },
    ["sample"],
    /no image/,
    /name another one/,
  ],
  [
    "a temporary key",
    { env: { AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" } },
    ["session"],
    /temporary credentials.*AWS_ACCESS_KEY_ID/,
    /deploy none of them/,
  ],
  [
    "half a slot",
    { env: { AWS_SECRET_ACCESS_KEY: undefined } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY is missing/,
    /correct it in the environment/,
  ],
  [
    "a space in a secret",
    { env: { AWS_SECRET_ACCESS_KEY: "a b" } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY has an invalid character/,
    /./,
  ],
  [
    "half a next slot",
    { env: { AWS_ACCESS_KEY_ID_NEXT: NEXT.AWS_ACCESS_KEY_ID_NEXT } },
    ["keys"],
    /AWS_SECRET_ACCESS_KEY_NEXT is missing/,
    /slot next/,
  ],
  [
    "no key at hand",
    { env: WITHOUT },
    ["keys"],
    /there are no keys at hand/,
    /--secrets-file secrets\.env/,
  ],
  [
    "no key at hand, and a public bucket",
    { env: WITHOUT, s3: () => stage.s3.grants.add("all-read") },
    ["keys", "public"],
    /anyone can download published\/key\.jpg/,
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
    "an object that does not exist",
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

test("without a key, a busy S3 is found", async () => {
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
])("a clock that is %d s off, in either direction: %s", async (seconds, severity) => {
  for (const way of [1, -1]) {
    const now = () => Date.now() + way * seconds * 1000 - 500;
    const { findings } = await examine([], { now });
    expect(findings.find(({ check }) => check === "clock")).toMatchObject({
      severity,
      what: expect.stringContaining(
        way > 0 ? "s behind this machine's" : "s ahead of this machine's",
      ),
    });
  }
});

test("it is reported if public access cannot be determined", async () => {
  network.use(
    http.get(/amazonaws/, ({ request }) => {
      if (request.headers.has("authorization")) return undefined;
      return new HttpResponse(null, { status: 500 });
    }),
  );
  const { findings } = await examine([]);
  expect(findings.find(({ check }) => check === "public")).toMatchObject({
    severity: "note",
    what: "whether the bucket is public is unknown: S3 answers 500 and 500 without a key",
  });
});

test("if the key may list, a wrong prefix is reported with the prefixes that exist", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  for (const settings of [own, media]) {
    configure({ ...CONFIGURED, BUCKETS: { media: { ...settings, prefix: "publishd/" } } });
    // Here the policy covers the whole bucket.
    const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, now: Date.now });
    s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
    network.use(...handlersOf(s3));
    const wrong = wrongIn(await examine([]));
    expect(wrong.map(({ check }) => check)).toEqual(["list", "prefix"]);
    expect(wrong[1]).toMatchObject({
      what: 'there is no object below the prefix "publishd/"',
      remedy:
        'correct BUCKETS.media.prefix in wrangler.toml: the bucket has "published/". Then npx vitrine deploy',
    });
    s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
    const [, found] = wrongIn(await examine(["--key", "key.jpg"]));
    expect(found?.what).toBe(
      'publishd/key.jpg is missing, but key.jpg exists: the prefix "publishd/" is wrong',
    );
  }
});

test("without a canary or --key, a listed image is checked", async () => {
  mayList();
  const { canary: _canary, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  const { findings } = await examine([]);
  expect(findings.find(({ check }) => check === "sample")?.what).toMatch(
    /^S3 returns published\/animated\.gif: .* image\/gif$/,
  );
  stage.s3.faults.add("no-list-bucket");
  const [none] = wrongIn(await examine([]));
  expect(none).toMatchObject({
    check: "sample",
    severity: "warning",
    remedy: expect.stringContaining("--key"),
  });
});

test("a file that only looks like an image is skipped, and others are not fetched", async () => {
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

test("an empty bucket without a prefix is not blamed on the prefix", async () => {
  mayList();
  const { canary: _canary, prefix: _prefix, ...own } = media;
  configure({ ...CONFIGURED, BUCKETS: { media: own } });
  stage.s3.objects.clear();
  expect(wrongIn(await examine([])).map(({ check }) => check)).toEqual(["list", "sample"]);
});

test("a dead current slot is a warning if the next slot works", async () => {
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const report = await examine([], { env: NEXT });
  expect(wrongIn(report)).toMatchObject([
    { check: "key-id", severity: "warning", why: "only slot next works" },
  ]);
  expect(report.code).toBe(1);
});

test("R2's own error codes are understood (A7)", async () => {
  const endpoint = "https://account.r2.cloudflarestorage.com";
  const settings = { endpoint, bucket: "media", region: "auto", credentials: CREDENTIALS };
  const r2 = createS3({ ...settings, dialect: "r2", now: Date.now });
  network.use(...handlersOf(r2));
  configure({ ...CONFIGURED, BUCKETS: { media: { endpoint, bucket: "media", region: "auto" } } });
  r2.keys.clear();
  expect(wrongIn(await examine([]))).toMatchObject([
    { check: "key-id", what: expect.stringContaining("Unauthorized") },
  ]);
});

test.each([
  [
    "a web server",
    new HttpResponse("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }),
    "endpoint",
  ],
  ["a 404 without an S3 code", new HttpResponse("Not found", { status: 404 }), "sample"],
  ["a 405 without an S3 code", new HttpResponse("No", { status: 405 }), "endpoint"],
  [
    "a redirect",
    new HttpResponse(null, { status: 302, headers: { location: "https://example.com/" } }),
    "endpoint",
  ],
])("an endpoint that is %s is found", async (_what, answer, check) => {
  network.use(http.all(/amazonaws/, () => answer.clone()));
  const wrong = wrongIn(await examine([]));
  expect(wrong.map((one) => one.check)).toContain(check);
  // A server that is not an S3 is not reported as public.
  expect(wrong.map((one) => one.check)).not.toContain("public");
});

test("hosts that do not exist, do not listen, or have no TLS are told apart, on real sockets", async () => {
  const plain = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
  onTestFinished(() => void plain.close());
  await new Promise((listening) => plain.once("listening", listening));
  const address = plain.address();
  const port = typeof address === "object" ? address?.port : 0;
  for (const [endpoint, check, what] of [
    ["https://nowhere.invalid", "endpoint", /nowhere\.invalid has no address/],
    [`https://localhost:${await freePort()}`, "endpoint", /nothing listens at localhost/],
    [`https://localhost:${port}`, "tls", /no valid TLS certificate/],
  ] as const) {
    network.use(http.all(`${endpoint}/*`, () => passthrough()));
    configure({ ...CONFIGURED, BUCKETS: { media: { ...media, endpoint, addressing: "path" } } });
    expect(wrongIn(await examine([]))).toMatchObject([
      { check, what: expect.stringMatching(what) },
    ]);
  }
});

test("--key that may be the bucket's name or the key's beginning is refused", async () => {
  const report = await examine(["--key", "media/-1.jpg"]);
  expect([report.code, report.findings, report.text]).toEqual([
    2,
    [],
    expect.stringContaining("Write --key=-1.jpg or --key media/media/-1.jpg\n"),
  ]);
  const read = await examine(["--key=-1.jpg"]);
  expect(JSON.stringify(read.findings)).toContain("published/-1.jpg");
  const key = await examine(["--key", "media/media/fig.jpg"]);
  expect(JSON.stringify(key.findings)).toContain("published/media/fig.jpg");
});

test("--key of a bucket that no route leads to is refused", async () => {
  configure({ ...CONFIGURED, BUCKETS: { media, idle: media } });
  expect(await examine(["--key", "idle/a.jpg"])).toMatchObject({
    code: 2,
    text: expect.stringContaining("--key idle/a.jpg: no route leads to the bucket idle\n"),
  });
});

test("each of several buckets is examined, and --key begins with the bucket's name", async () => {
  const other = { ...media, canary: undefined, credentials: "OTHER" };
  const ROUTES = [...CONFIGURED.ROUTES, { path: "/other/:preset/*", object: "other/*" }];
  configure({ ...CONFIGURED, ROUTES, BUCKETS: { media, other } }, [
    ...Object.keys(SECRETS),
    "OTHER_ACCESS_KEY_ID",
    "OTHER_SECRET_ACCESS_KEY",
  ]);
  const env = { OTHER_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, OTHER_SECRET_ACCESS_KEY: "another" };
  const report = await examine(["--key", "media/photos/fig.jpg"], { env });
  expect(wrongIn(report)).toMatchObject([
    {
      check: "secret",
      about: expect.stringContaining("bucket other"),
      remedy: expect.stringContaining("OTHER_SECRET_ACCESS_KEY in the environment"),
    },
  ]);
  expect(JSON.stringify(report.findings)).toContain("S3 returns published/photos/fig.jpg");
  const wrong = await examine(["--key", "photos/fig.jpg"], { env });
  expect([wrong.code, wrong.findings, wrong.text]).toEqual([
    2,
    [],
    expect.stringMatching(
      /^--key photos\/fig\.jpg: .* --key media\/photos\/fig\.jpg or --key other\//m,
    ),
  ]);
});
