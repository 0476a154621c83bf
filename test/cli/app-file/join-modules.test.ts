import { expect, test } from "vitest";
import { joinModules, type Source } from "../../../src/cli/app-file/join-modules.ts";

const join = (files: Readonly<Record<string, string>>, ...entries: string[]) =>
  joinModules(
    Object.entries(files).map(([file, text]): Source => ({ file, text })),
    entries,
  );

const A = `// About a.\n\n/** One. */\nexport const one = 1;\nexport type Two = 2;\n`;
const B = `import { one, type Two } from "./a.ts";

export type { Two } from "./a.ts";

/** Its import("x") is in a comment. */
export function three(): Two {
  return (one + 1) as Two;
}
const four = 4;
export async function five(
  six: number,
): Promise<number> {
  return six + four;
}
`;

test("modules are joined without their imports, and export what an entry exports", () => {
  const { text, names, exports } = join(
    { "a.ts": A, "x/b.ts": B.replaceAll("./a", "../a") },
    "x/b.ts",
  );
  expect(text).toBe(
    [
      "// src/a.ts\n\n// About a.\n\n/** One. */\nconst one = 1;\nexport type Two = 2;\n",
      `// src/x/b.ts\n\n${B.slice(B.indexOf("/** Its"))}`,
    ].join("\n"),
  );
  expect([...names]).toEqual(["one", "Two", "three", "four", "five"]);
  expect(exports).toEqual(
    new Map([
      [
        "x/b.ts",
        new Map([
          ["Two", true],
          ["three", false],
          ["five", false],
        ]),
      ],
    ]),
  );
  const windows = join({ "a.ts": A.replaceAll("\n", "\r\n"), "b.ts": B }, "b.ts");
  expect(windows.text).not.toContain("\r");
});

test("an entry may export everything of another module", () => {
  const { text } = join({ "a.ts": A, "b.ts": 'export type * from "./a.ts";\n' }, "b.ts");
  expect(text).toContain("export const one = 1;\nexport type Two = 2;\n");
});

test.each<[string, string, RegExp]>([
  ["a name twice", "const one = 2;\n", /^b\.ts and a\.ts both have a one$/],
  ["a type by the name of a value", "export type one = 2;\n", /both have a one$/],
  [
    "a module that is not there",
    'import { x } from "./c.ts";\n',
    /^c\.ts is not among the modules/,
  ],
  ["a module that comes later", 'import { y } from "./b.ts";\n', /^b\.ts is not among the modules/],
  ["a package", 'import { x } from "wrangler";\n', /^wrangler is not among the modules/],
  ["a name that is not exported", 'import { nine } from "./a.ts";\n', /a\.ts exports no "nine"$/],
  ["another name", 'import { one as uno } from "./a.ts";\n', /exports no "one as uno"$/],
  ["all as one", 'import * as a from "./a.ts";\n', /cannot join the line "import \* as a/],
  ["a default", 'import a from "./a.ts";\n', /cannot join the line "import a/],
  ["an effect", 'import "./a.ts";\n', /cannot join the line "import "/],
  ["a default of its own", "export default 1;\n", /cannot join the line "export default/],
  ["a list of exports", "export { one };\n", /cannot join the line "export \{ one/],
  ["a module in two lines", 'import { one }\n  from "./a.ts";\n', /cannot join the line "import/],
  ["names taken apart", "const { a } = { a: 1 };\n", /cannot join the line "const \{/],
  ["a statement", "console.log(1);\n", /cannot join the line "console/],
  [
    "an import as it goes",
    'function f() {\n  return import("x");\n}\n',
    /cannot join the line " {2}ret/,
  ],
  ["where it is", "const at =\n  import.meta.url;\n", /cannot join the line " {2}import/],
])("%s is not joined", (_what, text, message) => {
  expect(() => join({ "a.ts": A, "b.ts": text }, "a.ts")).toThrow(message);
});
