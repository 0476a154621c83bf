import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createMarks } from "../../../src/cli/warm/marks.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("base64url").slice(0, 22);

test("each of many sources has the mark that it was last given", () => {
  const marks = createMarks();
  const many = 100_000;
  for (let at = 0; at < many; at += 1) marks.set(hash(`${at}`), at + 1);
  for (let at = 0; at < many; at += 2) marks.set(hash(`${at}`), 7);
  for (let at = 0; at < many; at += 1) {
    const mark = marks.get(hash(`${at}`));
    if (mark !== (at % 2 === 0 ? 7 : at + 1)) expect.unreachable(`${at}: ${mark}`);
  }
  for (let at = many; at < 2 * many; at += 1) {
    if (marks.get(hash(`${at}`)) !== 0) expect.unreachable(`${at}`);
  }
});

test("sources whose bits look alike are told apart", () => {
  const marks = createMarks();
  const alike = (last: number) => Buffer.from([0, 0, 0, 0, last, 0, 0, 0, 9]).toString("base64url");
  for (let at = 0; at < 200; at += 1) marks.set(alike(at), at + 1);
  expect([0, 1, 127, 199, 200].map((at) => marks.get(alike(at)))).toEqual([1, 2, 128, 200, 0]);
});
