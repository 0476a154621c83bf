// The code that the contact sheet gives to apps compiles beside the file of `npx vitrine client`.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeClient } from "../../../../src/cli/client/write-client.ts";
import { type Call, callText } from "../../../../src/dev/sheet/page/call-text.ts";
import { compile, STRICT } from "../../../client/compile.ts";
import { known } from "../../../support/cli/configuration.ts";
import { makeTemporary } from "../../../support/temporary.ts";

const folder = makeTemporary("vitrine-call-");

test("a call with sizes, one without, and one that is signed compile", async () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  writeClient(known, join(folder, "vitrine.ts"), undefined);
  write("tsconfig.json", JSON.stringify({ compilerOptions: STRICT, include: ["."] }));
  write("node.d.ts", "declare const process: { env: { URL_SIGNING_KEYS?: string } };");
  const plain = { client: "images", key: 'a "1".jpg', preset: "card", hasSizes: false };
  const calls: Record<string, Call> = {
    "plain.ts": { ...plain, signed: false },
    "wide.ts": { ...plain, preset: "hero", hasSizes: true, signed: false },
    "signed.ts": { ...plain, client: "privateImages", signed: true },
  };
  for (const [name, call] of Object.entries(calls)) {
    write(name, `${callText(call)}\nexport default props;\n`);
  }
  // Without the sizes that it needs.
  write(
    "narrow.ts",
    `${callText({ ...plain, preset: "hero", signed: false })}\nexport default props;\n`,
  );
  expect(await compile(folder)).toMatchObject([{ file: "narrow.ts", code: "TS2345" }]);
});
