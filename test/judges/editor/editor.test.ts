import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getLanguageService } from "vscode-json-languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import { experimental_readRawConfig } from "wrangler";
import { wranglerSchema } from "../../../src/editor/wrangler-schema.ts";
import { ROOT } from "../../support/built.ts";
import { type LanguageServer, startTaplo } from "./taplo.ts";

const SCHEMA = "dist/wrangler.schema.json";
const OWN = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
const TEMPLATE = readFileSync(join(ROOT, "fixtures/template/wrangler.toml"), "utf8");

/** A mistake in place of a right line, the part that is underlined, and a part of the message. */
const MISTAKES = [
  { right: "width = 480", wrong: "widht = 480", underlined: "widht", says: "unknown option" },
  { right: "width = 480", wrong: "width = 0", underlined: "width", says: "0 is less than" },
  { right: 'fit = "cover"', wrong: 'fit = "covr"', underlined: "fit", says: '"scale-down"' },
  { right: 'region = "eu', wrong: 'regoin = "eu', underlined: "regoin", says: "unknown option" },
  { right: "minify = true", wrong: "minfy = true", underlined: "minfy", says: "minfy" },
];

/** The file with the schema that this repository has built. */
const withSchema = (text: string) => text.replace(/^#:schema .*$/m, `#:schema ./${SCHEMA}`);
const uriOf = (name: string) => `file://${join(ROOT, name)}`;

let taplo: LanguageServer;
beforeAll(async () => {
  taplo = await startTaplo(ROOT);
});
afterAll(() => taplo.stop());

test.each([
  ["this repository", OWN],
  ["the template", TEMPLATE],
])("taplo underlines nothing in the wrangler.toml of %s", async (name, text) => {
  expect(await taplo.diagnose(uriOf(`${name}.toml`), withSchema(text))).toEqual([]);
});

test.each(MISTAKES)(
  "taplo underlines $underlined in $wrong",
  async ({ right, wrong, underlined, says }) => {
    const text = OWN.replace(right, wrong);
    const line = text.split("\n").findIndex((row) => row.includes(wrong));

    const diagnostics = await taplo.diagnose(uriOf(`${wrong}.toml`), text);

    const range = { start: { line, character: 0 }, end: { line, character: underlined.length } };
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ range, message: expect.stringContaining(says) }),
    );
  },
);

test("without the file of the schema, taplo says nothing of the settings", async () => {
  const text = OWN.replace(SCHEMA, "dist/missing.json").replace("width = 480", "widht = 480");
  expect(await taplo.diagnose(uriOf("missing.toml"), text)).toEqual([]);
});

test("taplo offers the options of a preset", async () => {
  const text = OWN.replace("width = 480", "width = 480\nq");
  const line = text.split("\n").indexOf("q");
  const uri = uriOf("offers.toml");
  await taplo.diagnose(uri, text);

  const items = await taplo.complete(uri, { line, character: 1 });

  const labels = items.map(({ label }) => label);
  expect(labels).toEqual(expect.arrayContaining(["quality", "height", "widths"]));
});

const json = getLanguageService({
  schemaRequestService: async () => JSON.stringify(await wranglerSchema()),
});

function openJson(text: string) {
  const document = TextDocument.create("file:///wrangler.jsonc", "jsonc", 1, text);
  return { document, parsed: json.parseJSONDocument(document) };
}

const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });

/** The settings of this repository as a wrangler.jsonc, a line a setting. */
const JSONC = JSON.stringify(
  { $schema: "./node_modules/vitrine/dist/wrangler.schema.json", ...rawConfig },
  null,
  2,
);

test("VS Code underlines nothing in a right wrangler.jsonc", async () => {
  const { document, parsed } = openJson(JSONC);
  expect(await json.doValidation(document, parsed, { comments: "ignore" })).toEqual([]);
});

test.each([
  {
    right: '"width": 480',
    wrong: '"width": "480"',
    underlined: '"480"',
    says: "a whole number between 1",
  },
  { right: '"width": 480', wrong: '"widht": 480', underlined: "480", says: "unknown option" },
  { right: '"fit": "cover"', wrong: '"fit": "covr"', underlined: '"covr"', says: "scale-down" },
  {
    right: '"region": "eu-west-1"',
    wrong: '"region": "Ireland"',
    underlined: '"Ireland"',
    says: "is not a region",
  },
])("VS Code underlines $underlined in $wrong", async ({ right, wrong, underlined, says }) => {
  const { document, parsed } = openJson(JSONC.replace(right, wrong));

  const diagnostics = await json.doValidation(document, parsed, { comments: "ignore" });

  const underlinings = diagnostics.map(({ range, message }) => ({
    text: document.getText(range),
    message,
  }));
  expect(underlinings).toContainEqual({ text: underlined, message: expect.stringContaining(says) });
});

test("VS Code offers the options of a preset, with what they are", async () => {
  const text = JSONC.replace('"width": 480,', '"width": 480, "": 1,');
  const { document, parsed } = openJson(text);

  const position = document.positionAt(text.indexOf('"": 1') + 1);
  const list = await json.doComplete(document, position, parsed);

  const quality = list?.items.find(({ label }) => label === "quality");
  expect(JSON.stringify(quality?.documentation)).toContain("85");
});
