// What STS answers: credentials only where everything is right, and a failure that never repeats what it says.

import { expect, test } from "vitest";
import { parseStsFailure, parseStsSession } from "../../../src/worker/origin/session.ts";
import { answerOf, errorOf, SESSION } from "../../support/issuer.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const HOUR = 3_600_000;
const RIGHT = answerOf(NOW + HOUR);
const read = (text: string) => parseStsSession(text, NOW, NOW);

test("an answer of STS has credentials, and until when they are good", () => {
  expect(read(RIGHT)).toEqual({
    kind: "session",
    credentials: SESSION,
    began: NOW,
    expires: NOW + HOUR,
  });
  expect(read(`<?xml version="1.0" encoding="UTF-8"?>\n${RIGHT}\n`)?.credentials).toEqual(SESSION);
});

test("a clock that is ten minutes behind does not use them longer than they last", () => {
  expect(read(answerOf(NOW + HOUR + 600_000))?.expires).toBe(NOW + HOUR);
  expect(read(answerOf(NOW + 900_000))?.expires).toBe(NOW + 900_000);
});

const without = (element: string) =>
  RIGHT.replace(new RegExp(`<${element}>[^<]*</${element}>`), "");
const element = (name: string, value: string) =>
  RIGHT.replace(new RegExp(`<${name}>[^<]*</${name}>`), `<${name}>${value}</${name}>`);

test.each<[string, string]>([
  ["nothing", ""],
  ["HTML around it", `<html>${RIGHT}</html>`],
  ["JSON", JSON.stringify({ AssumeRoleWithWebIdentityResponse: { Credentials: SESSION } })],
  ["another action's answer", RIGHT.replaceAll("AssumeRoleWithWebIdentity", "AssumeRole")],
  ["half of it", RIGHT.slice(0, RIGHT.length / 2)],
  ["something after it", `${RIGHT}<more/>`],
  ["two of it", RIGHT + RIGHT],
  ["an error in its clothes", errorOf("AccessDenied")],
  ["no key id", without("AccessKeyId")],
  ["no secret", without("SecretAccessKey")],
  ["no token", without("SessionToken")],
  ["no expiry", without("Expiration")],
  ["two key ids", RIGHT.replace(/<AccessKeyId>.*<\/AccessKeyId>/, "$&$&")],
  ["two blocks", RIGHT.replace(/<Credentials>[\s\S]*<\/Credentials>/, "$&$&")],
  ["a block in a block", RIGHT.replace("<SessionToken>", "<Credentials></Credentials>$&")],
  ["a comment", RIGHT.replace("<AccessKeyId>", "<!-- --><AccessKeyId>")],
  ["CDATA", element("SessionToken", "<![CDATA[AQoDYXdzEJr1KEXAMPLE]]>")],
  ["an entity", element("SessionToken", "&xxe;AQoDYXdzEJr1KEXAMPLE")],
  ["a document type", `<!DOCTYPE a [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>${RIGHT}`],
  ["a key id behind a slash", element("AccessKeyId", "/ASIAIOSFODNN7EXAMPLE")],
  ["a key id with a slash", element("AccessKeyId", "ASIAIOSFODNN7/EXAMPLE")],
  ["a secret with a line break", element("SecretAccessKey", "wJalrXUtnFEMI\r\nx-evil: K7MDENG")],
  ["a token with a space", element("SessionToken", "AQoDYXdzEJr1 K/EXAMPLE")],
  ["a token of 9,000 characters", element("SessionToken", "A".repeat(9000))],
  ["an expiry that is over", answerOf(NOW - 1000)],
  ["an expiry now", answerOf(NOW)],
  ["an expiry without its zone", answerOf("2026-11-26T13:00:00")],
  ["an expiry on no day", answerOf("2026-13-45T13:00:00Z")],
  ["an expiry in another millennium", answerOf("+012026-11-26T13:00:00Z")],
])("%s is no answer", (_what, text) => {
  expect(read(text)).toBeUndefined();
});

const TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJl";

const KEYLESS_PAGE = /docs\/keyless.md/;

test.each<{ title: string; status: number; text: string; code: string; reason: RegExp }>([
  {
    title: "a token",
    status: 400,
    text: errorOf("InvalidIdentityToken"),
    code: "InvalidIdentityToken",
    reason: KEYLESS_PAGE,
  },
  {
    title: "a trust policy",
    status: 403,
    text: errorOf("AccessDenied"),
    code: "AccessDenied",
    reason: KEYLESS_PAGE,
  },
  {
    title: "an issuer",
    status: 400,
    text: errorOf("IDPCommunicationError"),
    code: "IDPCommunicationError",
    reason: KEYLESS_PAGE,
  },
  {
    title: "another code",
    status: 400,
    text: errorOf("PackedPolicyTooLarge"),
    code: "PackedPolicyTooLarge",
    reason: /STS answers 400/,
  },
  {
    title: "a code in a success",
    status: 200,
    text: errorOf("AccessDenied"),
    code: "unreadable",
    reason: /not one of STS/,
  },
  {
    title: "HTML",
    status: 502,
    text: "<html>Bad gateway</html>",
    code: "502",
    reason: /STS answers 502/,
  },
  {
    title: "a redirect",
    status: 301,
    text: errorOf("AccessDenied"),
    code: "301",
    reason: /not one of STS/,
  },
  {
    title: "a code out of the token",
    status: 400,
    text: errorOf("eyJpc3MiOiJodHRwcyJ9"),
    code: "400",
    reason: /STS answers 400/,
  },
])("$title: the failure says what to do, and no text of STS", ({ status, text, code, reason }) => {
  const failure = parseStsFailure(status, text.replace("no", `token ${TOKEN}`), TOKEN);
  expect(failure).toMatchObject({ code, reason: expect.stringMatching(reason) });
  expect(JSON.stringify(failure)).not.toContain("eyJ");
});
