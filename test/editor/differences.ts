// What the Worker refuses, and the schema of editors does not: a row for each rule that JSON Schema cannot say, or that the
// Worker keeps in code and not in its tables.

export type Difference = {
  /** Why the schema does not refuse it. */
  readonly reason: string;
  /** What the Worker says. */
  readonly says: RegExp;
  /** What to change in `RIGHT` to see it: the path of a setting, and its value. Undefined takes it out. */
  readonly example: Readonly<Record<string, unknown>>;
};

const SEVERAL_SETTINGS = "it compares several settings";
const OTHER_TABLE = "it depends on another table of the file";
const OF_ENVIRONMENTS =
  "an environment, or the top level above environments, may lack the variable";
const IN_PARSER = "a URL parser decides it";

export const DIFFERENCES: readonly Difference[] = [
  {
    reason: "an editor does not look into JSON text",
    says: /^never/,
    example: { ANSWERS: '{"keep":"x"}' },
  },
  {
    reason: OF_ENVIRONMENTS,
    says: /^(?:BUCKETS|PRESETS|ROUTES): is not a (?:table|list), or is empty$/,
    example: { BUCKETS: undefined },
  },
  {
    reason: OF_ENVIRONMENTS,
    says: /^(?:PRESETS|ROUTES)_2: stands be/,
    example: { PRESETS: undefined },
  },
  {
    reason: OTHER_TABLE,
    says: /: is missing: add (?:it to \[\[r2_buckets\]\]|\[images\])/,
    example: { "BUCKETS.r2.binding": "OTHER" },
  },
  {
    reason: OTHER_TABLE,
    says: /\.role: needs \[vars\.OIDC\]|: is not an R2 bucket's binding$/,
    example: { "BUCKETS.r2.binding": "IMAGES" },
  },
  {
    reason: OTHER_TABLE,
    says: /^COSTS\.objects\.\S+: unknown option/,
    example: { "COSTS.objects.other": 1 },
  },
  {
    reason: OTHER_TABLE,
    says: /"? is not in BUCKETS/,
    example: { "ROUTES.1.object": "other/*" },
  },
  {
    reason: OTHER_TABLE,
    says: /\.presets\[\d+\]: .*is not one of/,
    example: { "ROUTES.0.presets": ["other"] },
  },
  {
    reason: OTHER_TABLE,
    says: /is also shown by ROUTES/,
    example: { "BUCKETS.users.prefix": undefined },
  },
  {
    reason: OTHER_TABLE,
    says: /: bucket \w+ has engine "\w+", which has no |is in PRESETS, too/,
    example: { "PRESETS.card.zoom": 0.5 },
  },
  {
    reason: OTHER_TABLE,
    says: /\.path: takes the same URLs as|is never (?:reached|asked)/,
    example: { "ROUTES.1.path": "/images/:preset/*" },
  },
  {
    reason: OTHER_TABLE,
    says: /impossible key:/,
    example: { "ROUTES.1.object": "media//*" },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /: needs ".*" after \S+\/, as object\[0\]|in its key: write several/,
    example: { "ROUTES.0.object": ["media/*", "r2/a/*"] },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /: needs width or height$|has dpr and widths|has widths, but no width/,
    example: { "PRESETS.card.width": undefined },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /has format avif with a side|make its height over|that gravity "object" is a point of/,
    example: { "PRESETS.card": { width: 1300, format: "avif" } },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /\.draw\[\d+\]: needs url or key/,
    example: { "PRESETS.card.draw": [{ width: 1 }] },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /: needs signed = true$|\.cors: is for |\.token: opens a route alone/,
    example: { "ROUTES.2.signed": false },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /\.answers: is for routes that need no token|immutable: does nothing with/,
    example: { "ROUTES.2.answers.max_age": 0 },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /\.token\.(?:keys|audience): is missing/,
    example: { "ROUTES_2.0.token.audience": undefined },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /\.token: claim /,
    example: { "ROUTES_2.0.token.claims.sub": ":other" },
  },
  {
    reason: SEVERAL_SETTINGS,
    says: /\.(?:role: needs engine|sts: needs role|endpoint: contains the bucket|addressing: |bucket: has two dots)/,
    example: { "BUCKETS.media.sts": "https://sts.example.com" },
  },
  {
    reason: "the grammar of paths is code",
    says: /\.(?:path|object): (?:.* is not (?:in path|in object|a literal)|does not begin with a slash|has no :preset|has )|\.cookie: needs a path/,
    example: { "ROUTES.1.path": "icons/:preset/*" },
  },
  {
    reason: IN_PARSER,
    says: /is not (?:a plain https:\/\/ URL|an origin such as|an https:\/\/ URL)/,
    example: { "BUCKETS.media.endpoint": "https://s3.example.com:443" },
  },
];

/** Variables that the Worker takes if they are null. The schema refuses that, and wrangler.toml cannot say it. */
export const NULL_FOR_WORKER: readonly string[] = ["ANSWERS", "COSTS"];
