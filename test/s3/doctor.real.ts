// Broken states on a real S3: the doctor names each one first, and what it says is done to the letter, by the server's own
// API. Then nothing is left, and no right was widened. What this server cannot have, such as another region, is in
// test/cli/doctor, on the strict S3.

import { expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { createProject, envLine, STAGED } from "../support/cli/folder.ts";
import {
  type Action,
  actionsIn,
  type Finding,
  type Hand,
  isProblem,
  type Situation,
} from "../support/cli/remedy-text.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { blockPublicAccess, createBucket, type Grant, putObject, setPolicy } from "./client.ts";
import { draw } from "./pictures.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { USERS, type User } from "./world.ts";

const READ = "s3:GetObject";
const LIST = "s3:ListBucket";
const PREFIX = "published/";

type Tree = Record<string, unknown>;

type RealWorld = {
  /** The bucket at the server. */
  readonly bucket: string;
  /** Its settings in wrangler.toml, and those that are right. */
  media: Tree;
  readonly healthy: Tree;
  /** The key at hand, in secrets.env. */
  key: Credentials;
  /** The policy of the bucket, of which the key's rights follow, and the one that the server has. */
  grants: Grant[];
  served: Grant[] | undefined;
  /** The object that the doctor is to look at. */
  object: string;
  /** How far this machine's clock is ahead: s. */
  ahead: number;
};

const user = (name: User, ...actions: string[]): Grant => ({ user: name, actions });
const anyone = (...actions: string[]): Grant => ({ user: undefined, actions });

type RealState = {
  readonly title: string;
  readonly broken: (world: RealWorld) => void | Promise<void>;
  readonly cause: readonly [checks: string, seen: RegExp];
};

const STATES: readonly RealState[] = [
  {
    title: "the bucket is misspelt",
    broken: ({ media }) => {
      media["bucket"] = "doctors";
    },
    cause: ["bucket", /"doctors"/],
  },
  {
    title: "the prefix is misspelt, and the key may list",
    broken: ({ media }) => {
      media["prefix"] = "publishd/";
    },
    cause: ["prefix|sample", /publishd/],
  },
  {
    title: "the prefix is misspelt, and the key may not list",
    broken: (world) => {
      world.media["prefix"] = "publishd/";
      world.grants = [user("reader", READ)];
    },
    cause: ["sample", /publishd/],
  },
  {
    title: "this machine's clock is behind",
    broken: (world) => {
      world.ahead = -1_200;
    },
    cause: ["clock", /clock/],
  },
  {
    title: "this machine's clock is ahead",
    broken: (world) => {
      world.ahead = 1_200;
    },
    cause: ["clock", /clock/],
  },
  {
    title: "the object is missing, and the key may list",
    broken: (world) => {
      world.object = "nothing.png";
    },
    cause: ["sample", /nothing\.png is missing/],
  },
  {
    title: "the object is missing, and the key may not list",
    broken: (world) => {
      world.object = "absent.png";
      world.grants = [user("reader", READ)];
    },
    cause: ["sample", /absent\.png is missing/],
  },
  {
    title: "the object is no image",
    broken: async (world) => {
      world.object = "text.png";
      await putObject(world.bucket, `${PREFIX}text.png`, "no image", "image/png");
    },
    cause: ["sample", /no image/],
  },
  {
    title: "the key may list, and not read",
    broken: (world) => {
      world.grants = [user("reader", LIST)];
    },
    cause: ["sample", /denied/],
  },
  {
    title: "the key may neither list nor read",
    broken: (world) => {
      world.grants = [user("fresh", READ)];
    },
    cause: ["sample", /denied/],
  },
  {
    title: "the key may read, and not list, and there is a store",
    broken: (world) => {
      world.grants = [user("reader", READ)];
    },
    cause: ["list", /may not list/],
  },
  {
    title: "a policy denies the objects to the key",
    broken: (world) => {
      world.grants = [...world.grants, { ...user("reader", READ), effect: "Deny" }];
    },
    cause: ["sample", /denied/],
  },
  {
    title: "the key at hand is another environment's",
    broken: (world) => {
      world.key = USERS.other;
    },
    cause: ["sample", /denied/],
  },
  {
    title: "the server does not know the key",
    broken: (world) => {
      world.key = { accessKeyId: "VITRINEREVOKED000001", secretAccessKey: "no-longer-a-secret" };
    },
    cause: ["key-id", /InvalidAccessKeyId/],
  },
  {
    title: "the secret is another key's",
    broken: (world) => {
      world.key = { ...USERS.reader, secretAccessKey: USERS.other.secretAccessKey };
    },
    cause: ["secret", /SignatureDoesNotMatch/],
  },
  {
    title: "anyone may read the bucket",
    broken: (world) => {
      world.grants = [...world.grants, anyone(READ)];
    },
    cause: ["public", /anyone can download published\/a\.png without/],
  },
  {
    title: "anyone may list the bucket",
    broken: (world) => {
      world.grants = [...world.grants, anyone(LIST)];
    },
    cause: ["public", /anyone can list it without/],
  },
  {
    title: "anyone may read, list and write the bucket",
    broken: (world) => {
      world.grants = [...world.grants, anyone(READ, LIST, "s3:PutObject")];
    },
    cause: ["public", /download published\/a\.png and list it without a key/],
  },
];

let created = 0;

/** Creates a bucket with a picture, whose key may do what docs/deploy.md, step 4, says. */
async function beginWorld(): Promise<RealWorld> {
  created += 1;
  const bucket = `doctor-${created}`;
  await createBucket(bucket);
  await putObject(bucket, `${PREFIX}a.png`, await picture, "image/png");
  const { media } = varsFor({ bucket, prefix: PREFIX }).BUCKETS;
  const healthy = { ...media, canary: "a.png" };
  const grants = [user("reader", READ, LIST)];
  const key = USERS.reader;
  const settings = { bucket, media: { ...healthy }, healthy, key, grants };
  return { ...settings, served: undefined, object: "a.png", ahead: 0 };
}

const picture = draw(1);

/** Gives the server the policy, if that is another one than before. */
async function servePolicy(world: RealWorld): Promise<void> {
  const { bucket, grants, served } = world;
  if (served !== grants) await setPolicy(bucket, grants);
  world.served = grants;
}

/** Runs the doctor. http:// is a mistake in wrangler.toml, which all have here. @returns what is wrong */
async function consult(world: RealWorld): Promise<Finding[]> {
  const { bucket, media, key, object, ahead } = world;
  await servePolicy(world);
  const vars = varsFor({ bucket, prefix: PREFIX });
  const { env: _env, ...top } = STAGED;
  const config = {
    ...top,
    vars: { ...vars, BUCKETS: { media }, ANSWERS: { ...vars.ANSWERS, store: "RENDITIONS" } },
    secrets: { required: Object.keys(secretsOf(key)) },
    r2_buckets: [{ binding: "RENDITIONS" }],
  };
  const lines = Object.entries(secretsOf(key)).map(([name, value]) => envLine(name, value));
  const folder = createProject(config, "wrangler.toml", { "secrets.env": lines.join("") });
  const args = ["doctor", "--json", "--secrets-file", "secrets.env", object];
  const { out } = await vitrine(args, { folder, env: {}, now: () => Date.now() + ahead * 1000 });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return findings.filter((finding) => isProblem(finding) && finding.check !== "configuration");
}

function situationOf({ media, healthy, object, key }: RealWorld): Situation {
  const isRight = (_bucket: string, setting: string) => media[setting] === healthy[setting];
  const isThere = media["prefix"] === PREFIX && object === "a.png";
  return {
    isRight,
    endpoint: () => `${media["endpoint"]}`,
    isObjectThere: () => isThere,
    isOwnKey: () => key.accessKeyId === USERS.reader.accessKeyId,
    isStoreThere: () => true,
    isDeployed: () => false,
    isCacheOn: () => true,
    hasZoneToken: () => false,
  };
}

/** What is done by hand, or by a command of others. What takes time is done at last. */
function handsOf(world: RealWorld, work: (() => Promise<unknown>)[]): Hand[] {
  const rightKey = () => {
    world.key = USERS.reader;
  };
  return [
    [
      /timedatectl set-ntp true/,
      () => {
        world.ahead = 0;
      },
    ],
    [
      /upload it|replace (?:it|that object) by/i,
      () => {
        const { bucket, media, object } = world;
        const key = `${media["prefix"]}${object}`;
        work.push(async () => putObject(bucket, key, await picture, "image/png"));
      },
    ],
    [
      /put-public-access-block --bucket (\S+)/,
      ([, bucket = ""]) => void work.push(() => blockPublicAccess(bucket)),
    ],
    [
      /no bucket policy may deny/,
      () => {
        world.grants = world.grants.filter(({ effect }) => effect !== "Deny");
      },
    ],
    // It lets a policy be that was there before the block, and refuses every policy after it: so this comes first.
    [
      /what allows anyone/,
      () => {
        world.grants = world.grants.filter((grant) => grant.user !== undefined);
        work.unshift(() => servePolicy(world));
      },
    ],
    [/in secrets\.env/, rightKey],
    [/take the right one/, rightKey],
  ];
}

/** Does what a remedy says. @returns what of it harms */
async function follow(remedy: string, world: RealWorld): Promise<string[]> {
  const work: (() => Promise<unknown>)[] = [];
  const actions = actionsIn(remedy, situationOf(world), handsOf(world, work));
  const harms = actions.flatMap((action) => harmOf(action, world) ?? []);
  for (const action of actions) perform(action, world);
  for (const act of work) await act();
  return harms;
}

async function followAll(problems: readonly Finding[], world: RealWorld): Promise<string[]> {
  const harms: string[] = [];
  for (const { remedy = "" } of problems) harms.push(...(await follow(remedy, world)));
  return harms;
}

/** Why an action harms; undefined: it does not. */
function harmOf(action: Action, { media, healthy, bucket, key }: RealWorld): string | undefined {
  if (action.kind === "set") {
    const isAnyWrong = action.choice.some((name) => media[name] !== healthy[name]);
    return isAnyWrong || action.isOther ? undefined : `changes ${action.setting}`;
  }
  if (action.kind === "grant") {
    const { actions, resources } = action.statement;
    const right = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/${PREFIX}*`];
    const isRight = resources.every((resource) => right.includes(resource));
    return isRight && key === USERS.reader ? undefined : `allows ${actions} on ${resources}`;
  }
  return undefined;
}

function perform(action: Action, world: RealWorld): void {
  if (action.kind === "hand") action.act();
  if (action.kind === "set") world.media[action.setting] = world.healthy[action.setting];
  if (action.kind === "grant") {
    world.grants = [...world.grants, { user: "reader", ...action.statement }];
  }
}

test.for(STATES)("$title: named first, and the remedy helps (A6, A7, A13)", async (state) => {
  const world = await beginWorld();
  await state.broken(world);
  const problems = await consult(world);

  const first = problems.find(({ severity }) => severity === "error") ?? problems[0];
  const [checks, seen] = state.cause;
  const isNamed = first !== undefined && checks.split("|").includes(first.check);
  expect([first, isNamed && seen.test(first.seen)]).toEqual([first, true]);
  // Nobody looked at what visitors get.
  expect(problems.filter(({ impact = "" }) => /visitors? (?:got|get) \d/.test(impact))).toEqual([]);

  // Without a right to read, it cannot say whether the right to list is needed, too: the next run says that.
  const harms = await followAll(problems, world);
  harms.push(...(await followAll(await consult(world), world)));
  expect([harms, problems]).toEqual([[], problems]);
  expect([await consult(world), first]).toEqual([[], first]);
});

test("where all is well, nothing is found (A6, A7, A13)", async () => {
  const world = await beginWorld();
  expect(await consult(world)).toEqual([]);
  world.key = USERS.owner;
  expect(await consult(world)).toEqual([]);
});
