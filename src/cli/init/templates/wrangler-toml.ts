// wrangler.toml of a new project. This repository's own is made of the same text: a test compares them.

import { madeWithComment } from "../../config/versions.ts";
import { R2_BINDING, type Settings, STORE_BINDING } from "../read-answers.ts";

/** @param version that of Vitrine, which `vitrine check` reads again */
export function wranglerToml(settings: Settings, version: string): string {
  const { name, bucket, s3, prefix, domain, store } = settings;
  return `${madeWithComment(version)} npx vitrine check reads this line.
# All settings of Vitrine are in this file. docs/configuration.md explains each key and
# its values. After a change, run: npx vitrine check
# The documentation, docs/, is in node_modules/vitrine/.

name = ${toml(name)}
main = "src/index.ts"
compatibility_date = "2026-11-01"
minify = true
keep_names = false

${s3 === undefined ? boundAddress(domain) : address(domain)}

[observability]
enabled = true

# Cloudflare keeps each rendition for all visitors, also after a deploy and after
# npx wrangler secret put. [vars.ANSWERS] keep says for how long; 0 is never.
[cache]
enabled = true
cross_version_cache = true

# This part of the Worker checks each request, so nothing may answer in its place.
[exports.default]
type = "worker"
cache = { enabled = false }

# This part makes renditions, which are the same for all visitors.
[exports.Renditions]
type = "worker"
cache = { enabled = true }

${s3 === undefined ? boundBucket(bucket) : s3Bucket(bucket, s3)}
${prefix === "" ? "" : `prefix = ${toml(prefix)}\n`}# An image of yours, for /healthz, the doctor and vitrine rotate to look at:
# canary = "photos/fig.jpg"

[[vars.ROUTES]]
path = "/images/:preset/*"
object = "media/*"

[vars.PRESETS.thumbnail]
width = 160
height = 160
fit = "cover"
dpr = [1, 2]

[vars.PRESETS.card]
width = 480
dpr = [1, 1.5, 2]

[vars.PRESETS.hero]
width = 1920
widths = [640, 960, 1280, 1920]
quality = 80
${store === undefined ? "" : storeTables(store)}
# \`npx vitrine check\` calculates with these numbers: about how many objects each bucket
# shows, and what all their sizes may cost a month at most, in US dollars.
[vars.COSTS]
most = 65
objects = { media = 10_000 }
${s3 === undefined ? "" : SECRETS}`;
}

/** Without a name of its own, `wrangler deploy` makes the bucket (T9). */
function storeTables({ jurisdiction }: NonNullable<Settings["store"]>): string {
  return `
# R2 holds every rendition that was ever made, so each is made and billed once, and shown while
# S3 is down. A deploy makes the bucket, which nothing else may use.
[vars.ANSWERS]
store = ${toml(STORE_BINDING)}

[[r2_buckets]]
binding = ${toml(STORE_BINDING)}
${jurisdiction === undefined ? "" : `jurisdiction = ${toml(jurisdiction)}\n`}`;
}

const SECRETS = `
[secrets]
required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
`;

function s3Bucket(bucket: string, { endpoint, region }: NonNullable<Settings["s3"]>): string {
  return `[vars.BUCKETS.media]
endpoint = ${toml(endpoint)}
bucket = ${toml(bucket)}
region = ${toml(region)}`;
}

/** Its name stands in one place only, because the Deploy button asks for another one, and changes only that. */
function boundBucket(bucket: string): string {
  return `# Cloudflare Images makes the renditions. The Worker reads the R2 bucket through its own
# binding, so neither needs a key.
[images]
binding = "IMAGES"

[[r2_buckets]]
binding = ${toml(R2_BINDING)}
bucket_name = ${toml(bucket)}

[vars.BUCKETS.media]
binding = ${toml(R2_BINDING)}`;
}

function address(domain: string): string {
  return `# Whether Cloudflare transforms the images of a bucket on a workers.dev address is not
# known. If not, visitors get 502 there. So it is turned off. Use your own domain:
workers_dev = false
preview_urls = false
${routes(domain)}`;
}

/** No rule of the zone and no log of it holds for a workers.dev address, so a domain takes its place. */
function boundAddress(domain: string): string {
  const what =
    domain === ""
      ? "# This needs no domain. Once you have one, uncomment routes, and turn workers_dev off:"
      : "# The rules of your domain do not hold on a workers.dev address, so it is turned off:";
  return `${what}
workers_dev = ${domain === ""}
preview_urls = false
${routes(domain)}`;
}

function routes(domain: string): string {
  const line = `routes = [{ pattern = ${toml(domain || "images.example.com")}, custom_domain = true }]`;
  return domain === "" ? `# ${line}` : line;
}

/** A string of TOML: one of JSON is one, without the one control character that JSON may have in it. */
function toml(text: string): string {
  return JSON.stringify(text).replaceAll("\u007F", "\\u007F");
}
