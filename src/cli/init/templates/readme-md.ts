// README.md of a new project: the next steps, the commands, and where the documentation is.

import type { Settings } from "../read-answers.ts";

/** @param vitrine its range, or its file */
export function readmeMd({ name, bucket, domain, s3 }: Settings, vitrine: string): string {
  const [file] = /(?<=^file:).*/.exec(vitrine) ?? [];
  const needed = file === undefined ? "" : ` CI needs \`${file}\`, too.`;
  return `# ${name}

Shows images of the private bucket \`${bucket}\` at preset sizes, through Cloudflare. It is a Worker made by Vitrine: all settings are in \`wrangler.toml\`, all code is in the package \`vitrine\`.

## The next steps

1. \`npm install\`, and commit the \`package-lock.json\` that it makes.${needed}
2. \`npm start\`, and open <http://localhost:8787/>. It needs no account and no key: a bucket on your own machine stands for yours.
${s3 === undefined ? boundDeploySteps(bucket) : deploySteps(domain)}

## Commands

| command              | what it does                                                 |
| -------------------- | ------------------------------------------------------------ |
| \`npm start\`          | runs everything on your own machine                          |
| \`npm run check\`      | checks the settings and the types, and says what it may cost |
| \`npm run deploy\`     | deploys, and looks for what is wrong                         |
| \`npx vitrine --help\` | all others: URLs, keys, caches, and a client for your app    |
${file === undefined ? UPGRADE : ""}
The documentation is in \`node_modules/vitrine/docs/\`; \`README.md\` there lists its pages. \`.github/workflows/vitrine.yml\` checks each change and deploys \`main\`: \`environments.md\` there says what it needs.
`;
}

/** A file is upgraded by a newer one. */
const UPGRADE =
  "| `npm update vitrine` | upgrades                                                     |\n";

function deploySteps(domain: string): string {
  const own =
    domain === "" ? "Put your own domain under `routes` in `wrangler.toml`. Then deploy" : "Deploy";
  return `3. ${own}: \`node_modules/vitrine/docs/deploy.md\` has the steps, from the bucket's key to the first image.`;
}

function boundDeploySteps(bucket: string): string {
  return `3. \`npx wrangler login\`, and \`npm run deploy\`: it makes the R2 bucket if there is none. No domain and no key is needed: \`node_modules/vitrine/docs/deploy.md\`, "With R2 alone".
4. If the bucket is empty, put a first picture into it: \`${firstPicture(bucket)}\``;
}

/** The command that puts a picture of this package into the bucket. */
export function firstPicture(bucket: string): string {
  return `npx wrangler r2 object put ${bucket}/photos/fig.jpg --file node_modules/vitrine/fixtures/objects/photos/fig.jpg --content-type image/jpeg --remote`;
}
