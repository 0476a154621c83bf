import type { ValidateFunction } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { varsSchema } from "../../src/editor/wrangler-schema.ts";
import { compileVars, expectAgreement } from "./agreement.ts";
import { mistakesOf, RIGHT } from "./configurations.ts";
import { DIFFERENCES } from "./differences.ts";

let isRight: ValidateFunction;
beforeAll(async () => {
  isRight = await compileVars();
});

/** Changes a setting, whose path has a dot between names and indexes. */
function change(vars: object, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  const parent = names.reduce<object>((inner, name) => Reflect.get(inner, name), vars);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else Reflect.set(parent, last, value);
}

test("an editor and the Worker take the same configuration", () => {
  expect(mistakesOf(RIGHT)).toEqual([]);
  expect(isRight(RIGHT)).toBe(true);
});

test("what the Worker refuses, an editor underlines, and nothing else, but for the listed rules", () => {
  expectAgreement(isRight, 150);
});

/** What an editor must know of each list, table and text: the random configurations seldom come by all of them. */
test.each([
  { path: "BUCKETS.media.regoin", value: "auto" },
  { path: "BUCKETS.media.prefix", value: "/a" },
  { path: "BUCKETS.a b", value: { endpoint: "https://s3.example.com", bucket: "b", region: "r" } },
  { path: "ROUTES.0.presets", value: [] },
  { path: "ROUTES.0.object", value: [] },
  { path: "ROUTES_2.0.token.audience", value: [] },
  { path: "ROUTES_2.0.token.claims", value: {} },
  { path: "PRESETS", value: {} },
  { path: "PRESETS_2.hero.widths", value: [] },
  { path: "ANSWERS.keep", value: "1" },
  { path: "COSTS.most", value: -1 },
  { path: "OIDC", value: { issuer: "http://images.example.com" } },
  { path: "DOCS_URL", value: "docs.example.com" },
])("an editor and the Worker refuse $value at $path", ({ path, value }) => {
  const vars = structuredClone(RIGHT);
  change(vars, path, value);

  expect(mistakesOf(vars)).not.toEqual([]);
  expect(isRight(vars)).toBe(false);
});

test("an editor takes each table as JSON text, as the Worker does", () => {
  const vars = structuredClone(RIGHT);
  for (const [name, value] of Object.entries(vars)) vars[name] = JSON.stringify(value);

  expect(mistakesOf(vars)).toEqual([]);
  expect(isRight(vars)).toBe(true);
});

test("an editor says in words what is wrong with a name", async () => {
  const { properties } = Object(await varsSchema());
  for (const { propertyNames } of [properties.BUCKETS, properties.PRESETS, properties.PRESETS_2]) {
    expect(propertyNames.errorMessage).toBe("needs 1 to 64 letters, digits, - and _");
  }
});

test("an editor offers the options of a bucket of S3 and of R2", async () => {
  const { properties } = Object(await varsSchema());
  const offered = Object.keys(properties.BUCKETS.additionalProperties.properties);
  expect(offered).toEqual(expect.arrayContaining(["endpoint", "region", "binding", "prefix"]));
});

test.each([
  // Two items of the page are of one option.
  { path: "PRESETS.*.rotate", says: "Takes: 0, 90, 180, 270. The edge flips before it rotates. " },
  // The check alone says it.
  { path: "PRESETS.*.draw.0.composite", says: "Takes: one of over, in, atop, out, xor, lighter." },
  { path: "PRESETS.*.border.then.color", says: "Takes: text." },
  { path: "BUCKETS.*.else.region", says: "The region to sign for." },
  { path: "OIDC.issuer", says: "`issuer` (required) is the address of this Worker" },
])("an editor says what $path is", async ({ path, says }) => {
  let schema = Object(await varsSchema());
  for (const name of path.split(".")) schema = partOf(schema, name);

  expect(schema.description).toContain(says);
});

/** The schema of an option, of any name, of an item of a list, or of one of two tables. */
function partOf(schema: Record<string, unknown>, name: string): Record<string, unknown> {
  if (name === "*") return Object(schema["additionalProperties"]);
  if (name === "0") return Object(schema["items"]);
  if (name === "then" || name === "else") return Object(schema[name]);
  return Object(Reflect.get(Object(schema["properties"]), name));
}

test.each(DIFFERENCES)("$says: the Worker alone refuses it, as $reason", ({ says, example }) => {
  const vars = structuredClone(RIGHT);
  for (const [path, value] of Object.entries(example)) change(vars, path, value);

  const mistakes = mistakesOf(vars);

  expect(isRight(vars)).toBe(true);
  const isOfText = Object.values(vars).some((value) => typeof value === "string");
  if (isOfText) expect(mistakes).not.toEqual([]);
  else expect(mistakes).toContainEqual(expect.stringMatching(says));
});
