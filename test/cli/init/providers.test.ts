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
  expect(readProject(folder)).toMatchObject({ customDomains: ["images.example.com"] });
});

test("an endpoint that is given goes before that of the provider", async () => {
  const folder = emptyFolder();
  const endpoint = "https://s3.cn-north-1.amazonaws.com.cn";
  const given = ["--provider", "aws", "--bucket", "acme-media", "--region", "cn-north-1"];
  expect(await init(folder, [...given, "--endpoint", endpoint])).toMatchObject({ code: 0 });
  expect(contents(folder)["wrangler.toml"]).toContain(`\nendpoint = "${endpoint}"\n`);
});
