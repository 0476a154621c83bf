// Fills in the files of a new project from two templates: the folder that the button "Deploy to Cloudflare" clones, and
// a workflow for GitHub. Reads nothing but this package, and looks for its packed file.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { tableOf } from "../../worker/util/json.ts";
import { PACKAGE_ROOT } from "../command.ts";
import { VERSION } from "../wrangler/packages.ts";
import type { Deployment, ProjectSettings, S3Endpoint } from "./settings.ts";

/** The text of each file, by its path from the project's folder, with slashes. */
export type ProjectFiles = Readonly<Record<string, string>>;

const FIXTURES = join(PACKAGE_ROOT, "fixtures");
const GITIGNORE = "template/.gitignore";

/** The package, as `npm pack` names it. A project uses this file: anybody may publish a package of this name at npm (D5). */
export const PACKED = `vitrine-${VERSION}.tgz`;

/**
 * Looks for the packed file: where this package was installed from, such as by `npx --package ./vitrine-0.3.0.tgz`, in this
 * clone, and then in these folders: what lies there under that name may be of somebody else.
 */
export function findPacked(
  folders: readonly string[],
  packageRoot = PACKAGE_ROOT,
): string | undefined {
  const paths = [packageRoot, ...folders].map((folder) => join(folder, PACKED));
  const installed = installedFrom(packageRoot);
  if (installed !== undefined) paths.unshift(installed);

  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/** The file that npm installed this package from. npm writes it into node_modules/. */
function installedFrom(packageRoot: string): string | undefined {
  const lockFile = join(packageRoot, "../.package-lock.json");
  if (!existsSync(lockFile)) return undefined;

  const { packages } = tableOf(readFileSync(lockFile, "utf8"));
  const { resolved } = tableOf(tableOf(packages)["node_modules/vitrine"]);
  if (typeof resolved !== "string" || !resolved.startsWith("file:")) return undefined;

  return resolve(packageRoot, "../..", resolved.slice("file:".length));
}

/** Fills in the templates. */
export function projectFiles(settings: ProjectSettings): ProjectFiles {
  return {
    "wrangler.toml": wranglerToml(settings),
    "package.json": packageJson(settings),
    "src/index.ts": readFixture("template/src/index.ts"),
    "tsconfig.json": readFixture("template/tsconfig.json"),
    ".dev.vars.example": devVarsExample(settings),
    ".gitignore": gitignore(),
    "README.md": readme(settings),
    ".github/workflows/vitrine.yml": workflow(settings),
    ".github/dependabot.yml": readFixture("github/dependabot.yml"),
  };
}

function readFixture(path: string): string {
  return readFileSync(join(FIXTURES, path), "utf8");
}

function devVarsExample({ s3 }: ProjectSettings): string {
  const template = readFixture("template/.dev.vars.example");
  return s3 === undefined ? template : template + KEY;
}

/** npm packs no .gitignore: `npm run build` puts a copy into dist/. */
function gitignore(): string {
  const isRepository = existsSync(join(FIXTURES, GITIGNORE));
  return readFixture(isRepository ? GITIGNORE : "../dist/gitignore");
}

const KEY = `
# The access key of the bucket: docs/deploy.md, step 5.
AWS_ACCESS_KEY_ID=""
AWS_SECRET_ACCESS_KEY=""
`;

const COMMIT = `
\`.github/workflows/vitrine.yml\` checks each change, and deploys \`main\`, once you have run \`git init\` and pushed it to GitHub: \`environments.md\` there says what it needs. Commit \`${PACKED}\`, too, which \`package.json\` names.
`;

/** It is called like the Worker. Its commands deploy the first environment. Step 4 is only for R2. */
function readme({ name, s3, deployments }: ProjectSettings): string {
  let text = fill(readFixture("template/README.md"), [["# vitrine\n", `# ${name}\n`]]);
  if (s3 !== undefined) text = text.replace(/^4\. .*\n/m, "");

  const [{ environment }] = deployments;
  if (environment !== undefined) {
    text = alignTable(text.replaceAll("npm run deploy", `$& -- --env ${environment}`));
  }
  return text + COMMIT;
}

/** Pads the first column of a table of two columns, whose cells have become longer. */
function alignTable(text: string): string {
  const cells = [...text.matchAll(/^\| (?<cell>`.*?`) +\|/gm)];
  const lengths = cells.map(({ groups }) => groups?.["cell"]?.length ?? 0);
  const width = Math.max(...lengths);
  return text
    .replace(/^\| (`.*?`|command) +\|/gm, (_row, cell: string) => `| ${cell.padEnd(width)} |`)
    .replace(/^\| -+ \|/m, `| ${"-".repeat(width)} |`);
}

const SECRETS = `[secrets]
required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]`;

const STORE_NAME = 'store = "RENDITIONS"';

/** Without a name, `wrangler deploy` makes a bucket for each Worker, called like it (T9). The button asks for a name (D1). */
const STORE_BUCKET = '\nbucket_name = "vitrine-renditions"';

/** Only for R2, whose events come as soon as it is deployed. docs/cache.md says why 30 days. */
const LONG_KEEP = `# Events purge what changes, so Cloudflare keeps a picture for 30 days. Without events, write 300.
keep = 2_592_000`;

/** Each environment has a queue of its own: a queue has one consumer Worker (Q2). `vitrine deploy` makes both. */
const QUEUE = `# Events of the bucket wait in this queue, and the Worker purges 100 objects at once.
# max_concurrency and max_retries suit the limit of Workers Cache. docs/events.md says more.
[[queues.producers]]
queue = "NAME-events"
binding = "EVENTS"

[[queues.consumers]]
queue = "NAME-events"
max_batch_size = 100
max_batch_timeout = 10
max_retries = 100
max_concurrency = 1
dead_letter_queue = "NAME-events-dead"`;

const NO_ROUTES = '# routes = [{ pattern = "images.example.com", custom_domain = true }]';

function wranglerToml(settings: ProjectSettings): string {
  const { name, deployments, s3 } = settings;

  // The template's tables have empty lines between them.
  const template = readFixture("template/wrangler.toml");
  const tables = template.trimEnd().split("\n\n");
  const inherited = tables.filter((table) => !NOT_INHERITED.test(table));
  const perDeployment = tables.filter((table) => NOT_INHERITED.test(table));

  const topLevel = fillTopLevel(inherited.join("\n\n"), settings);
  const copied = fillStore(copiedTables(perDeployment, s3), s3);

  const texts = deployments.map((deployment) => {
    const { environment } = deployment;
    const worker = environment === undefined ? name : `${name}-${environment}`;
    return tablesOf(deployment, copied.replaceAll('"NAME-', `"${worker}-`), s3);
  });
  return `${[topLevel, ...texts].join("\n\n")}\n`;
}

/** Tables that no environment inherits. */
const NOT_INHERITED = /^\[\[?(?:images|r2_buckets|vars)\b/m;

/** The tables that only a bucket in R2 needs. */
const FOR_R2 = /^(?:\[images\]|\[\[r2_buckets\]\]\nbinding = "MEDIA_BUCKET")$/m;

/** The tables that each deployment has. */
function copiedTables(tables: readonly string[], s3: S3Endpoint | undefined): string {
  if (s3 === undefined) return [...tables, QUEUE].join("\n\n");

  const withoutR2 = tables.filter((table) => !FOR_R2.test(table));
  return [...withoutR2, QUEUE, SECRETS].join("\n\n");
}

function fillStore(tables: string, s3: S3Endpoint | undefined): string {
  const withoutBucket = fill(tables, [[STORE_BUCKET, ""]]);
  if (s3 !== undefined) return withoutBucket;
  return fill(withoutBucket, [[STORE_NAME, `${STORE_NAME}\n${LONG_KEEP}`]]);
}

function fillTopLevel(tables: string, { name, deployments, s3 }: ProjectSettings): string {
  const [{ environment, host }] = deployments;
  // With environments, each one has its own routes.
  const routes: Replacement =
    environment === undefined ? [NO_ROUTES, routesOf(host)] : [`\n${NO_ROUTES}`, ""];

  // The image edge shows nothing on workers.dev.
  const isOnWorkersDev = s3 === undefined && host === undefined;
  return fill(tables, [
    ['name = "vitrine"', `name = "${name}"`],
    ["workers_dev = true", `workers_dev = ${isOnWorkersDev}`],
    routes,
  ]);
}

/** The tables of an environment, or those of the top level that no environment inherits. */
function tablesOf(
  { environment, bucket, host }: Deployment,
  tables: string,
  s3: S3Endpoint | undefined,
): string {
  const filled = s3 === undefined ? fillR2(tables, bucket) : fillS3(tables, bucket, s3);
  if (environment === undefined) return filled;

  const named = filled.replace(/^(\[\[?)(?=[a-z])/gm, `$1env.${environment}.`);
  return `[env.${environment}]\n${routesOf(host)}\n\n${named}`;
}

const R2_ORIGIN = '[vars.BUCKETS.media]\nbinding = "MEDIA_BUCKET"';

function fillR2(tables: string, bucket: string): string {
  return fill(tables, [
    ['"vitrine-media"', `"${bucket}"`],
    // R2's events name the bucket so (Q6).
    [R2_ORIGIN, `${R2_ORIGIN}\nbucket = "${bucket}"`],
  ]);
}

function fillS3(tables: string, bucket: string, { endpoint, region }: S3Endpoint): string {
  const origin = `[vars.BUCKETS.media]
endpoint = "${endpoint}"
bucket = "${bucket}"
region = "${region}"`;
  return fill(tables, [[R2_ORIGIN, origin]]);
}

function routesOf(host: string | undefined): string {
  if (host === undefined) return NO_ROUTES;
  const commented = NO_ROUTES.replace("images.example.com", host);
  return commented.slice("# ".length);
}

/** Without the descriptions of the bindings, which only the button shows. */
function packageJson({ deployments, s3 }: ProjectSettings): string {
  const template = readFixture("template/package.json");
  const { cloudflare: _, ...manifest } = JSON.parse(template);
  const { scripts, dependencies } = manifest;
  dependencies.vitrine = `file:${PACKED}`;

  const [{ environment, bucket }] = deployments;
  if (environment !== undefined) scripts.start += ` --env ${environment}`;

  // The sample is put into a bucket in R2.
  if (s3 === undefined) scripts.sample = fill(scripts.sample, [["vitrine-media", bucket]]);
  else delete scripts.sample;

  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The last job deploys. With environments, each has such a job, which waits for the job before. */
function workflow({ deployments }: ProjectSettings): string {
  const template = readFixture("github/workflows/vitrine.yml");
  const [checks = "", job = ""] = template.split(/(?=^ {2}deploy:)/m);

  let text = checks;
  let previousJob = "check";
  for (const { environment } of deployments) {
    if (environment === undefined) {
      text += job;
      continue;
    }

    const name = `deploy-${environment}`;
    text += fill(job, [
      ["  deploy:", `  ${name}:`],
      ["needs: check", `needs: ${previousJob}`],
      ["group: deploy-production", `group: deploy-${environment}`],
      ["environment: production", `environment: ${environment}`],
      ["vitrine deploy", `vitrine deploy --env ${environment}`],
    ]);
    previousJob = name;
  }
  return text;
}

type Replacement = readonly [part: string, by: string];

/** Replaces parts of a text. @throws if one is not there exactly once: the template was changed, and not this file */
function fill(text: string, replacements: readonly Replacement[]): string {
  let filled = text;
  for (const [part, by] of replacements) {
    const count = filled.split(part).length - 1;
    if (count !== 1) throw new Error(`the template has not one ${part}`);
    filled = filled.replace(part, () => by);
  }
  return filled;
}
