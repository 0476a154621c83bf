// All that `vitrine deploy` advises is done at a strict site, with the doctor that it runs: what visitors got before
// still comes, and the deploy goes on. `adviceWithoutRow` finds the advice in the source: what has no row fails the last
// test. Messages that name a form alone, such as "is not 16 or more ASCII characters", tell nothing to do.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT, isFault } from "../../../src/cli/command.ts";
import { readVars } from "../../../src/cli/config/environment-config.ts";
import type { Options } from "../../../src/cli/deploy/check-deployed.ts";
import { deploy, type Tools } from "../../../src/cli/deploy/index.ts";
import { examineSiteAt } from "../../../src/cli/doctor/index.ts";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { adviceWithoutRow, rotateOptions, wordsOf } from "../../support/cli/advice.ts";
import { envLine } from "../../support/cli/folder.ts";
import { ID, run as rotate, SECRET, site, URL } from "../../support/cli/rotating-site.ts";
import { OF_OLD, SHOWN, visit } from "../../support/cli/told-rotation.ts";
import { createWorld, type Given, vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, LOCAL_KEYS } from "../../support/env.ts";
import { SESSION } from "../../support/issuer.ts";
import { editFile } from "../../support/local-run.ts";
import { keepNothing, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

const FILE = { secretsFile: "secrets.env" };
const OLD_KEY = { AWS_ACCESS_KEY_ID: OF_OLD.id, AWS_SECRET_ACCESS_KEY: OF_OLD.secret };
const NEW_KEY = { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET };

type Ended = { readonly code: number; readonly text: string };
type Next = { readonly options?: Options; readonly given?: Given };
type Row = {
  /** Parts of the source's texts that are printed. */
  readonly says: readonly string[];
  readonly broken: () => void;
  /** How it is deployed in that world. */
  readonly how?: Next;
  /** Does what it says. */
  readonly done: (text: string) => Promise<Next | undefined> | Next | undefined;
  /** The deploy itself was the mistake: visitors may miss pictures until the advice is done. */
  readonly isLate?: true;
};

keepNothing(); // what was kept would hide that nothing serves
beforeEach(() => {
  isWrong = true;
  secrets = { ...OLD_KEY, HEALTH_TOKEN };
  stage.edge.switches.cache = false;
  stage.edge.switches.sources = ["acme-media.s3.eu-west-1.amazonaws.com"];
  stage.edge.switches.firewall = true;
  stage.s3.faults.add("no-list-bucket");
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Something that is wrong until it is corrected. */
let isWrong = true;
/** What the file of --secrets-file has. */
let secrets: Record<string, string> = {};
const toml = () => join(site.folder, "wrangler.toml");
const edit = (change: (text: string) => string): undefined => void editFile(toml(), change);

/** A strict wrangler: it refuses a deploy without a required secret, and changes the Worker in one step. */
const wrangler: Tools["run"] = async (_world, args, _input, hear) => {
  if (site.during(0).code) {
    hear(`${site.during(0).says}\n`);
    return 1;
  }
  const file = args.find((arg) => arg.endsWith("secrets.json"));
  const sent = file === undefined ? {} : JSON.parse(readFileSync(file, "utf8"));
  const read = readVars(site.folder, args[args.indexOf("--env") + 1] || undefined);
  if ("fault" in read) throw new Error(read.fault);
  const after = { ...site.deployed, ...sent };
  const missing = read.secrets.filter((name) => after[name] === undefined);
  if (missing.length > 0) {
    hear(`The following required secrets have not been set: ${missing.join(", ")}\n`);
    return 1;
  }
  if (args.includes("--dry-run")) return 0;
  site.vars = { ...read.deployed, ...("IMAGES" in site.vars && { IMAGES: site.vars["IMAGES"] }) };
  site.deployed = after;
  return 0;
};

async function run({ options = FILE, given = {} }: Next): Promise<Ended> {
  const file = Object.entries(secrets).map(([name, value]) => envLine(name, value));
  writeFileSync(join(site.folder, "secrets.env"), file.join(""));
  const { world, said } = createWorld({ folder: site.folder, ...given });
  const tools: Tools = { run: wrangler, sleep: async () => {}, examine: examineSiteAt };
  const ended = await deploy(world, options, tools);
  const { out, err } = said();
  const fault = isFault(ended) ? ended.fault : "";
  return { code: isFault(ended) ? EXIT.failed : ended, text: out + err + fault };
}

/** Runs the doctor that is printed. */
async function runDoctor(text: string): Promise<void> {
  const [command = ""] = /npx vitrine doctor [^\n]*/.exec(text) ?? [];
  const { code, err, out } = await vitrine(wordsOf(command).slice(2), { folder: site.folder });
  expect([code < 2, out + err]).toEqual([true, expect.anything()]);
}

const put = (values: Record<string, string>) => (): undefined => {
  secrets = { ...secrets, ...values };
};
const unroute = () => edit((text) => text.replace(/^routes = .*$/m, "routes = []"));
const ROUTES = 'routes = [{ pattern = "images.example.com", custom_domain = true }]';
const staging = () => `
[env.staging]
${ROUTES.replace("images.example.com", "images-staging.example.com")}
[env.staging.secrets]
required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
[env.staging.vars]
${Object.entries(site.vars)
  .map(([name, value]) => `${name} = ${JSON.stringify(JSON.stringify(value))}\n`)
  .join("")}`;
/** The bucket's pictures are made by the binding, and its key may be a session. */
const bind = () => {
  edit(
    (text) =>
      `${text.replace('bucket = "acme-media"', '$&\nengine = "binding"')}\n[images]\nbinding = "IMAGES"\n`,
  );
  const read = readVars(site.folder);
  if ("fault" in read) throw new Error(read.fault);
  site.vars = { ...read.deployed, IMAGES: stage.edge.images };
  const { accessKeyId, secretAccessKey, sessionToken } = SESSION;
  stage.sessions.set(accessKeyId, { secretAccessKey, sessionToken, expires: Infinity });
  site.deployed = {
    ...{ HEALTH_TOKEN, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    AWS_SESSION_TOKEN: sessionToken,
  };
};
const wranglerSays = (says: string) => () => {
  site.during = () => (isWrong ? { code: 1, says } : {});
};
const mend = (): undefined => {
  isWrong = false;
};

const ROWS: Readonly<Record<string, Row>> = {
  // The file of --secrets-file
  "a dead key": {
    says: ["write the id and the secret of an active key of this environment there."],
    broken: put({ AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7STAGING" }),
    done: put(NEW_KEY),
  },
  "a key of a minute ago": {
    says: ["S3 may know a new key only after a minute"],
    broken: () => {
      secrets = { ...NEW_KEY };
      stage.s3.keys.delete(ID);
    },
    done: () => {
      stage.s3.keys.set(ID, SECRET);
    },
  },
  "a bucket without a canary": {
    says: ["Set BUCKETS."],
    broken: () => edit((text) => text.replace(/^canary = .*\n/m, "")),
    done: () => edit((text) => text.replace('prefix = "published/"', '$&\ncanary = "key.jpg"')),
  },
  "a key whose policy allows the list alone": {
    says: ["Allow it s3:GetObject, or use another key: docs/deploy.md, step 4"],
    broken: () => {
      stage.s3.faults.delete("no-list-bucket");
      stage.s3.objects.set("secret/key.jpg", { body: new Uint8Array(9), type: "image/jpeg" });
      edit((text) => text.replace('prefix = "published/"', 'prefix = "secret/"'));
    },
    // The strict S3 has one policy: in its place, the bucket's prefix is where it allows to read.
    done: () => edit((text) => text.replace('prefix = "secret/"', 'prefix = "published/"')),
  },
  "half a slot": {
    says: ["is missing: a slot needs both secrets"],
    broken: () => {
      secrets = { AWS_ACCESS_KEY_ID: ID };
    },
    done: put(NEW_KEY),
  },
  "a required session token of another key": {
    says: ["is missing: [secrets] lists it, and the deployed one belongs to another key"],
    broken: () => {
      bind();
      edit((text) => text.replace('"AWS_SECRET_ACCESS_KEY"', '$&, "AWS_SESSION_TOKEN"'));
    },
    done: () => {
      const { accessKeyId, secretAccessKey, sessionToken } = SESSION;
      put({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })();
      put({ AWS_SESSION_TOKEN: sessionToken })();
    },
  },
  "a permanent key after a session: rotated": {
    says: ["npx vitrine rotate changes both in one step. Or, "],
    broken: () => {
      bind();
      secrets = { ...NEW_KEY };
    },
    how: { options: { ...FILE, dryRun: true } },
    done: async (text) => {
      const [command = ""] = /npx vitrine rotate/.exec(text) ?? [];
      expect(
        (await rotate({ ...(await rotateOptions(command)), keyFile: "key.json", yes: true })).code,
      ).toBe(1);
      expect(await visit()).toEqual(SHOWN);
      return { options: {} }; // the key is there
    },
  },
  "a permanent key after a session: deployed": {
    says: [
      "after this deploy, npx wrangler secret delete ",
      ", if npx wrangler secret list shows it",
    ],
    broken: () => {
      bind();
      secrets = { ...NEW_KEY };
    },
    done: (text) => {
      const [, name = ""] = /secret delete (\w+)/.exec(text) ?? [];
      site.deployed = { ...site.deployed, [name]: undefined };
      return { options: {} };
    },
    isLate: true,
  },
  "a key of the local run": {
    says: ["is the one of the local run, which opens only the local S3"],
    broken: put({ AWS_ACCESS_KEY_ID: LOCAL_KEYS.accessKeyId }),
    done: put(NEW_KEY),
  },
  "the signing key of the local run": {
    says: ["is the one of the local run: make one for each environment: docs/signed-urls.md"],
    broken: put({ URL_SIGNING_KEYS: JSON.stringify({ local: "x".repeat(64) }) }),
    done: put({ URL_SIGNING_KEYS: JSON.stringify({ k1: "x".repeat(64) }) }),
  },
  "the name of a variable": {
    says: ["is the name of a variable: write its value here"],
    broken: put({ AWS_SECRET_ACCESS_KEY: "$SECRET" }),
    done: put(NEW_KEY),
  },
  "a name that the Worker does not use": {
    says: ["docs/configuration.md, “", "Credentials of a bucket"],
    broken: () => {
      secrets = { ...OLD_KEY, MEDIA_ACCESS_KEY_ID: ID, MEDIA_SECRET_ACCESS_KEY: SECRET };
    },
    done: () => {
      secrets = { ...NEW_KEY };
    },
  },
  "a file in another form": {
    says: ["write each value as AWS_ACCESS_KEY_ID='…', or all as JSON: docs/deploy.md, step 5"],
    broken: () => {
      secrets = { aws_access_key_id: ID };
    },
    done: () => {
      secrets = { ...NEW_KEY };
    },
  },

  // Where it goes
  "a top level without vars": {
    says: ["so there is nothing to deploy from it: use "],
    broken: () => {
      writeFileSync(
        toml(),
        `name = "vitrine"\nworkers_dev = false\npreview_urls = false\n${staging().replace("images-staging.", "images.")}`,
      );
    },
    done: (text) => {
      const [, env = ""] = /use --env (\w+)/.exec(text) ?? [];
      return { options: { env } };
    },
  },
  "another name by the CI: the environment is chosen": {
    says: [". Choose the environment with --env, or change name in "],
    broken: () =>
      edit(
        (text) =>
          text.replace("images.example.com", "images-top.example.com") +
          staging().replace("images-staging.", "images."),
      ),
    how: { given: { env: { WRANGLER_CI_OVERRIDE_NAME: "vitrine-staging" } } },
    done: () => ({
      options: { env: "staging" },
      given: { env: { WRANGLER_CI_OVERRIDE_NAME: "vitrine-staging" } },
    }),
  },
  "another name by the CI: the name is changed": {
    says: [". Choose the environment with --env, or change name in "],
    broken: () => {},
    how: { given: { env: { WRANGLER_CI_OVERRIDE_NAME: "pictures" } } },
    done: () => {
      edit((text) => text.replace('name = "vitrine"', 'name = "pictures"'));
      return { given: { env: { WRANGLER_CI_OVERRIDE_NAME: "pictures" } } };
    },
  },
  "another version in package-lock.json": {
    says: ["npm ci. Nothing is deployed"],
    broken: () => lock("0.0.1"),
    done: () => lock(VERSION),
  },
  "no domain": {
    says: ["is missing, or empty: put your domain there"],
    broken: unroute,
    done: () => edit((text) => text.replace("routes = []", ROUTES)),
  },
  "a URL of this machine": {
    says: ["--url: say where the deployed Vitrine is, as https://images.example.com"],
    broken: () => {},
    how: { options: { url: "http://localhost:8787" } },
    done: () => ({ options: { url: URL } }),
  },

  // After the deploy
  "no host to check": {
    says: ["It is deployed, but routes names no host to check. Name one: "],
    broken: () => edit((text) => text.replace(/^routes = .*$/m, 'routes = ["*.example.com/*"]')),
    done: async (text) => {
      await runDoctor(text.replace("--url https://…", `--url ${URL}`).replace("'https://…'", URL));
      return { options: { url: URL } };
    },
  },
  "Ctrl-C after the deploy": {
    says: ["It is deployed, and not checked: "],
    broken: () => {},
    done: async (text) => {
      await runDoctor(text);
      return undefined;
    },
  },
  "a domain without an address yet": {
    says: ["Then check it: "],
    broken: () => {
      network.use(http.all(`${URL}/healthz`, () => (isWrong ? HttpResponse.error() : undefined)));
    },
    done: async (text) => {
      mend();
      await runDoctor(text);
      return undefined;
    },
  },
  "an older version that answers": {
    says: ["An older version may answer for a minute. To check it again"],
    broken: () => {
      stage.edge.switches.transformations = false;
    },
    done: async (text) => {
      stage.edge.switches.transformations = true;
      await runDoctor(text);
      return undefined;
    },
  },
  "a bad deploy": {
    says: ["If the deploy before was right, take this one back: docs/environments.md, “Roll back”"],
    broken: () => edit((text) => text.replace('"acme-media"', '"acme-medias"')),
    how: { options: {} },
    done: () => edit((text) => text.replace('"acme-medias"', '"acme-media"')),
    isLate: true,
  },

  // wrangler
  "required secrets that are not set": {
    says: [
      "Put the secrets that it names, and no others, into a file: npx vitrine deploy --secrets-file secrets.env",
    ],
    broken: () => edit((text) => text.replace('"AWS_SECRET_ACCESS_KEY"', '$&, "PURGE_TOKEN"')),
    done: (text) => {
      const [, name = ""] = /have not been set: (\w+)/.exec(text) ?? [];
      secrets = { [name]: "a-token-of-thirty-two-characters-or-more" };
    },
  },
  "wrangler is not logged in": {
    says: ["Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN"],
    broken: wranglerSays("Authentication error [code: 10000]"),
    done: mend,
  },
};

const OUTSIDE: Readonly<Record<string, string>> = {
  ": name is missing: it is the Worker's": "a Worker without a name cannot have been deployed",
};

function lock(version: string): undefined {
  const packages = { "node_modules/vitrine": { version } };
  writeFileSync(join(site.folder, "package-lock.json"), JSON.stringify({ packages }));
}

test.each(Object.entries(ROWS))("%s: what it says is done, and it goes on", async (what, row) => {
  row.broken();
  const isCut = what.startsWith("Ctrl-C");
  const abort = new AbortController();
  const given: Given = {
    ...row.how?.given,
    ...(isCut && { interrupted: abort.signal, heard: () => abort.abort() }),
  };
  const before = await visit();
  const { text } = await run({ ...row.how, given });
  for (const part of row.says) expect(text).toContain(part);
  if (!row.isLate && what !== "an older version that answers")
    expect(await visit()).toEqual(before);
  const next = (await row.done(text)) ?? {};
  if (row.isLate && what !== "a bad deploy") expect(await visit()).toEqual(SHOWN);
  const again = await run(next);
  expect([again.code < 2, again.text]).toEqual([true, expect.anything()]);
  for (const part of row.says) expect(again.text).not.toContain(part);
  expect(await visit()).toEqual(SHOWN);
});

test("each advice in the source of deploy has a row", () => {
  const rows = [...Object.values(ROWS).flatMap(({ says }) => says), ...Object.keys(OUTSIDE)];
  expect(adviceWithoutRow(["src/cli/deploy"], rows)).toEqual([]);
});
