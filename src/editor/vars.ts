// The JSON Schema of all `vars`, made of the checks that read them. `wrangler-schema.ts` bundles this file with `record.ts` in
// place of the Worker's `schema.ts`. No I/O.

import { costsSchema, objectCount } from "../cli/config/expected-costs.ts";
import { answersSchema } from "../worker/config/answers.ts";
import { bucketName, bucketSchema, bucketText } from "../worker/config/bucket-settings.ts";
import { LOCAL_ORIGIN, oidcSchema, originSchema, PUBLIC_ORIGIN } from "../worker/config/oidc.ts";
import { presetSchema } from "../worker/config/preset.ts";
import { ORIGIN, routeOptions } from "../worker/config/routes.ts";
import {
  claimsSchema,
  claimTexts,
  HTTPS_URL,
  MAX_RULES,
  OPTION_OF_CLAIM,
  tokenOptions,
} from "../worker/config/token.ts";
import {
  describeText,
  type JsonSchema,
  jsonSchemaOf,
  patternOf,
  propertiesOf,
  record,
  table,
} from "./record.ts";

/** A segment of a key: neither empty, `.` or `..`, and without a backslash and control characters. */
const SEGMENT = "(?!\\.{1,2}(?:/|$))[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]+";

/** A URL of S3's API. The Worker also refuses what a URL parser would change. */
const S3_URL =
  "^(?:https://|http://(?=(?:localhost|127\\.0\\.0\\.1)(?:[:/]|$)))[\\w.~:\\[\\]-]+(?:/[\\w.~:\\[\\]/-]*)?$";

/** Where the name of a bucket or a preset stands. */
const NAME = "^[\\w-]{1,64}$";

/** Returns the schemas of the variables, by their names. */
export function varsSchemas(): Readonly<Record<string, JsonSchema>> {
  describeText("a path such as a/b/", `^(?:${SEGMENT}/)+$`);
  describeText("a plain https:// URL", S3_URL);
  describeText("the key of an object", `^${SEGMENT}(?:/${SEGMENT})*$`);
  describeText("one object, without * and :name", "^(?!.*:[A-Za-z])[^*]+$");
  describeText("an origin such as https://app.example", patternOf(ORIGIN));
  describeText(
    "an https:// URL (one on your machine stands in .dev.vars: docs/tokens.md)",
    patternOf(HTTPS_URL),
  );
  describeText(
    "an origin such as https://images.example.com, without a path",
    `${patternOf(PUBLIC_ORIGIN)}|${patternOf(LOCAL_ORIGIN)}`,
  );
  record(bucketName, () => jsonSchemaOf(bucketText, "bucket"));

  const presets = namedTables(jsonSchemaOf(presetSchema, "PRESETS"));
  const routes = { type: "array", items: routeSchema() };
  return {
    BUCKETS: orJsonText({
      ...namedTables(jsonSchemaOf(bucketSchema, "BUCKETS")),
      minProperties: 1,
    }),
    ROUTES: orJsonText({ ...routes, minItems: 1 }),
    ROUTES_2: orJsonText(routes),
    PRESETS: orJsonText({ ...presets, minProperties: 1 }),
    PRESETS_2: orJsonText(presets),
    ANSWERS: orJsonText(jsonSchemaOf(answersSchema, "ANSWERS")),
    COSTS: orJsonText(costs()),
    OIDC: orJsonText(jsonSchemaOf(oidcSchema, "OIDC")),
    DOCS_URL: jsonSchemaOf(originSchema, "DOCS_URL"),
  };
}

/** A table of tables, each of which has a name. */
function namedTables(schema: JsonSchema): JsonSchema {
  return {
    type: "object",
    propertyNames: { pattern: NAME, errorMessage: "needs 1 to 64 letters, digits, - and _" },
    additionalProperties: schema,
  };
}

/** A variable may be JSON text, as in .dev.vars (S2). No editor looks into it, but `npx vitrine check` does. */
function orJsonText(schema: JsonSchema): JsonSchema {
  const opening = schema["type"] === "array" ? "\\[" : "\\{";
  return { ...schema, type: [schema["type"], "string"], pattern: `^\\s*${opening}` };
}

function routeSchema(): JsonSchema {
  const options = routeOptions({}, new Map());

  record(claimsSchema, () => ({
    type: "object",
    minProperties: 1,
    propertyNames: { not: { enum: Object.keys(OPTION_OF_CLAIM) } },
    additionalProperties: jsonSchemaOf(claimTexts, "claims"),
  }));

  // `token` is one table, or a list of tables. Each keyword of the two forms judges one of them.
  const rule = jsonSchemaOf(table(tokenOptions(undefined)), "token");
  record(options.token.schema, () => ({
    ...rule,
    type: ["object", "array"],
    items: rule,
    minItems: 1,
    maxItems: MAX_RULES,
  }));

  return jsonSchemaOf(table(options), "ROUTES");
}

/** Any bucket may be counted. */
function costs(): JsonSchema {
  const schema = jsonSchemaOf(costsSchema([]), "COSTS");
  const properties = propertiesOf(schema);
  const counts = jsonSchemaOf(objectCount, "objects");
  const objects = { ...properties["objects"], additionalProperties: counts };
  return { ...schema, properties: { ...properties, objects } };
}
