// Broken states of keys, secrets, tokens and clocks.

import {
  addSecondBucket,
  addSignedRoute,
  setBoth,
  setVars,
  type World,
} from "../../../support/cli/remedy-world.ts";
import { NEXT_CREDENTIALS } from "../../../support/env.ts";
import { stage } from "../../../support/run-worker.ts";
import type { State } from "./state.ts";

const production = ({ environments }: World) => environments.production;
const fileOf = ({ files }: World) => files["production.env"] ?? {};

function userOf({ account }: World) {
  const name = "vitrine-production";
  const user = account.users.find((candidate) => candidate.name === name);
  if (user === undefined) throw new Error(`there is no ${name}`);
  return user;
}

const DEAD = { AWS_ACCESS_KEY_ID: "AKIAREVOKED0000000DEAD" };
const OTHER_SECRET = { AWS_SECRET_ACCESS_KEY: "the-secret-of-another-key-0001" };
const NEXT = {
  AWS_ACCESS_KEY_ID_NEXT: NEXT_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY_NEXT: NEXT_CREDENTIALS.secretAccessKey,
};
const addNextKey = (world: World) =>
  userOf(world).keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);

export const KEYS: readonly State[] = [
  {
    title: "the key is revoked, and the file has the same",
    broken: (world) => userOf(world).keys.clear(),
    cause: ["key-id", /InvalidAccessKeyId/],
  },
  {
    title: "the key is revoked, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: (world) => userOf(world).keys.clear(),
    cause: ["key-id", /InvalidAccessKeyId/],
  },
  {
    title: "the Worker has a dead key, and the file a good one",
    broken: (world) => void Object.assign(production(world).secrets, DEAD),
    cause: ["key-id|keys", /another key|InvalidAccessKeyId/],
  },
  {
    title: "the Worker has a dead key, and the token alone is at hand",
    atHand: "token",
    broken: (world) => void Object.assign(production(world).secrets, DEAD),
    cause: ["key-id", /InvalidAccessKeyId/],
  },
  {
    title: "the Worker has the secret of another key, and the file the right one",
    isLong: true,
    broken: (world) => void Object.assign(production(world).secrets, OTHER_SECRET),
    cause: ["secret|keys", /SignatureDoesNotMatch|another secret/],
  },
  {
    title: "the Worker has the secret of another key, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: (world) => void Object.assign(production(world).secrets, OTHER_SECRET),
    cause: ["secret", /SignatureDoesNotMatch/],
  },
  {
    title: "the next slot has a dead key",
    broken: (world) => void Object.assign(production(world).secrets, NEXT),
    cause: ["key-id", /InvalidAccessKeyId/],
  },
  {
    title: "the current slot is dead, and the next one works",
    isLong: true,
    broken: (world) => {
      addNextKey(world);
      Object.assign(production(world).secrets, NEXT, DEAD);
    },
    cause: ["key-id|keys", /another key|InvalidAccessKeyId/],
  },
  {
    title: "both slots are dead",
    isLong: true,
    broken: (world) => void Object.assign(production(world).secrets, NEXT, DEAD),
    cause: ["key-id|keys", /another key|InvalidAccessKeyId/],
    remaining: ["key-id"], // of the next slot
  },
  {
    title: "half of the current slot is missing, and the next one works",
    broken: (world) => {
      addNextKey(world);
      Object.assign(production(world).secrets, NEXT);
      delete production(world).secrets["AWS_SECRET_ACCESS_KEY"];
    },
    cause: ["keys", /AWS_SECRET_ACCESS_KEY/],
  },
  {
    title: "the next slot has half a key",
    isLong: true,
    broken: (world) => {
      const { AWS_ACCESS_KEY_ID_NEXT } = NEXT;
      Object.assign(production(world).secrets, { AWS_ACCESS_KEY_ID_NEXT });
    },
    cause: ["keys", /AWS_SECRET_ACCESS_KEY_NEXT/],
  },
  {
    title: "a secret is missing on the Worker, and the file has it",
    broken: (world) => void delete production(world).secrets["AWS_SECRET_ACCESS_KEY"],
    cause: ["configuration|deployed|keys", /AWS_SECRET_ACCESS_KEY/],
  },
  {
    title: "a secret is missing on the Worker, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: (world) => void delete production(world).secrets["AWS_SECRET_ACCESS_KEY"],
    cause: ["configuration|deployed|keys", /AWS_SECRET_ACCESS_KEY/],
  },
  {
    title: "a secret is missing on the Worker, and nothing is at hand",
    isLong: true,
    atHand: "nothing",
    broken: (world) => void delete production(world).secrets["AWS_SECRET_ACCESS_KEY"],
    cause: ["configuration|deployed", /500/],
  },
  {
    title: "the keys that sign URLs are missing on the Worker",
    begin: addSignedRoute,
    broken: (world) => void delete production(world).secrets["URL_SIGNING_KEYS"],
    cause: ["configuration|deployed|keys", /URL_SIGNING_KEYS/],
  },
  {
    title: "a session token was left on the Worker",
    isLong: true,
    broken: (world) => {
      production(world).secrets["AWS_SESSION_TOKEN"] = "a-token-of-a-session";
    },
    cause: ["configuration|deployed|keys", /AWS_SESSION_TOKEN/],
  },
  {
    title: "the keys of two buckets are swapped on the Worker, and the file is right",
    begin: addVault,
    broken: (world) => {
      const { secrets } = production(world);
      const before = { ...secrets };
      for (const part of ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"]) {
        secrets[`AWS_${part}`] = before[`VAULT_${part}`] ?? "";
        secrets[`VAULT_${part}`] = before[`AWS_${part}`] ?? "";
      }
    },
    cause: ["keys|key-id|sample", /another key/],
  },
  {
    title: "staging's secrets are on production, and production's file is at hand",
    broken: ({ files, environments }) => {
      Object.assign(environments.production.secrets, files["staging.env"]);
    },
    cause: ["keys|key-id|sample|health|image", /another key|production\.env/],
  },
  {
    title: "staging's keys are on production, and production's token alone is at hand",
    atHand: "token",
    broken: ({ files, environments }) => {
      const { HEALTH_TOKEN: _token, ...keys } = files["staging.env"] ?? {};
      Object.assign(environments.production.secrets, keys);
    },
    cause: ["sample|keys", /AccessDenied|may not read/],
  },
  {
    title: "the policy of the key was taken away",
    isLong: true,
    broken: (world) => {
      userOf(world).policy = [];
    },
    cause: ["sample|keys|list", /may not read|denie[sd]|AccessDenied/],
    remaining: ["list"], // which has a remedy of its own
  },
  {
    title: "the file is old: its key is dead, and the Worker has a good one",
    broken: (world) => void Object.assign(fileOf(world), DEAD),
    cause: ["key-id|keys", /production\.env|InvalidAccessKeyId/],
  },
  {
    title: "the shell has the key of another account, and the file is not named",
    isLong: true,
    atHand: "token",
    broken: (world) => {
      const shell = { ...DEAD, AWS_SECRET_ACCESS_KEY: "a-secret-of-another-account" };
      Object.assign(world.shell, shell);
    },
    cause: ["key-id|keys", /environment|InvalidAccessKeyId/],
  },
  {
    title: "the keys that sign URLs at hand are not the Worker's",
    begin: addSignedRoute,
    broken: (world) => {
      fileOf(world)["URL_SIGNING_KEYS"] = JSON.stringify({
        new: "the-key-that-signs-URLs-of-staging-01",
      });
    },
    cause: ["image|keys|signature|signing", /signing keys|signature/i],
  },
  {
    title: "HEALTH_TOKEN at hand is another one",
    broken: (world) => {
      fileOf(world)["HEALTH_TOKEN"] = "the token of another environment";
    },
    cause: ["health", /HEALTH_TOKEN/],
  },
  {
    title: "the Worker has no HEALTH_TOKEN",
    isLong: true,
    broken: (world) => void delete production(world).secrets["HEALTH_TOKEN"],
    cause: ["health", /HEALTH_TOKEN/],
  },
  {
    title: "the session has expired, and the file has a new one",
    begin: useSession,
    broken: (world) => expireSession(world),
    cause: ["key-id|keys", /another key|ExpiredToken/],
  },
  {
    title: "the session has expired, and the token alone is at hand",
    isLong: true,
    begin: useSession,
    atHand: "token",
    broken: (world) => expireSession(world),
    cause: ["key-id|keys", /ExpiredToken/],
  },
  {
    title: "this machine's clock is ahead",
    broken: (world) => {
      world.ahead = 1_200;
    },
    cause: ["clock", /clock/],
  },
  {
    title: "this machine's clock is behind",
    isLong: true,
    broken: (world) => {
      world.ahead = -1_200;
    },
    cause: ["clock", /clock/],
  },
  {
    title: "the Worker's clock is ahead of S3's and of this machine's",
    isLong: true,
    isOutage: true,
    broken: (world) => {
      world.account.ahead = -1_200;
      world.ahead = -1_200;
      world.passes = () => {
        world.account.ahead = 0;
        world.ahead = 0;
      };
    },
    cause: ["clock", /clock/],
  },
  {
    title: "S3's clock is wrong for all",
    isOutage: true,
    broken: (world) => {
      world.account.ahead = 1_200;
      world.passes = () => {
        world.account.ahead = 0;
      };
    },
    cause: ["clock", /clock/],
  },
  {
    title: "the doctor is asked about staging with production's URL",
    broken: (world) => {
      world.args = ["--env", "staging", "--url", production(world).url];
    },
    cause: ["usage", /route of env\.production/],
  },
  {
    title: "the environment is left out",
    isLong: true,
    broken: (world) => {
      world.args = ["--url", production(world).url, "--secrets-file", "production.env"];
    },
    cause: ["usage", /production/],
  },
];

const session = (id: string) => ({
  AWS_ACCESS_KEY_ID: id,
  AWS_SECRET_ACCESS_KEY: `the-secret-of-${id}`,
  AWS_SESSION_TOKEN: `the-token-of-${id}`,
});

/** Production has the credentials of a session of AWS, which only the Images binding can use. */
function useSession(world: World): void {
  const { tables, bound, secrets } = production(world);
  setBoth(world, { engine: "binding" });
  production(world).tables = { ...tables, images: { binding: "IMAGES" } };
  production(world).bound = { ...bound, IMAGES: stage.edge.images };
  const fresh = session("ASIAVITRINE0000000NEW");
  stage.sessions.set(fresh.AWS_ACCESS_KEY_ID, {
    secretAccessKey: fresh.AWS_SECRET_ACCESS_KEY,
    sessionToken: fresh.AWS_SESSION_TOKEN,
    expires: Number.POSITIVE_INFINITY,
  });
  Object.assign(secrets, fresh);
  Object.assign(fileOf(world), fresh);
}

function expireSession(world: World): void {
  const old = session("ASIAVITRINE0000000OLD");
  stage.sessions.set(old.AWS_ACCESS_KEY_ID, {
    secretAccessKey: old.AWS_SECRET_ACCESS_KEY,
    sessionToken: old.AWS_SESSION_TOKEN,
    expires: 0,
  });
  Object.assign(production(world).secrets, old);
}

/** A second bucket of production, with a route of its own. */
function addVault(world: World): void {
  addSecondBucket(world, "vault", ["key.jpg"]);
  const { ROUTES: routes } = production(world).toml;
  setVars(world, { ROUTES: [...[routes].flat(), { path: "/vault/:preset/*", object: "vault/*" }] });
  world.samples.push("/vault/card/key.jpg");
}
