// What `vitrine check` says of a configuration, in a copy of the project.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { vitrine } from "../../support/cli/vitrine.ts";
import { copyProject, editFile, removeCopies } from "../../support/local-run.ts";

let folder: string;

beforeEach(() => {
  folder = copyProject();
});
afterAll(removeCopies);

const edit = (name: string, change: (text: string) => string) =>
  editFile(join(folder, name), change);

/** What it prints, and its exit code. */
async function check(): Promise<{ code: number; output: string }> {
  const { code, out, err } = await vitrine(["check"], { folder });
  return { code, output: out + err };
}

const LOCAL_BUCKET = `[vars.BUCKETS.own]
endpoint = "http://localhost:9000"
bucket = "own"
region = "us-east-1"
$&`;

test("vitrine check looks at wrangler.toml even if .dev.vars replaces it", async () => {
  const right = await check();
  expect(right).toMatchObject({ code: 0 });
  expect(right.output).toContain("  acme-media.s3.eu-west-1.amazonaws.com\n");
  const secrets = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  const bucket = '{"endpoint":"http://localhost:9000","bucket":"acme-media","region":"x"}';
  writeFileSync(join(folder, ".dev.vars"), `${secrets}BUCKETS='{"media":${bucket}}'\n`);
  edit("wrangler.toml", (text) => text.replace("https://s3.", "http://s3."));
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toContain("BUCKETS.media.endpoint: ");
});

test("vitrine check looks at a bucket that only a fallback uses", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace('object = "media/*"', '$&\nfallback = "own/a.png"')
      .replace("[vars.PRESETS.card]", LOCAL_BUCKET),
  );
  const wrong = await check();
  expect([wrong.code, wrong.output]).toEqual([
    2,
    expect.stringContaining("BUCKETS.own.endpoint: "),
  ]);
  edit("wrangler.toml", (text) => text.replace("http://localhost:9000", "https://own.example"));
  const right = await check();
  expect([right.code, right.output]).toEqual([0, expect.stringContaining("  own.example/own/\n")]);
});

test("vitrine check prints domain and path for Sources, and where others have buckets (A4, E5, E10)", async () => {
  const SHARED = "    with that path: others have buckets on that host, which anybody could use\n";
  const own = await check();
  expect(own.output).toContain("  acme-media.s3.eu-west-1.amazonaws.com\n");
  expect(own.output).not.toContain(SHARED);
  expect(own.output).toContain("docs/deploy.md, step 3");
  edit("wrangler.toml", (text) =>
    text
      .replace("https://s3.eu-west-1.amazonaws.com", "https://s3.eu-central-1.wasabisys.com")
      .replace('region = "eu-west-1"', '$&\nprefix = "published/"'),
  );
  const { code, output } = await check();
  const entry = "  s3.eu-central-1.wasabisys.com/acme-media/published/\n";
  expect([code, output]).toEqual([0, expect.stringContaining(entry + SHARED)]);
});

test.each(["workers_dev", "preview_urls"])(
  "vitrine check warns of %s: there, images may not come (R2)",
  async (name) => {
    edit("wrangler.toml", (text) => text.replace(`${name} = false`, `${name} = true`));
    const { code, output } = await check();
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/^Warning: workers_dev or preview_urls is on: .*set both to false/m),
    ]);
  },
);

test("vitrine check warns of high costs, and of signed routes that protect nothing", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace(
        'object = "media/*"',
        "$&\n\n[vars.COSTS]\nmost = 20\n[vars.COSTS.objects]\nmedia = 8000",
      )
      .replace('presets = ["thumbnail"]', "signed = true")
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
  const warned = await check();
  expect(warned.code).toBe(0);
  expect(warned.output).toContain("  media: 13 for an object, 104,000 for 8,000 objects\n");
  expect(warned.output).toContain(
    "  at most $49.50 a month for transformations alone (5,000 are free, then $0.50 for 1,000)\n",
  );
  expect(warned.output).toContain("Warning: COSTS.most is $20.00 a month");
  expect(warned.output).toContain(
    "Warning: ROUTES[0] (/images/:preset/*) may show without a signature what ROUTES[1] (/avatars",
  );
  edit("wrangler.toml", (text) =>
    text
      .replace("most = 20", "most = 50")
      .replace('object = "media/*"', 'object = "media/public/*"')
      .replace(', "URL_SIGNING_KEYS"]', "]"),
  );
  const quiet = await check();
  expect(quiet.output).not.toContain("Warning");
  expect(quiet.output).toContain(
    "  URL_SIGNING_KEYS: is missing: set the secret, and list it under [secrets]\n",
  );
  expect(quiet.code).toBe(2);
});

test("vitrine check finds a rate limiter that does nothing", async () => {
  edit("wrangler.toml", (text) =>
    text.concat(
      '\n[[ratelimits]]\nname = "LIMITER"\nnamespace_id = "1001"\nsimple = { limit = 0, period = 60 }\n'.repeat(
        2,
      ),
    ),
  );
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toContain(
    "ratelimits[0].name: is LIMITER, which the Worker does not use: call it RATE_LIMITER",
  );
  expect(output).toContain("ratelimits[0].simple.limit: is not a whole number above 0");
  expect(output).toContain("ratelimits[1].name: is LIMITER, the name of ratelimits[0]");
});

test("vitrine check finds a dataset that nothing is written to", async () => {
  edit("wrangler.toml", (text) =>
    text.concat('\n[[analytics_engine_datasets]]\nbinding = "ANALYTICS"\ndataset = "vitrine"\n'),
  );
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toContain(
    "analytics_engine_datasets[0].binding: is ANALYTICS, which the Worker does not use: call it METRICS",
  );
  edit("wrangler.toml", (text) => text.replace("ANALYTICS", "METRICS"));
  const right = await check();
  expect([right.code, right.output]).toEqual([0, expect.not.stringContaining("analytics_engine")]);
});

test("vitrine check finds session credentials in .dev.vars, and a secret that is not required", async () => {
  writeFileSync(
    join(folder, ".dev.vars"),
    'AWS_ACCESS_KEY_ID="ASIAIOSFODNN7EXAMPLE"\nAWS_SECRET_ACCESS_KEY="x"\n',
  );
  const session = await check();
  expect(session.code).toBe(2);
  expect(session.output).toMatch(/ {2}\.dev\.vars: AWS_ACCESS_KEY_ID: is a temporary session key/);
  expect(session.output).not.toContain("IOSFODNN7");

  rmSync(join(folder, ".dev.vars"));
  edit("wrangler.toml", (text) => text.replace(', "AWS_SECRET_ACCESS_KEY"', ""));
  const missing = await check();
  expect(missing.code).toBe(2);
  expect(missing.output).toContain("AWS_SECRET_ACCESS_KEY: is missing");
});

test("vitrine check finds a token that is too short, and a next slot that a deploy would require", async () => {
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  writeFileSync(
    join(folder, ".dev.vars"),
    `${example}\nHEALTH_TOKEN="short"\nPURGE_TOKEN="short"\n`,
  );
  edit("wrangler.toml", (text) =>
    text.replace('"AWS_ACCESS_KEY_ID"', '$&, "AWS_ACCESS_KEY_ID_NEXT"'),
  );
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toContain("  .dev.vars: HEALTH_TOKEN: is not 16 or more ASCII characters");
  expect(output).toContain("  .dev.vars: PURGE_TOKEN: is not 32 or more ASCII characters");
  expect(output).toContain("  AWS_ACCESS_KEY_ID_NEXT: is listed under [secrets]");
  expect(output).not.toContain("short");
});

test("vitrine check, like vitrine dev, needs no keys for the local buckets", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace('region = "eu-west-1"', '$&\ncredentials = "OWN"')
      .replace('["AWS_ACCESS_KEY_ID", "AWS_', '["OWN_ACCESS_KEY_ID", "OWN_'),
  );
  cpSync(join(folder, ".dev.vars.example"), join(folder, ".dev.vars"));
  expect(await check()).toMatchObject({ code: 0 });
  const BUCKETS =
    '{"media":{"endpoint":"http://localhost:9","bucket":"abc","region":"auto","credentials":"OWN"}}';
  writeFileSync(join(folder, ".dev.vars"), `BUCKETS='${BUCKETS}'\n`);
  const own = await check();
  expect([own.code, own.output]).toEqual([2, expect.stringContaining("OWN_ACCESS_KEY_ID: is mis")]);
});

test("vitrine check finds all mistakes that matter only once deployed (E6, W2)", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace("cache = { enabled = false }", "cache = { enabled = true }")
      .replace('region = "eu-west-1"', 'region = "eu-west-2"')
      .replace("[vars.BUCKETS.media]", '[vars]\nOLD_ACCESS_KEY_ID = "x"\n[vars.PRESET.card]\n$&')
      .replace("[[vars.ROUTES]]", '$&\npath = "/:preset/*"\nobject = "own/*"\n$&')
      .replace("[vars.PRESETS.card]", LOCAL_BUCKET)
      .replace("[vars.PRESETS.card]", '$&\ndraw = [{ url = "http://localhost/mark.png" }]'),
  );
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output.split("\n")).toEqual([
    "The configuration has mistakes:",
    expect.stringMatching(/^ {2}OLD_ACCESS_KEY_ID: is in wrangler\.toml, where it is no secret/),
    "  PRESET: is none of BUCKETS, ROUTES, PRESETS, ANSWERS, COSTS, OIDC",
    expect.stringMatching(/^ {2}exports\.default\.cache\.enabled: is true: /), // W2
    "  PRESETS.card.draw[0].url: http:// is for your own machine only", // E6
    "  BUCKETS.own.endpoint: http:// is for your own machine only, in .dev.vars", // E6
    "  BUCKETS.media.region: is eu-west-2, but the endpoint is in eu-west-1", // A5
    expect.stringMatching(
      /^ {2}What is allowed: .*docs\/configuration\.md#secrets, .*#varspresetsname, .*#varsbucketsname$/,
    ),
    "",
  ]);
});

test.each([
  ["leaves out", ""],
  ["has empty", 'AWS_SECRET_ACCESS_KEY=""'],
])("a secret that .dev.vars %s is found, whatever .env has (S2, S4)", async (_what, line) => {
  writeFileSync(join(folder, ".dev.vars"), `AWS_ACCESS_KEY_ID="x"\n${line}\n`);
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="x"\n');
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toContain("  .dev.vars: AWS_SECRET_ACCESS_KEY: is missing");
});

test("a file of main that is not there is a mistake, with what to write", async () => {
  edit("wrangler.toml", (text) => text.replace("src/worker/index.ts", "src/other.ts"));
  const { code, output } = await check();
  expect(code).toBe(2);
  expect(output).toMatch(
    /^ {2}main: is .*src\/other\.ts, which is not there: .* from "vitrine";$/m,
  );
});

test("a page of the documentation is named by where it is", async () => {
  const { out } = await vitrine(["--help"]);
  expect(out).toMatch(/^Documentation: docs\/README\.md$/m); // here; test/package looks elsewhere
});

test.each<[string, string, () => void]>([
  [
    "ZONE_ID",
    "under [vars]",
    () =>
      edit("wrangler.toml", (text) =>
        text.replace("[vars.BUCKETS.media]", '[vars]\nZONE_ID = "023e"\n$&'),
      ),
  ],
  [
    "CLOUDFLARE_API_TOKEN",
    "under [secrets]",
    () =>
      edit("wrangler.toml", (text) =>
        text.replace(
          '"AWS_SECRET_ACCESS_KEY"]',
          '"AWS_SECRET_ACCESS_KEY", "CLOUDFLARE_API_TOKEN"]',
        ),
      ),
  ],
])("vitrine check has a hint where %s is left over %s", async (names, _where, leave) => {
  leave();
  const { code, output } = await check();
  expect([code, output]).toEqual([
    0,
    expect.stringContaining(`Warning: the Worker does not use ${names} any more`),
  ]);
});

test("vitrine check says that a changed overlay needs a new URL", async () => {
  const hint = "Overlays by URL (card): when you change one, give it a new URL.";
  expect((await check()).output).not.toContain("Overlays by URL");
  edit("wrangler.toml", (text) =>
    text.replace("[vars.PRESETS.card]", '$&\ndraw = [{ url = "https://images.example/mark.png" }]'),
  );
  expect(await check()).toMatchObject({ code: 0, output: expect.stringContaining(hint) });
});
