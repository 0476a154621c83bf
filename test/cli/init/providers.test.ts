// What `vitrine init` writes for each provider is right by `vitrine check`.

import { expect, test } from "vitest";
import { PROVIDERS } from "../../../src/cli/init/providers.ts";
import { readPage } from "../../docs/pages.ts";
import { contents, emptyFolder, init, readProject } from "../../support/cli/making.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";

/** The flags of each provider, and its entry under Sources without and with a prefix. */
const CASES = {
  aws: [["--region", "eu-west-1"], "acme-media.s3.eu-west-1.amazonaws.com"],
  r2: [
    ["--endpoint", `https://${ACCOUNT}.r2.cloudflarestorage.com`],
    `${ACCOUNT}.r2.cloudflarestorage.com/acme-media/`,
  ],
  b2: [["--region", "us-west-004"], "s3.us-west-004.backblazeb2.com/acme-media/"],
  gcs: [[], "storage.googleapis.com/acme-media/"],
  minio: [["--endpoint", "https://minio.example.com"], "minio.example.com/acme-media/"],
  wasabi: [["--region", "eu-central-1"], "s3.eu-central-1.wasabisys.com/acme-media/"],
  spaces: [["--region", "fra1"], "fra1.digitaloceanspaces.com/acme-media/"],
} as const satisfies Record<keyof typeof PROVIDERS, readonly [readonly string[], string]>;

/** The rows of docs/configuration.md, by what `--provider` is given. */
const ROWS = new Map(
  readPage("docs/configuration.md")
    .split("### Providers")[1]
    ?.split("\n")
    .filter((line) => /^\| .* \| `\w+` +\| `https:/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, label, name = "", endpoint, region]) => [
      name.slice(1, -1),
      { label, endpoint, region },
    ]),
);

test("docs/configuration.md has the providers of init, and no others", () => {
  expect([...ROWS.keys()]).toEqual(Object.keys(PROVIDERS));
});

const named = Object.entries(CASES);

test.each(named)(
  "%s is right by vitrine check, as docs/configuration.md has it (A4, E5)",
  async (provider, [flags, entry]) => {
    const folder = emptyFolder();
    const given = ["--provider", provider, "--bucket", "acme-media", ...flags];
    expect(await init(folder, given)).toMatchObject({ code: 0, err: "" });
    const checked = await vitrine(["check"], { folder });
    expect(checked).toMatchObject({ code: 0, err: "" });
    expect(checked.out).toContain(`each with its path:\n  ${entry}\n`);
    expect(checked.out).toContain(
      "Before a deploy, uncomment routes and put your own domain there.\n",
    );

    const { media } = Object(readProject(folder).deployed["BUCKETS"]);
    const row = ROWS.get(provider);
    const endpoint = row?.endpoint?.replace("<account id>", ACCOUNT).slice(1, -1);
    expect(media).toEqual({ endpoint, bucket: "acme-media", region: expect.any(String) });
    expect(row?.region).toMatch(new RegExp(`^\`${media.region}\`(, or as set)?$`));
  },
);

test.each(named)("%s with a prefix and a domain, too", async (provider, [flags, entry]) => {
  const folder = emptyFolder();
  const given = ["--provider", provider, "--bucket", "acme-media", ...flags];
  const more = ["--prefix", "published", "--domain", "images.example.com"];
  expect(await init(folder, [...given, ...more])).toMatchObject({ code: 0, err: "" });
  const checked = await vitrine(["check"], { folder });
  expect(checked).toMatchObject({ code: 0, err: "" });
  expect(checked.out).toContain(`  ${entry.replace(/\/?$/, "/published/")}\n`);
  expect(checked.out).not.toContain("uncomment routes");
  expect(contents(folder)["README.md"]).not.toContain("own domain");
  expect(readProject(folder)).toMatchObject({ customDomains: ["images.example.com"] });
});

test("an endpoint that is given goes before that of the provider", async () => {
  const folder = emptyFolder();
  const endpoint = "https://s3.cn-north-1.amazonaws.com.cn";
  const given = ["--provider", "aws", "--bucket", "acme-media", "--region", "cn-north-1"];
  expect(await init(folder, [...given, "--endpoint", endpoint])).toMatchObject({ code: 0 });
  expect(contents(folder)["wrangler.toml"]).toContain(`\nendpoint = "${endpoint}"\n`);
});

const R2 = ["--provider", "r2", "--bucket", "acme-media"];

test.each<[more: readonly string[], media: object, workersDev: boolean, patterns: string[]]>([
  [[], { binding: "MEDIA_BUCKET" }, true, []],
  [["--prefix", "published"], { binding: "MEDIA_BUCKET", prefix: "published/" }, true, []],
  [["--domain", "images.example.com"], { binding: "MEDIA_BUCKET" }, false, ["images.example.com"]],
])(
  "r2 without an endpoint needs no key, also with %j",
  async (more, media, workersDev, patterns) => {
    const folder = emptyFolder();
    expect(await init(folder, [...R2, ...more])).toMatchObject({ code: 0, err: "" });
    const { code, out, err } = await vitrine(["check"], { folder });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("nothing is to be\n  allowed in the dashboard");
    expect(readProject(folder)).toMatchObject({
      ...{ images: "IMAGES", secrets: [], workersDev, patterns },
      r2Buckets: [
        { binding: "MEDIA_BUCKET", bucket_name: "acme-media" },
        { binding: "RENDITIONS" },
      ],
    });
    expect(Object(readProject(folder).deployed["BUCKETS"]).media).toEqual(media);
  },
);

test.each([
  [["--region", "auto"], "region: is only for R2 by its S3 API: add --endpoint, too"],
  [["--bucket", "acme_media"], '"acme_media" is not the name of an R2 bucket'],
  [["--bucket", "acme.media"], '"acme.media" is not the name of an R2 bucket'],
  [["--bucket", "Acme"], '"Acme" is not a bucket name'],
  [["--prefix", "/x"], '"/x/" is not a path such as a/b/'],
  [["--endpoint", ""], "is not a plain https:// URL"],
])("r2 with %j is refused, and nothing is written", async (more, says) => {
  const folder = emptyFolder();
  const { code, out, err } = await init(folder, [...R2, ...more]);
  expect([code, out]).toEqual([3, ""]);
  expect(err).toContain(says);
  expect(contents(folder)).toEqual({});
});

test("r2 without a bucket names that alone", async () => {
  expect((await init(emptyFolder(), ["--provider", "r2"])).err).toBe(
    "Nothing is written:\n  --bucket: is missing: the bucket's name at the provider\n",
  );
});

test("the steps of r2 need no domain, and .dev.vars.example asks for nothing (D1)", async () => {
  const folder = emptyFolder();
  const { out } = await init(folder, R2);
  expect(out).toContain("  3. npx wrangler login, and npm run deploy, which makes the R2 bucket");
  expect(out).not.toContain("domain");
  const { ".dev.vars.example": example, "README.md": readme } = contents(folder);
  expect(example?.match(/^[^#\n].*$/gm)).toBeNull();
  expect(readme).not.toContain("key to the first image");
});
