// What `vitrine deploy --dry-run` says that a deploy would change, beside what the Worker has: the Worker itself answers.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { deploy } from "../../support/cli/doctor.ts";
import { createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { TOKEN } from "../../support/cli/login.ts";
import { addOpenBucket } from "../../support/cli/policed-s3.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

const LIVE = { ...VARS, ROUTES: VARS.ROUTES.slice(0, 2) };
const { env: _env, ...TOP } = STAGED;
const { card, hero, tall, ...OTHERS } = VARS.PRESETS;
const { media } = VARS.BUCKETS;
const KEY = {
  AWS_ACCESS_KEY_ID: SECRETS.AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: SECRETS.AWS_SECRET_ACCESS_KEY,
};
const NEW_KEY = {
  AWS_ACCESS_KEY_ID: NEXT_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: NEXT_CREDENTIALS.secretAccessKey,
};
const STORE = { ANSWERS: { store: "RENDITIONS" } };
const BOUND = { r2_buckets: [{ binding: "RENDITIONS", bucket_name: "acme-renditions" }] };

/** A second bucket, with a key of its own. */
const WITH_VAULT = {
  BUCKETS: { media, vault: { ...media, bucket: "acme-other", credentials: "VAULT" } },
  ROUTES: [...LIVE.ROUTES, { path: "/vault/:preset/*", object: "vault/*" }],
};
const VAULT_KEY = {
  VAULT_ACCESS_KEY_ID: SECRETS.AWS_ACCESS_KEY_ID,
  VAULT_SECRET_ACCESS_KEY: SECRETS.AWS_SECRET_ACCESS_KEY,
};
const REQUIRED = { secrets: { required: Object.keys({ ...SECRETS, ...VAULT_KEY }) } };
const STORED = { ...STORE, RENDITIONS: createR2() };

const IMMUTABLE = { answers: { immutable: true } };

const PRIVATE = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: TOKEN };
const { token: _token, ...OPENED } = PRIVATE;
const SIGNED = { path: "/private/:preset/*", object: "media/private/*", signed: true };
const PHOTOS = { path: "/images/:preset/*", object: "media/photos/*" };

/** Routes now, and after the deploy. */
const routes = (before: readonly object[], after: readonly object[]) => ({
  live: { ROUTES: before },
  vars: { ROUTES: after },
});

type Change = {
  /** The vars in wrangler.toml. Left out: those of the Worker. */
  readonly vars?: object;
  /** More of wrangler.toml. */
  readonly more?: object;
  /** The file's secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** What the Worker has. */
  readonly live?: object;
  /** The variables of the shell. */
  readonly env?: Readonly<Record<string, string>>;
};

const withToken = { HEALTH_TOKEN };
const presets = (PRESETS: object) => ({ vars: { PRESETS } });

/** The second bucket shows no preset that changes: how many objects it has does not matter. */
const NARROW = {
  BUCKETS: WITH_VAULT.BUCKETS,
  ROUTES: [...LIVE.ROUTES, { path: "/vault/:preset/*", object: "vault/*", presets: ["hero"] }],
};
const BOUNDED: Change = {
  vars: {
    ...NARROW,
    PRESETS: { ...OTHERS, tall, hero, card: { ...card, quality: 60 } },
    COSTS: { objects: { media: 100 } },
  },
  more: REQUIRED,
  live: { ...NARROW, ...VAULT_KEY },
};

const CHANGES: readonly [title: string, change: Change][] = [
  ["nothing changes", {}],
  ["the key is replaced", { secrets: NEW_KEY }],
  ["the same key", { secrets: KEY }],
  ["a next key", { secrets: NEXT }],
  [
    "a key that does not work is replaced",
    { secrets: NEW_KEY, live: { AWS_SECRET_ACCESS_KEY: "old" } },
  ],
  ["in a rotation", { secrets: NEW_KEY, live: NEXT }],
  ["the same token for /healthz", { secrets: { HEALTH_TOKEN } }],
  ["another token for /healthz", { secrets: { HEALTH_TOKEN: `${HEALTH_TOKEN}, too` } }],
  ["an option of a preset", presets({ ...OTHERS, tall, hero, card: { ...card, quality: 60 } })],
  [
    "one more size",
    presets({ ...OTHERS, tall, hero: { ...hero, widths: [640, 1280, 1920] }, card }),
  ],
  ["a preset is renamed", presets({ ...OTHERS, hero, card, high: tall })],
  ["a preset is removed", presets({ ...OTHERS, tall, card })],
  [
    "a change whose cost is known",
    {
      vars: {
        PRESETS: { ...OTHERS, tall, hero, card, new: { width: 9 } },
        COSTS: { objects: { media: 100 } },
      },
    },
  ],
  [
    "routes",
    {
      vars: {
        ROUTES: [
          { ...LIVE.ROUTES[0], facts: true },
          { path: "/new/:preset/*", object: "media/*" },
        ],
      },
    },
  ],
  [
    "another bucket",
    {
      vars: {
        BUCKETS: { other: { ...media, bucket: "acme-other" } },
        ROUTES: [{ path: "/images/:preset/*", object: "other/*" }],
      },
    },
  ],
  [
    "a route loses immutable, another one gets it, and a third one is removed",
    {
      vars: { ROUTES: [LIVE.ROUTES[0], { ...LIVE.ROUTES[1], ...IMMUTABLE }] },
      live: {
        ROUTES: [
          { ...LIVE.ROUTES[0], ...IMMUTABLE },
          LIVE.ROUTES[1],
          { path: "/old/:preset/*", object: "media/*", ...IMMUTABLE },
        ],
      },
    },
  ],
  ["a token is not needed any more", routes([PHOTOS, PRIVATE], [PHOTOS, OPENED])],
  [
    "a route is renamed, and loses its token",
    routes(
      [PHOTOS, PRIVATE],
      [PHOTOS, { path: "/users/:id/:preset/*", object: "media/users/:id/*" }],
    ),
  ],
  ["a route with a token is removed", routes([PHOTOS, PRIVATE], [PHOTOS])],
  [
    "a claim is not needed any more",
    routes([PRIVATE], [{ ...PRIVATE, token: { ...TOKEN, claims: { role: "user" } } }]),
  ],
  ["a token is needed from now on", routes([PHOTOS, OPENED], [PHOTOS, PRIVATE])],
  ["a signature is not needed any more", routes([SIGNED], [{ ...SIGNED, signed: false }])],
  ["a token in place of a signature", routes([{ ...OPENED, signed: true }], [PRIVATE])],
  ["another lifetime", { vars: { ANSWERS: { max_age: 700, timeout: 15 } } }],
  ["a store", { vars: STORE, more: BOUND }],
  ["the same store", { vars: STORE, more: BOUND, live: STORED }],
  ["no store any more", { live: STORED }],
  ["a cost that is known of the bucket that changes", BOUNDED],
  ["a bucket with a new key", { vars: WITH_VAULT, more: REQUIRED, secrets: VAULT_KEY }],
  ["no token", { secrets: NEW_KEY, env: {} }],
  ["a token with a line break", { secrets: NEW_KEY, env: { HEALTH_TOKEN: `${HEALTH_TOKEN}\r` } }],
  [
    "the token of the file, which is not the Worker's",
    { secrets: { ...NEW_KEY, HEALTH_TOKEN: "x".repeat(20) }, env: {} },
  ],
  ["no host", { more: { routes: [] } }],
];

function prepare({ vars, more, secrets = {}, live }: Change): string {
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  addOpenBucket("acme-other");
  deploy({ ...ENV, ...LIVE, HEALTH_TOKEN, ...live });
  const lines = Object.entries(secrets).map(([name, value]) => envLine(name, value));
  return createProject({ ...TOP, vars: { ...LIVE, ...vars }, ...more }, "wrangler.toml", {
    "secrets.env": lines.join(""),
  });
}

test("the plan says what a deploy changes, and nothing is deployed", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, change] of CHANGES) {
    const folder = prepare(change);
    const file = change.secrets ? ["--secrets-file", "secrets.env"] : [];
    const result = await vitrine(["deploy", "--dry-run", ...file], {
      folder,
      env: change.env ?? withToken,
    });
    expect([title, result.code]).toEqual([title, 0]);
    results.push([title, { ...result, err: "" }]);
  }
  await expectGolden("plan.txt", results);
});

test("the plan sends a token only to a Vitrine, and the file's before the shell's", async () => {
  const heard = new Set<string | null>();
  const shell = { HEALTH_TOKEN: "the token of production" };
  const folder = createProject({ ...TOP, vars: LIVE });
  const file = join(folder, "secrets.env");
  writeFileSync(file, envLine("HEALTH_TOKEN", HEALTH_TOKEN));
  const args = ["deploy", "--dry-run", "--secrets-file", "secrets.env"];

  deploy({ ...ENV, ...LIVE, HEALTH_TOKEN }, (_answer, { headers }) => {
    heard.add(headers.get("authorization"));
    return new Response("ok\n");
  });
  await vitrine(args, { folder, env: shell });
  expect(heard).toEqual(new Set([null]));

  deploy({ ...ENV, ...LIVE, HEALTH_TOKEN }, (answer, { headers }) => {
    heard.add(headers.get("authorization"));
    return answer;
  });
  await vitrine(args, { folder, env: shell });
  expect(heard).toEqual(new Set([null, `Bearer ${HEALTH_TOKEN}`]));
});
