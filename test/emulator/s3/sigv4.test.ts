// AWS's published answers, for the verifier of the strict S3.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeOnce, signRequest } from "../../../src/emulator/s3/signature.ts";
import { ROOT } from "../../support/built.ts";

const VECTORS = join(ROOT, "fixtures/vectors");
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const SUITE = {
  service: "service",
  date: "20150830T123600Z",
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const S3 = {
  service: "s3",
  date: "20130524T000000Z",
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

const suite = readdirSync(join(VECTORS, "aws-sig-v4-test-suite"));
const CASES: [string, typeof SUITE][] = [
  ...suite.map((name): [string, typeof SUITE] => [`aws-sig-v4-test-suite/${name}`, SUITE]),
  ["s3-get-object", S3],
];

function read(path: string, kind: string): string {
  return readFileSync(join(VECTORS, path, `${path.split("/").at(-1)}.${kind}`), "utf8");
}

/** Reads a request of the suite: its target, and its headers with all their values. */
function parse(text: string) {
  const [line = "", ...rest] = text.split("\n");
  const url = /^GET (.*) HTTP\/1\.1$/.exec(line)?.[1] ?? "";
  const headers: [string, string][] = [];
  for (const row of rest) {
    const [, name, value] = /^([^\s:]+):(.*)$/.exec(row) ?? [];
    const last = headers.at(-1);
    if (name !== undefined && value !== undefined) headers.push([name.toLowerCase(), value]);
    else if (last !== undefined) headers.push([last[0], row]);
  }
  const values: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    values[name] = [...(values[name] ?? []), value.trim().replace(/\s+/g, " ")];
  }
  return { url: new URL(`https://${values["host"]?.[0]}${url}`), values };
}

type Case = (typeof CASES)[number];

function answersTo([path]: Case) {
  return {
    canonicalRequest: read(path, "creq"),
    stringToSign: read(path, "sts"),
    signature: /Signature=(\w+)/.exec(read(path, "authz"))?.[1],
  };
}

test.each(CASES)("the verifier gives AWS's answers for %s (A12)", (...headers) => {
  const [path, { service, date, secretAccessKey }] = headers;
  const { url, values } = parse(read(path, "req"));
  const covered = {
    method: "GET",
    path: encodeOnce(url.pathname),
    query: [...url.searchParams],
    headers: Object.entries(values).map(([name, all]): [string, string] => [name, all.join()]),
    payloadHash: EMPTY,
  };
  const proof = signRequest(covered, { service, date, region: "us-east-1" }, secretAccessKey);
  expect(proof).toEqual(answersTo(headers));
});
