// The value of the cookie that opens an album: what it signs, and that it has one spelling only.

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import {
  type CookieGrant,
  prefixFault,
  readCookieValue,
  signCookieGrant,
} from "../../src/url/cookie.ts";

const KEY = { kid: "k1", secret: "s".repeat(32) };
const GRANT: CookieGrant = {
  host: "images.example:8443",
  route: "/private/:preset/*",
  prefix: "friends/Zürich 2026/",
  expires: 1_800_000_000,
};
const SIG = "A".repeat(43);

/** As base64 without padding, whatever the bytes are. */
const encode = (bytes: string | readonly number[]) =>
  Buffer.from(typeof bytes === "string" ? Buffer.from(bytes) : bytes).toString("base64url");

const valueFor = (prefix: string | readonly number[]) => `1800000000.k1.${encode(prefix)}.${SIG}`;

test("six lines are signed: the purpose, the kid, the expiry, the host, the route and the prefix", async () => {
  const lines = `vitrine-cookie-1
k1
1800000000
images.example:8443
/private/:preset/*
friends/Zürich 2026/`;
  const sig = createHmac("sha256", KEY.secret).update(lines).digest("base64url");
  const value = await signCookieGrant(GRANT, KEY);
  expect(value).toBe(`1800000000.k1.${encode(GRANT.prefix)}.${sig}`);
  expect(value).toMatch(/^[\w.-]+$/); // no library for cookies changes any of these
  const { prefix, expires } = GRANT;
  expect(readCookieValue(value)).toEqual({ prefix, expires, kid: "k1", sig });
});

test.each([
  "a/",
  "A/b c/",
  "é/",
  "e\u0301/", // the same to see, another text
  "\ufeffa/",
  "a%2Fb/",
  ".../",
  "😀/",
  `${"k".repeat(1024)}/`,
  `${"é".repeat(512)}/`,
])("the prefix %j is read as it was signed", async (prefix) => {
  expect(prefixFault(prefix)).toBeUndefined();
  expect(readCookieValue(await signCookieGrant({ ...GRANT, prefix }, KEY))?.prefix).toBe(prefix);
});

test.each([
  ["no text", ""],
  ["no slash at the end", "a"],
  ["a slash first", "/a/"],
  ["an empty segment inside", "a//b/"],
  ["a segment ..", "a/../b/"],
  ["a backslash", "a\\/"],
  ["a control character", "a\n/"],
  ["more than 1,024 bytes", `${"k".repeat(1025)}/`],
  ["more in UTF-8", `${"é".repeat(512)}k/`],
])("a prefix with %s is none", (_what, prefix) => {
  expect(prefixFault(prefix)).toBeDefined();
  expect(readCookieValue(valueFor(prefix))).toBeUndefined();
});

test.each([
  ["a byte that is no UTF-8", [0xff, 0x2f]],
  ["an overlong slash", [0x61, 0xc0, 0xaf, 0x2f]],
  ["half a character", [0xc3, 0x2f]],
  ["a surrogate", [0xed, 0xa0, 0x80, 0x2f]],
])("a prefix with %s is none", (_what, bytes) => {
  expect(readCookieValue(valueFor(bytes))).toBeUndefined();
});

test("a value has one spelling", () => {
  const right = valueFor("ab/c/"); // 5 bytes: two bits of its last character must be zero
  expect(readCookieValue(right)).toBeDefined();
  const [exp, kid, prefix = "", sig] = right.split(".");
  const respelled =
    prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  const invalid = [
    ...[`"${right}"`, `${right} `, ` ${right}`, `${right}.`, `${right}=`, `${right}\n`],
    ...[encodeURIComponent(`${right}=`), right.replaceAll(".", "%2E"), right.replaceAll(".", "~")],
    `0${right}`,
    `+${right}`,
    `1e9.${kid}.${prefix}.${sig}`,
    `9999999999999.${kid}.${prefix}.${sig}`,
    `${exp}..${prefix}.${sig}`,
    `${exp}.1k.${prefix}.${sig}`,
    `${exp}.${"k".repeat(33)}.${prefix}.${sig}`,
    `${exp}.${kid}..${sig}`,
    `${exp}.${kid}.${prefix}=.${sig}`,
    `${exp}.${kid}.${respelled}.${sig}`,
    `${exp}.${kid}.${prefix}A.${sig}`, // a length that base64 does not have, or other bytes
    `${exp}.${kid}.${prefix}`,
    `${exp}.${kid}.${prefix}.${sig?.slice(1)}`,
    `${exp}.${kid}.${prefix}.${sig?.slice(0, -1)}B`,
    `${exp}.${kid}.${prefix}.${sig}A`,
    `${exp}.${kid}.${"YS9i".repeat(10_000)}Lw.${sig}`,
  ];
  expect(invalid.filter((value) => readCookieValue(value))).toEqual([]);
});
