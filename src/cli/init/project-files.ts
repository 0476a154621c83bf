// Fills in the files of a new project from two templates: the folder that the button "Deploy to Cloudflare" clones, and
// a workflow for GitHub. Reads nothing but this package, and looks for its packed file.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { tableOf } from "../../worker/util/json.ts";
import { PACKAGE_ROOT } from "../command.ts";
import { VERSION } from "../wrangler/packages.ts";
import type { Deployment, ProjectSettings } from "./settings.ts";

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
  const installed = installedFrom(packageRoot);
  const paths = installed === undefined ? [] : [installed];
  paths.push(...[packageRoot, ...folders].map((folder) => join(folder, PACKED)));
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

export function projectFiles(settings: ProjectSettings): ProjectFiles {
  const read = (path: string) => readFileSync(join(FIXTURES, path), "utf8");
  const template = (path: string) => read(`template/${path}`);
  return {
    "wrangler.toml": wranglerToml(template("wrangler.toml"), settings),
    "package.json": packageJson(template("package.json"), settings),
    "src/index.ts": template("src/index.ts"),
    "tsconfig.json": template("tsconfig.json"),
    ".dev.vars.example": template(".dev.vars.example") + (settings.s3 ? KEY : ""),
    // npm packs no .gitignore: `npm run build` puts a copy into dist/.
    ".gitignore": read(existsSync(join(FIXTURES, GITIGNORE)) ? GITIGNORE : "../dist/gitignore"),
    "README.md": readme(template("README.md"), settings) + COMMIT,
    ".github/workflows/vitrine.yml": workflow(read("github/workflows/vitrine.yml"), settings),
    ".github/dependabot.yml": read("github/dependabot.yml"),
  };
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
function readme(template: string, settings: ProjectSettings): string {
  const { name, s3 } = settings;
  const [{ environment }] = settings.deployments;
  const named = fill(template, [["# vitrine\n", `# ${name}\n`]]);
  const text = s3 ? named.replace(/^4\. .*\n/m, "") : named;
  if (environment === undefined) return text;
  return alignTable(text.replaceAll("npm run deploy", `$& -- --env ${environment}`));
}

/** Pads the first column of a table of two columns, whose cells have become longer. */
function alignTable(text: string): string {
  const cells = [...text.matchAll(/^\| (?<cell>`.*?`) +\|/gm)];
  const width = Math.max(...cells.map(({ groups }) => groups?.["cell"]?.length ?? 0));
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

/** The template's tables have empty lines between them. No environment inherits `images`, `r2_buckets` and `vars`. */
function wranglerToml(template: string, { name, deployments, s3 }: ProjectSettings): string {
  const tables = template.trimEnd().split("\n\n");
  const isNotInherited = (table: string) => /^\[\[?(?:images|r2_buckets|vars)\b/m.test(table);
  const isForR2 = (table: string) =>
    /^(?:\[images\]|\[\[r2_buckets\]\]\nbinding = "MEDIA_BUCKET")$/m.test(table);
  const copied = tables.filter((table) => isNotInherited(table) && !(s3 && isForR2(table)));
  copied.push(QUEUE, ...(s3 ? [SECRETS] : []));
  const filled = fill(copied.join("\n\n"), [
    [STORE_BUCKET, ""],
    [STORE_NAME, s3 ? STORE_NAME : `${STORE_NAME}\n${LONG_KEEP}`],
  ]);
  const [{ environment, host }] = deployments;
  const shared = fill(tables.filter((table) => !isNotInherited(table)).join("\n\n"), [
    ['name = "vitrine"', `name = "${name}"`],
    ["workers_dev = true", `workers_dev = ${!s3 && !host}`],
    environment ? [`\n${NO_ROUTES}`, ""] : [NO_ROUTES, routesOf(host)],
  ]);
  const texts = deployments.map((deployment) => {
    const worker = [name, deployment.environment].filter(Boolean).join("-");
    return tablesOf(deployment, filled.replaceAll('"NAME-', `"${worker}-`), s3);
  });
  return `${[shared, ...texts].join("\n\n")}\n`;
}

/** The tables of an environment, or those of the top level that no environment inherits. */
function tablesOf(
  { environment, bucket, host }: Deployment,
  tables: string,
  s3: ProjectSettings["s3"],
) {
  const filled = s3
    ? fill(tables, [[R2_ORIGIN, s3Origin(bucket, s3)]])
    : fill(tables, [
        ['"vitrine-media"', `"${bucket}"`],
        // R2's events name the bucket so (Q6).
        [R2_ORIGIN, `${R2_ORIGIN}\nbucket = "${bucket}"`],
      ]);
  if (environment === undefined) return filled;
  const named = filled.replace(/^(\[\[?)(?=[a-z])/gm, `$1env.${environment}.`);
  return `[env.${environment}]\n${routesOf(host)}\n\n${named}`;
}

const R2_ORIGIN = '[vars.BUCKETS.media]\nbinding = "MEDIA_BUCKET"';

function s3Origin(bucket: string, { endpoint, region }: NonNullable<ProjectSettings["s3"]>) {
  const settings = `endpoint = "${endpoint}"\nbucket = "${bucket}"\nregion = "${region}"`;
  return `[vars.BUCKETS.media]\n${settings}`;
}

function routesOf(host: string | undefined): string {
  return host === undefined ? NO_ROUTES : NO_ROUTES.slice(2).replace("images.example.com", host);
}

/** Without the descriptions of the bindings, which only the button shows. */
function packageJson(template: string, { deployments, s3 }: ProjectSettings): string {
  const [{ environment, bucket }] = deployments;
  const { cloudflare: _, ...manifest } = JSON.parse(template);
  const { scripts, dependencies } = manifest;
  if (environment !== undefined) scripts.start += ` --env ${environment}`;
  if (s3) delete scripts.sample;
  else scripts.sample = fill(scripts.sample, [["vitrine-media", bucket]]);
  dependencies.vitrine = `file:${PACKED}`;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The last job deploys. With environments, each has such a job, which waits for the job before. */
function workflow(template: string, { deployments }: ProjectSettings): string {
  const [checks = "", job = ""] = template.split(/(?=^ {2}deploy:)/m);
  let before = "check";
  const jobs = deployments.map(({ environment }) => {
    if (environment === undefined) return job;
    const needs = `needs: ${before}`;
    before = `deploy-${environment}`;
    return fill(job, [
      ["  deploy:", `  ${before}:`],
      ["needs: check", needs],
      ["group: deploy-production", `group: deploy-${environment}`],
      ["environment: production", `environment: ${environment}`],
      ["vitrine deploy", `vitrine deploy --env ${environment}`],
    ]);
  });
  return checks + jobs.join("");
}

/** Replaces parts of a text. @throws if one is not there exactly once: the template was changed, and not this file */
function fill(text: string, parts: readonly (readonly [part: string, by: string])[]): string {
  return parts.reduce((before, [part, by]) => {
    if (before.split(part).length !== 2) throw new Error(`the template has not one ${part}`);
    return before.replace(part, () => by);
  }, text);
}
