// The .ts file of vitrine facts, in the strictest app: it compiles, and a misspelt key does not.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { compile, STRICT } from "../../client/compile.ts";
import { at, facts, put, read } from "../../support/cli/facts.ts";
import { file } from "../../support/stand.ts";

const KEYS = ["photos/fig.jpg", "__proto__", "constructor", "a\u2028`$1'\".jpg"];

const APP = `import { type Fact, type FactKey, factOf, facts } from "./facts";

const known: Fact = facts["photos/fig.jpg"];
const proto: Fact = facts["__proto__"];
const width: 300 = facts["photos/fig.jpg"].width;
const key: FactKey = "photos/fig.jpg";
const perhaps: Fact | undefined = factOf(\`photos/\${width}\`);
export const all = [known, proto, width, key, perhaps];
export const misspelt = facts["photos/figs.jpg"];
export const wrong: FactKey = "photos/figs.jpg";
export const sure: Fact = factOf("photos/fig.jpg");
`;

test("a misspelt key does not compile, and a key of run time may have no facts", async () => {
  for (const key of KEYS) put(key, file("made/rotated-gps.jpg"));
  expect((await facts(["--out", "facts.ts"])).code).toBe(0);
  writeFileSync(join(at.folder, "app.ts"), APP);
  const config = { compilerOptions: STRICT, files: ["app.ts"] };
  writeFileSync(join(at.folder, "tsconfig.json"), JSON.stringify(config));
  const wrong = await compile(at.folder);
  expect(wrong.map(({ file: name, line }) => `${name}:${line}`)).toEqual([
    "app.ts:9",
    "app.ts:10",
    "app.ts:11",
  ]);
  const { facts: table, factOf } = await import(pathToFileURL(join(at.folder, "facts.ts")).href);
  expect(Object.keys(table).toSorted()).toEqual(KEYS.toSorted());
  for (const key of KEYS) expect(factOf(key)).toMatchObject({ width: 300, height: 400 });
  for (const none of ["valueOf", "toString", ""]) expect(factOf(none)).toBeUndefined();
});

test("the type of a fact in the file is that of the client", async () => {
  put("a.jpg", file("made/rotated-gps.jpg"));
  await facts(["--out", "facts.ts"]);
  const types = readFileSync(join(import.meta.dirname, "../../../src/client/types.ts"), "utf8");
  const fieldsOf = (text: string) => {
    const [fact = ""] = /export type Fact = .*?\n};/s.exec(text) ?? [];
    return fact.match(/readonly .*?;/g)?.filter((field) => !/(?:width|height):/.test(field));
  };
  expect(fieldsOf(read("facts.ts"))).toHaveLength(7);
  expect(fieldsOf(read("facts.ts"))).toEqual(fieldsOf(types));
});
