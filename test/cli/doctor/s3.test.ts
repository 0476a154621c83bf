// What S3 says to the doctor: the strict S3's faults and grants, other dialects, and answers that prove nothing. What
// is wrong with a whole site is in faults.test.ts.

import { createServer } from "node:http";
import { HttpResponse, http, passthrough } from "msw";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Check, Finding, Severity } from "../../../src/cli/doctor/finding.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { beginSite, CONFIGURED, checksOf, configure, examine } from "../../support/cli/doctor.ts";
import { expectFindings, problemsOf } from "../../support/cli/findings.ts";
import { runFast } from "../../support/clock.ts";
import { credentialsIn } from "../../support/credentials-in.ts";
import { network } from "../../support/emulators.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { handlersOf, s3Error } from "../../support/network.ts";
import { stage } from "../../support/run-worker.ts";
import { S3_FAULT_ROWS } from "../../support/tables/s3-faults.ts";

const { media } = CONFIGURED.BUCKETS;
const KEYLESS = { env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined } };

const configureMedia = (settings: object) =>
  configure({ ...CONFIGURED, BUCKETS: { media: { ...media, ...settings } } });

beforeEach(() => beginSite());

/** The check that finds a fault. */
const FOUND = Object.fromEntries(
  Object.entries(S3_FAULT_ROWS)
    .filter(([fault]) => fault !== "no-list-bucket") // as it should be
    .map(([fault, { check }]) => [fault, check]),
);
const GRANTED = { "all-read": "public", "all-list": "public" } as const;

/** Runs the doctor with each fault, or grant. @returns what it finds: one check, and nothing else */
async function findFaults(faults: Readonly<Record<string, Check | undefined>>) {
  const cases: [string, Finding[]][] = [];
  for (const [name, check] of Object.entries(faults)) {
    beginSite();
    const set: Set<string> = name in GRANTED ? stage.s3.grants : stage.s3.faults;
    set.add(name);
    const before = [...stage.s3.objects];
    const wrong = problemsOf(await examine([]));
    const checks = [...new Set(wrong.map((one) => one.check))];
    expect([name, checks]).toEqual([name, check === undefined ? [] : [check]]);
    expect([...stage.s3.objects]).toEqual(before);
    if (name !== "clock-skew") cases.push([name, wrong]); // it has a time
  }
  return cases;
}

const { reset, stall, "stall-midway": midway, ...AT_ONCE } = FOUND;

test("each fault of S3 is found, and nothing else is, nor is anything changed (A5, A6, A7, A9)", async () =>
  expectFindings("s3-faults.txt", await findFaults({ ...AT_ONCE, ...GRANTED })));

test("an S3 that keeps the doctor waiting is found", async () => {
  runFast(100);
  const slow = { reset, stall, "stall-midway": midway };
  await expectFindings("s3-waits.txt", await findFaults(slow));
});

test("slots and keys of this machine, and a name that breaks TLS", async () => {
  const cases: [string, Finding[]][] = [];
  const find = async (title: string, options?: Parameters<typeof examine>[1]) =>
    cases.push([title, problemsOf(await examine([], options))]);
  await find("a space in a secret", { env: { AWS_SECRET_ACCESS_KEY: "a b" } });
  await find("half a next slot", { env: { ...NEXT, AWS_SECRET_ACCESS_KEY_NEXT: undefined } });
  await find("an unknown key in the next slot", { env: NEXT });
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  await find("a dead current slot, and a next slot that works", { env: NEXT });
  stage.s3.grants.add("all-read").add("all-list");
  await find("no key, and all that anyone may do", KEYLESS);
  configureMedia({ bucket: "acme-medias" });
  await find("no key, and a misspelt bucket", KEYLESS);
  configureMedia({ bucket: "acme.media", addressing: "virtual" });
  await find("a dot in the bucket's name, with virtual addressing");
  await expectFindings("s3-keys.txt", cases);
});

test("the doctor sends GETs alone, whatever a key may do", async () => {
  stage.s3.grants.add("write");
  await examine([]);
  expect(new Set(stage.s3.requests.map(({ method }) => method))).toEqual(new Set(["GET"]));
});

test("no finding repeats a key id, a signature or a sentence that S3 answers", async () => {
  const sent: string[] = [];
  network.use(
    http.all(/amazonaws/, ({ request }) => {
      const [, id = "", signature = ""] = credentialsIn(request);
      sent.push(id, signature);
      const headers = { "x-amz-bucket-region": "eu-west-2: run npx evil" };
      return new HttpResponse(`<Code>${sent.length % 4 ? id : signature}</Code>`, {
        status: 403,
        headers,
      });
    }),
  );
  const text = JSON.stringify(await examine([]));
  expect(sent).toContain(CREDENTIALS.accessKeyId);
  for (const secret of [...sent.filter(Boolean), "npx evil"]) expect(text).not.toContain(secret);
});

/** What S3 answers to some requests, in place of the strict S3: nothing that is not certain is wrong. */
const ANSWERS: readonly (readonly [
  to: "x-vitrine" | "stranger" | "stranger's list",
  answer: () => Response,
  check: Check,
  severity: Severity,
])[] = [
  ["x-vitrine", () => s3Error("SlowDown", 503), "parameter", "note"],
  ["x-vitrine", () => s3Error("InvalidArgument", 400), "parameter", "error"],
  ["x-vitrine", () => s3Error("NotImplemented", 501), "parameter", "error"],
  ["stranger", () => s3Error("InvalidArgument", 400), "public", "ok"],
  ["stranger", () => s3Error("TooManyRequests", 429), "public", "note"],
  ["stranger's list", () => HttpResponse.error(), "public", "note"],
  ["stranger's list", () => s3Error("SlowDown", 503), "public", "note"],
];

test("other answers of S3: what is not certain is no fault (A15)", async () => {
  for (const [row, [to, answer, check, severity]] of ANSWERS.entries()) {
    beginSite();
    network.use(
      http.all(/amazonaws/, ({ request: { url, method, headers } }) => {
        const isStranger = method === "GET" && !headers.has("authorization");
        const isList = url.includes("list-type=2");
        const is = {
          "x-vitrine": url.includes("x-vitrine="),
          stranger: isStranger,
          "stranger's list": isStranger && isList,
        };
        return is[to] ? answer() : undefined;
      }),
    );
    const { findings } = await examine([]);
    const severities = findings.filter((one) => one.check === check).map((one) => one.severity);
    expect([row, severities]).toEqual([row, [severity]]);
  }
});

test("a region that S3 names beside a good answer changes no setting (A5)", async () => {
  const headers = { "x-amz-bucket-region": "us-east-2" };
  network.use(
    http.get(/vitrine-doctor-/, () => {
      const body = "<Error><Code>NoSuchKey</Code></Error>";
      return new HttpResponse(body, { status: 404, headers });
    }),
  );
  expect(await checksOf([])).toEqual([]);
});

test("a connection that breaks once is no fault", async () => {
  for (const path of [/list-type=2/, /vitrine-doctor-/, /key\.jpg/]) {
    network.use(http.get(path, () => HttpResponse.error(), { once: true }));
  }
  expect(await checksOf([])).toEqual([]);
});

test("an object too large for the edge is not read to its end (L1)", async () => {
  let chunks = 0;
  network.use(
    http.get(/key\.jpg$/, ({ request }) => {
      if (!request.headers.has("authorization")) return undefined;
      const pull = (controller: ReadableStreamDefaultController) => {
        chunks += 1;
        if (chunks > 1000) return controller.error(new Error("too much is read"));
        controller.enqueue(new Uint8Array(1e6));
      };
      return new HttpResponse(new ReadableStream({ pull }));
    }),
  );
  const [finding] = problemsOf(await examine([]));
  expect(finding).toMatchObject({ check: "sample", seen: expect.stringMatching(/over 100 MB$/) });
  expect(chunks).toBeLessThan(110);
});

test("at most the end of a key id is reported, and nothing of a short one", async () => {
  for (const AWS_ACCESS_KEY_ID of ["minio-root", "root", "me"]) {
    const { findings, text } = await examine([], { env: { AWS_ACCESS_KEY_ID } });
    expect(JSON.stringify(findings) + text).not.toMatch(`key ${AWS_ACCESS_KEY_ID}`);
    expect(JSON.stringify(findings)).not.toContain(`…${AWS_ACCESS_KEY_ID}`);
  }
});

test("R2's own error codes are understood (A7)", async () => {
  const r2 = "https://account.r2.cloudflarestorage.com";
  const bucket = { endpoint: r2, bucket: "media", region: "auto" };
  const s3 = createS3({ ...bucket, credentials: CREDENTIALS, dialect: "r2", now: Date.now });
  network.use(...handlersOf(s3));
  configure({ ...CONFIGURED, BUCKETS: { media: bucket } });
  s3.keys.clear();
  expect(await checksOf([])).toEqual(["key-id"]);
});

test("an endpoint that is no S3 is found, and not called public", async () => {
  for (const [text, status, check] of [
    ["<h1>Hello</h1>", 200, "endpoint"],
    ["Not found", 404, "sample"],
    ["No", 405, "endpoint"],
  ] as const) {
    beginSite();
    network.use(http.all(/amazonaws/, () => new HttpResponse(text, { status })));
    const checks = await checksOf([]);
    expect([checks.includes(check), checks.includes("public")]).toEqual([true, false]);
  }
});

test("an account that the provider has suspended is named, and endpoint stays as it is", async () => {
  network.use(http.all(/amazonaws/, () => s3Error("AccountProblem", 403)));
  const { findings } = await examine([]);
  const problems = findings.filter(({ severity }) => severity !== "ok");
  expect(problems).toMatchObject([
    {
      check: "account",
      seen: /AccountProblem/,
      remedy: /the account there. Do not change endpoint/,
    },
  ]);
});

test("an answer that is no S3's is named for the object that exists, too", async () => {
  const seen = async (pattern: RegExp, check: Check) => {
    beginSite();
    network.use(http.all(pattern, () => new HttpResponse("No", { status: 405 })));
    const { findings } = await examine([]);
    return findings.find((finding) => finding.check === check)?.seen;
  };
  const text = "does not answer as an S3 does: 405";
  expect(await seen(/amazonaws/, "endpoint")).toMatch(new RegExp(`^\\S+ ${text}$`));
  expect(await seen(/amazonaws.*key\.jpg$/, "sample")).toMatch(
    new RegExp(`^published/key.jpg: \\S+ ${text}$`),
  );
});

test("hosts that do not exist, do not listen, or have no TLS are told apart, on real sockets", async () => {
  const plain = await listenLocally(
    createServer((_request, response) => response.end()),
    0,
  );
  onTestFinished(plain.close);
  for (const [endpoint, seen] of [
    ["https://nowhere.invalid", /ENOTFOUND|EAI_AGAIN/],
    [`https://localhost:${await freePort()}`, /ECONNREFUSED/],
    [plain.url.replace("http:", "https:"), /does not answer: (?:ERR_SSL|EPROTO)/],
  ] as const) {
    network.use(http.all(`${endpoint}/*`, () => passthrough()));
    configureMedia({ endpoint, addressing: "path" });
    expect(problemsOf(await examine([]))).toMatchObject([
      { check: "reachable", seen: expect.stringMatching(seen) },
    ]);
  }
});
