// What an operator does by hand, or by a command of others, where a remedy says so: the words, and what they do to a world.

import { createRule, createRuleset, entriesOf } from "../cloudflare/zone.ts";
import { stage, wait } from "../run-worker.ts";
import { S3_HOST } from "./provider.ts";
import { ANY_DOOR, deploy, hold, mediaOf, obeyZone, type World } from "./remedy-world.ts";

type WorldHand = readonly [text: RegExp, act: (world: World, match: RegExpExecArray) => void];

const CLOCKS: readonly WorldHand[] = [
  [
    /timedatectl set-ntp true/,
    (world) => {
      world.ahead = 0;
    },
  ],
  [
    /set the clock of \S+/i,
    (world) => {
      world.account.ahead = 0;
    },
  ],
];

/** Waiting, and asking those who can help. */
const WAITING: readonly WorldHand[] = [
  [
    /status page|cloudflarestatus|\bwait\b|in a minute|tell whoever runs it/i,
    (world) => world.passes(),
  ],
  [
    /wait a minute|in a minute/i,
    (world) => {
      wait(61);
      world.isHurried = true;
    },
  ],
  [
    /look \S+ up|the account there|provider's (?:list|console)|make it again|\bKMS\b/i,
    (world) => world.provider(),
  ],
];

const EDGE: readonly WorldHand[] = [
  [/npx vitrine deploy (?:--env production )?--setup/, (world) => setUpZone(world)],
  [
    /Sources: add the origin (\S+)/,
    (_world, [, entry = ""]) => {
      stage.edge.switches.sources = [...stage.edge.switches.sources, entry];
    },
  ],
  [
    /replace every wider entry by (\S+)/,
    (_world, [, entry = ""]) => {
      stage.edge.switches.sources = [entry];
    },
  ],
  [
    /the action Block/,
    () => {
      stage.edge.switches.firewall = true;
    },
  ],
  [
    /then Enable/,
    () => {
      stage.edge.switches.transformations = true;
    },
  ],
  [
    /paid plan/,
    () => {
      stage.edge.switches.quota = 5_000;
    },
  ],
  [
    /switch Images on/i,
    () => {
      stage.edge.switches.bindingAllowed = true;
    },
  ],
  [
    /in front|Security → Events|that rule|Browser Cache TTL|cache rule|deployments list/i,
    (world) => {
      world.front = undefined;
    },
  ],
];

const BUCKET: readonly WorldHand[] = [
  [
    /npx wrangler r2 bucket create/,
    ({ environments }) => void environments.production.store.faults.delete("gone"),
  ],
  [
    /put-public-access-block --bucket (\S+)/,
    ({ account }, [, bucket = ""]) => account.buckets.get(bucket)?.grants.clear(),
  ],
  [
    /npx wrangler r2 bucket create/,
    ({ environments }) => void environments.production.store.faults.delete("gone"),
  ],
  [/restore/i, () => void stage.s3.faults.delete("archived")],
  [
    /upload (?:it|the canary)|repair the canary|replace (?:it|that object|the object) by/i,
    (world) => uploadCanary(world),
  ],
  [/bucket policy|bucket's policy/i, ({ account }) => account.denying.clear()],
];

/** Keys, and the files and variables of this machine. */
const SECRETS: readonly WorldHand[] = [
  [
    /activate (?:it|the key)|--status Active/i,
    ({ environments: { production }, account, passwords }) => {
      const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secret = "" } = passwords;
      const user = account.users.find(({ name }) => name === "vitrine-production");
      if (production.secrets["AWS_ACCESS_KEY_ID"] === id) user?.keys.set(id, secret);
    },
  ],
  [/npx vitrine rotate/, (world) => rotate(world)],
  [/deploy the right one/, (world) => deploy(world, "production", "production.env")],
  [
    /\bcorrect [\w ,]*(?:in|of) (?:production\.env|the environment)|on this machine|take the Worker's URL_SIGNING_KEYS/i,
    (world) => correctFile(world),
  ],
  [
    /\.dev\.vars/,
    ({ devVars, healthy }) => {
      if (devVars?.["BUCKETS"] !== undefined)
        devVars["BUCKETS"] = JSON.stringify(healthy["BUCKETS"]);
    },
  ],
  [/(?:add|use) --env production/, (world) => hold(world, "file")],
];

const ROLE: readonly WorldHand[] = [
  [
    /provider in IAM|create the provider/i,
    ({ sts }) => {
      sts?.providers.set("https://images.example", { clientIds: ["sts.amazonaws.com"] });
    },
  ],
  [
    /activate (?:STS|it)|docs\/keyless\.md/i,
    ({ sts }) => void sts?.faults.delete("RegionDisabledException"),
  ],
];

const LOGIN: readonly WorldHand[] = [
  [
    /set issuer = "([^"]+)" in ROUTES/,
    ({ environments }, [, issuer = ""]) => {
      const { ROUTES: routes } = environments.production.toml;
      for (const { token } of [Object(routes)].flat()) {
        if (token !== undefined) token.issuer = issuer;
      }
    },
  ],
];

export const HANDS: readonly WorldHand[] = [
  ...CLOCKS,
  ...WAITING,
  ...EDGE,
  ...BUCKET,
  ...SECRETS,
  ...ROLE,
  ...LOGIN,
];

/** `vitrine deploy --setup`: test/cli/deploy tests what it sets. Without a token it prints the steps by hand. */
function setUpZone({ zone, environments }: World): void {
  if (zone === undefined) return;

  const { bucket } = mediaOf(environments.production.toml);
  zone.ruleset = createRuleset([createRule("block", ANY_DOOR)]);
  zone.sources = [...entriesOf(zone.sources), `${bucket}.${S3_HOST}`].join(",");
  zone.transformations = "on";
  obeyZone(zone);
}

/** Puts an image where wrangler.toml says that the canary is. */
function uploadCanary({ account, environments }: World): void {
  const { bucket, prefix = "", canary } = mediaOf(environments.production.toml);
  const [image] = stage.s3.objects.values();
  const objects = account.buckets.get(`${bucket}`)?.objects;
  if (image !== undefined) objects?.set(`${prefix}${canary}`, image);
}

/** `vitrine rotate`: a new key of the user is in the current slot, and the next slot is empty. */
function rotate({ account, environments: { production }, files }: World): void {
  const user = account.users.find(({ name }) => name === "vitrine-production");
  const fresh = {
    AWS_ACCESS_KEY_ID: "AKIAVITRINE00000ROTATED",
    AWS_SECRET_ACCESS_KEY: "the-secret-of-a-rotated-key",
  };

  user?.keys.set(fresh.AWS_ACCESS_KEY_ID, fresh.AWS_SECRET_ACCESS_KEY);
  Object.assign(production.secrets, fresh);
  Object.assign(files["production.env"] ?? {}, fresh);

  for (const name of Object.keys(production.secrets)) {
    if (name.endsWith("_NEXT")) delete production.secrets[name];
  }
}

/** The file of production, and this shell, have again what the operator's copy has. */
function correctFile(world: World): void {
  Object.assign(world.files["production.env"] ?? {}, world.passwords);
  const { HEALTH_TOKEN: token = "" } = world.passwords;
  world.shell = "HEALTH_TOKEN" in world.shell ? { HEALTH_TOKEN: token } : {};
}
