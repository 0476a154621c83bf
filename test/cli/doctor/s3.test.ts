// What S3 says to the doctor: the strict S3's faults and grants, other dialects, and answers that prove nothing. What
// is wrong with a whole site is in faults.test.ts.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { HttpResponse, http, passthrough } from "msw";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Check, Severity } from "../../../src/cli/doctor/finding.ts";
import { createS3, type S3Fault, type S3Grant } from "../../../src/emulator/s3/s3.ts";
import { CONFIGURED, configure, examine } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import type { Given } from "../../support/cli/vitrine.ts";
import { runFast } from "../../support/clock.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { stage } from "../../support/play.ts";
import { handlersOf } from "../../support/s3-handlers.ts";
import { file, network } from "../../support/stand.ts";

const { media } = CONFIGURED.BUCKETS;
const WITHOUT = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

const xml = (code: string, status: number) =>
  new HttpResponse(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });
const put = (key: string, body = file("made/key.jpg")) =>
  stage.s3.objects.set(key, { body, type: "image/jpeg" });
const mayList = () => stage.s3.faults.delete("no-list-bucket");
const KEYLESS = { env: WITHOUT };
const configureMedia = (settings: object) =>
  configure({ ...CONFIGURED, BUCKETS: { media: { ...media, ...settings } } });

beforeEach(() => {
  configure();
  stage.s3.faults.add("no-list-bucket"); // the key should not be allowed to list
});

/** The check that finds it, and what is seen; undefined: nothing is wrong. */
type Row = readonly [Check, RegExp] | undefined;
const FAULTS: Record<S3Fault | `may ${S3Grant}`, Row> = {
  "no-list-bucket": undefined,
  "revoked-key": ["key-id", /InvalidAccessKeyId/],
  "other-secret": ["secret", /SignatureDoesNotMatch.* this S3 does not know that id$/],
  "expired-token": undefined, // these credentials have no session that could expire
  "ignores-range": undefined,
  "refuses-query": ["parameter", /does not give published\/\S+ by a URL with x-vitrine/],
  "clock-skew": ["clock", /(?:1199|1200) s ahead/],
  "elsewhere-400": ["region", /is in eu-central-1, not in eu-west-1/],
  "elsewhere-301": ["region", /is in eu-central-1/],
  "elsewhere-307": ["region", /is in eu-central-1/],
  SlowDown: ["busy", /503 SlowDown/],
  ServiceUnavailable: ["busy", /503 ServiceUnavailable/],
  InternalError: ["busy", /500 InternalError/],
  archived: ["sample", /key\.jpg is missing, in an archive/],
  reset: ["reachable", /does not answer: fetch failed/],
  stall: ["reachable", /does not answer: timeout/],
  "cut-short": ["sample", /published\/key\.jpg, which is not whole/],
  "stall-midway": ["sample", /not whole \(timeout\)/],
  "may all-read": ["public", /anyone can download published\/key\.jpg without/],
  "may all-list": ["public", /anyone can list it/],
  "may write": ["write", /may write/],
};

test.each(Object.entries(FAULTS))("S3 %s: that is found, and nothing else", async (name, row) => {
  if (name.startsWith("stall")) runFast();
  if (name.startsWith("may ")) stage.s3.grants.add(name.slice(4) as S3Grant);
  else stage.s3.faults.add(name as S3Fault);
  const before = [...stage.s3.objects];
  const wrong = wrongIn(await examine([]));
  const checks = new Set(wrong.map(({ check }) => check));
  expect(checks).toEqual(new Set(row === undefined ? [] : [row[0]]));
  if (row !== undefined) expect(wrong[0]?.seen).toMatch(row[1]);
  expect([...stage.s3.objects]).toEqual(before);
});

type Mistake = readonly [what: string, setUp: () => unknown, Check[], remedy: RegExp, Given?];

/** Mistakes of operators: the checks that find them, and the remedy of the last one. */
test.for<Mistake>([
  [
    "a policy for another prefix",
    () => configureMedia({ prefix: "drafts/" }) && put("drafts/key.jpg"),
    ["sample"],
    /s3:GetObject on arn:aws:s3:::acme-media\/drafts\/\*/,
  ],
  [
    "a space in a secret",
    () => {},
    ["keys"],
    /correct AWS_SECRET_ACCESS_KEY in the environment/,
    { env: { AWS_SECRET_ACCESS_KEY: "a b" } },
  ],
  [
    "half a next slot",
    () => {},
    ["keys"],
    /slot next/,
    { env: { AWS_ACCESS_KEY_ID_NEXT: NEXT.AWS_ACCESS_KEY_ID_NEXT } },
  ],
  ["an unknown key in the next slot", () => {}, ["key-id"], /_ID_NEXT/, { env: NEXT }],
  [
    "no key, and a public bucket",
    () => stage.s3.grants.add("all-read"),
    ["keys", "public"],
    /put-public-access-block/,
    KEYLESS,
  ],
  [
    "no key, and a misspelt bucket",
    () => configureMedia({ bucket: "acme-medias" }),
    ["keys", "bucket"],
    /BUCKETS\.media of wrangler\.toml, correct bucket/,
    KEYLESS,
  ],
  [
    "no key, and another region",
    () => stage.s3.faults.add("elsewhere-301"),
    ["keys", "region"],
    /region = "eu-central-1"/,
    KEYLESS,
  ],
  [
    "a dot in the bucket's name, with virtual addressing",
    () => configureMedia({ bucket: "acme.media", addressing: "virtual" }),
    ["configuration"],
    /BUCKETS\.media\.addressing/,
  ],
])("%s is found", async ([, setUp, checks, remedy, given]) => {
  setUp();
  const wrong = wrongIn(await examine([], given));
  expect(wrong.map(({ check }) => check)).toEqual(checks);
  expect(wrong.at(-1)?.remedy).toMatch(remedy);
});

test("the test write is a part of an upload that does not exist, with a wrong digest", async () => {
  stage.s3.grants.add("write");
  await examine([]);
  const others = stage.s3.requests.filter(({ method }) => method !== "GET");
  const part = ["PUT", "?partNumber=1&uploadId=vitrine-doctor"];
  expect(others.map(({ method, url }) => [method, new URL(url).search])).toEqual([part, part]);
  const signed = others.map(({ headers }) => headers.has("authorization"));
  expect(signed.sort()).toEqual([false, true]);
  for (const { body, headers } of others) {
    expect(body).toBeNull();
    expect(headers.get("content-md5")).not.toBe(createHash("md5").digest("base64"));
    expect(Buffer.from(headers.get("content-md5") ?? "", "base64")).toHaveLength(16);
  }
});

const denied = () => xml("AccessDenied", 403);
const busy = () => xml("SlowDown", 503);
const noUpload = () => xml("NoSuchUpload", 404);
const unsigned = () => xml("SignatureDoesNotMatch", 403);

/** What S3 answers to some requests, in place of the strict S3: nothing that is not certain is wrong. */
const ANSWERS: readonly (readonly [
  to: "PUT" | "list" | "x-vitrine" | "stranger" | "stranger's list",
  answer: () => Response,
  check: Check,
  severity: Severity,
  seen: RegExp,
])[] = [
  ["PUT", denied, "write", "ok", /may not write/],
  ["PUT", unsigned, "write", "note", /unknown: S3 answers 403 SignatureDoesNotMatch$/],
  ["PUT", noUpload, "write", "note", /unknown/],
  ["PUT", noUpload, "public", "warning", /perhaps write/],
  ["list", busy, "list", "note", /unknown/],
  ["list", () => new HttpResponse("<a></a>"), "list", "note", /unknown/],
  ["x-vitrine", busy, "parameter", "note", /unknown/],
  ["x-vitrine", () => xml("InvalidArgument", 400), "parameter", "error", /not give/],
  ["x-vitrine", () => xml("NotImplemented", 501), "parameter", "error", /not give/],
  ["stranger", () => xml("InvalidArgument", 400), "public", "ok", /private/],
  ["stranger's list", () => HttpResponse.error(), "public", "note", /unknown: S3 does not answer/],
  ["stranger's list", busy, "public", "note", /unknown: S3 answers 503 SlowDown$/],
];

test.each(ANSWERS)("S3 answers %s otherwise, %o: %s", async (to, answer, check, severity, seen) => {
  network.use(
    http.all(/amazonaws/, ({ request: { url, method, headers } }) => {
      const isStranger = method === "GET" && !headers.has("authorization");
      const isList = url.includes("list-type=2");
      const is = {
        PUT: method === "PUT",
        list: isList,
        "x-vitrine": url.includes("x-vitrine="),
        stranger: isStranger,
        "stranger's list": isStranger && isList,
      };
      return is[to] ? answer() : undefined;
    }),
  );
  const { findings } = await examine([]);
  expect(findings.filter((one) => one.check === check)).toMatchObject([
    { severity, seen: expect.stringMatching(seen) },
  ]);
});

test("a connection that breaks once is no fault", async () => {
  for (const path of [/list-type=2/, /vitrine-doctor-/, /key\.jpg/]) {
    network.use(http.get(path, () => HttpResponse.error(), { once: true }));
  }
  expect(wrongIn(await examine([]))).toEqual([]);
});

test("all that anyone may do without a key is named", async () => {
  stage.s3.grants.add("all-read").add("all-list");
  network.use(http.put(/amazonaws/, () => new HttpResponse(null)));
  const { findings } = await examine([], { env: WITHOUT });
  expect(findings.find(({ check }) => check === "public")?.seen).toMatch(
    /anyone can download published\/key\.jpg and list it and write to it without a key: this test left an empty object to remove, published\/vitrine-doctor-/,
  );
});

test("with a store a key may list", async () => {
  const answers = { ...CONFIGURED, ANSWERS: { ...CONFIGURED.ANSWERS, store: "RENDITIONS" } };
  configure(answers, undefined, '[[r2_buckets]]\nbinding = "RENDITIONS"');
  mayList();
  expect(wrongIn(await examine([]))).toEqual([]);
});

test("an object too large for the edge is not read to its end (L1)", async () => {
  let given = 0;
  network.use(
    http.get(/key\.jpg$/, ({ request }) => {
      if (!request.headers.has("authorization")) return undefined;
      const pull = (controller: ReadableStreamDefaultController) => {
        given += 1;
        if (given > 1000) return controller.error(new Error("too much is read"));
        controller.enqueue(new Uint8Array(1e6));
      };
      return new HttpResponse(new ReadableStream({ pull }));
    }),
  );
  const [found] = wrongIn(await examine([]));
  expect(found).toMatchObject({ check: "sample", seen: expect.stringMatching(/over 100 MB$/) });
  expect(given).toBeLessThan(110);
});

test("at most the end of a key id is reported, and nothing of a short one", async () => {
  for (const AWS_ACCESS_KEY_ID of ["minio-root", "root", "me"]) {
    const { findings, text } = await examine([], { env: { AWS_ACCESS_KEY_ID } });
    expect(JSON.stringify(findings) + text).not.toMatch(`key ${AWS_ACCESS_KEY_ID}`);
    expect(JSON.stringify(findings)).not.toContain(`…${AWS_ACCESS_KEY_ID}`);
  }
});

test("a dead current slot is a warning if the next slot works", async () => {
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  expect(wrongIn(await examine([], { env: NEXT }))).toMatchObject([
    { check: "key-id", severity: "warning", impact: "only slot next works" },
  ]);
});

test("R2's own error codes are understood (A7)", async () => {
  const r2 = "https://account.r2.cloudflarestorage.com";
  const place = { endpoint: r2, bucket: "media", region: "auto" };
  const s3 = createS3({ ...place, credentials: CREDENTIALS, dialect: "r2", now: Date.now });
  network.use(...handlersOf(s3));
  configure({ ...CONFIGURED, BUCKETS: { media: place } });
  s3.keys.clear();
  expect(wrongIn(await examine([]))).toMatchObject([
    { check: "key-id", seen: expect.stringContaining("Unauthorized") },
  ]);
});

test.each<[string, Response, Check]>([
  ["a web server", new HttpResponse("<h1>Hello</h1>"), "endpoint"],
  ["a 404 without an S3 code", new HttpResponse("Not found", { status: 404 }), "sample"],
  ["a 405 without an S3 code", new HttpResponse("No", { status: 405 }), "endpoint"],
])("an endpoint that is %s is found, and not called public", async (_title, answer, check) => {
  network.use(http.all(/amazonaws/, () => answer.clone()));
  const checks = wrongIn(await examine([])).map((one) => one.check);
  expect(checks).toContain(check);
  expect(checks).not.toContain("public");
});

test("hosts that do not exist, do not listen, or have no TLS are told apart, on real sockets", async () => {
  const plain = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
  onTestFinished(() => void plain.close());
  await new Promise((listening) => plain.once("listening", listening));
  const address = plain.address();
  const port = typeof address === "object" ? address?.port : 0;
  for (const [endpoint, seen] of [
    ["https://nowhere.invalid", /ENOTFOUND|EAI_AGAIN/],
    [`https://localhost:${await freePort()}`, /ECONNREFUSED/],
    [`https://localhost:${port}`, /does not answer: (?:ERR_SSL|EPROTO)/],
  ] as const) {
    network.use(http.all(`${endpoint}/*`, () => passthrough()));
    configureMedia({ endpoint, addressing: "path" });
    expect(wrongIn(await examine([]))).toMatchObject([
      { check: "reachable", seen: expect.stringMatching(seen) },
    ]);
  }
});
