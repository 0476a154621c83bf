// How `vitrine rotate` reads the file with the new key.

import { expect, test } from "vitest";
import {
  file,
  ID,
  NEW,
  now,
  printed,
  refusedRun,
  run,
  SECRET,
} from "../../support/cli/rotating-site.ts";

const LINES = `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=${SECRET}\n`;
const little = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

test.each<[what: string, bytes: () => Uint8Array | string]>([
  ["UTF-8 with a mark at its beginning", () => `\uFEFF${LINES}`],
  ["what PowerShell writes", () => little(LINES.replaceAll("\n", "\r\n"))],
  ["the same as JSON", () => little(JSON.stringify({ AccessKey: printed(ID, SECRET) }))],
  ["UTF-16 the other way round", () => little(LINES).swap16()],
  ["comments behind the values", () => LINES.replaceAll("\n", " # from us\n")],
])("a key file is read: %s", async (_what, bytes) => {
  file(bytes());
  expect((await run()).code).toBe(1);
  expect(now()).toEqual(NEW);
});

test.each<[what: string, bytes: () => Uint8Array | string, says: string]>([
  [
    "a secret that a # would cut",
    () => LINES.replace(SECRET, `${SECRET}#rest`),
    "AWS_SECRET_ACCESS_KEY has a #, which begins a comment. Put the value",
  ],
  [
    "one that begins with it",
    () => LINES.replace(SECRET, `#${SECRET}`),
    "AWS_SECRET_ACCESS_KEY has a #",
  ],
  ["UTF-16 without a mark", () => little(LINES).subarray(2), "save it as UTF-8"],
  ["no text", () => Buffer.from([0x41, 0xff, 0x41]), "--key-file key.json: "],
])("a key file is refused: %s", async (_what, bytes, says) => {
  file(bytes());
  expect(await refusedRun()).toContain(says);
});
