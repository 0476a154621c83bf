// Does what a remedy says to a world, and judges it before: does it widen a right, take one away that the docs demand, change
// what is right, deploy in an outage of S3, or give production the secrets of staging?

import { sniffImageType } from "../../../src/cli/picture/sniff.ts";
import { stage } from "../run-worker.ts";
import { isAllowed, rightPolicy, secretsOf, type User, userOf } from "./provider.ts";
import { HANDS } from "./remedy-hands.ts";
import {
  type Action,
  actionsIn,
  type Finding,
  type Situation,
  type Statement,
} from "./remedy-text.ts";
import { deploy, mediaOf, type World } from "./remedy-world.ts";

/** Words with which a text alone harms, whatever condition is before them. */
const HARMFUL: readonly { readonly pattern: RegExp; readonly harm: string }[] = [
  { pattern: /\bs3:\*/, harm: "allows s3:*" },
  {
    pattern: /"Principal":"?\*|make the bucket public|public-read\b/,
    harm: "makes a bucket public",
  },
  { pattern: /list-access-keys(?! --user-name)/, harm: "lists the operator's own keys" },
  { pattern: /staging\.env/, harm: "names the secrets of staging" },
];

/** What a remedy does that harms. */
export function harmsOf({ remedy = "" }: Finding, world: World, isOutage: boolean): string[] {
  const harms = new Set<string>();

  for (const { pattern, harm } of HARMFUL) {
    if (pattern.test(remedy)) harms.add(harm);
  }

  for (const action of actionsOf(remedy, world)) {
    const harm = harmOf(action, world, isOutage);
    if (harm !== undefined) harms.add(harm);
  }

  return [...harms];
}

/** Does what applies of a text. @returns what was done, in a few words each */
export function follow(text: string, world: World): string[] {
  const performed: string[] = [];

  for (const action of actionsOf(text, world)) {
    const isOtherWay = action.kind === "set" && action.isOther;
    if (isOtherWay) continue;

    perform(action, world);
    performed.push(describe(action));
  }

  return performed;
}

function actionsOf(text: string, world: World): Action[] {
  const hands = HANDS.map(([pattern, act]) => {
    return [pattern, (match: RegExpExecArray) => act(world, match)] as const;
  });
  return actionsIn(text, situationOf(world), hands);
}

function situationOf(world: World): Situation {
  const { toml, deployed } = world.environments.production;
  return {
    isRight: (bucket, setting) => isRight(world, bucket, setting),
    endpoint: () => `${mediaOf(toml)["endpoint"]}`,
    isObjectThere: () => isCanaryThere(world),
    isOwnKey: () => isOwnKey(world),
    isStoreThere: () => !world.environments.production.store.faults.has("gone"),
    isDeployed: () => JSON.stringify(toml) === JSON.stringify(deployed),
    isCacheOn: () => stage.cache.switches.enabled,
    hasZoneToken: () => world.zone !== undefined,
  };
}

/** Returns whether a setting is as it was while all was well. A canary must be an image, too. */
function isRight(world: World, bucket: string, setting: string): boolean {
  const { [setting]: value } = mediaOf(world.environments.production.toml, bucket);
  const { [setting]: healthyValue } = mediaOf(world.healthy, bucket);
  if (value !== healthyValue) return false;

  return setting !== "canary" || isImage(world, bucket, `${value}`);
}

/** @param key below the prefix */
function isImage(world: World, bucket: string, key: string): boolean {
  const { bucket: name, prefix = "" } = mediaOf(world.healthy, bucket);
  const s3 = world.account.buckets.get(`${name}`);
  const object = s3?.objects.get(`${prefix}${key}`);
  if (object === undefined) return false;

  return sniffImageType(object.body) !== undefined;
}

/** Returns whether the bucket has the object that wrangler.toml names as its canary. */
function isCanaryThere({ account, environments }: World): boolean {
  const { bucket, prefix = "", canary } = mediaOf(environments.production.toml);
  const s3 = account.buckets.get(`${bucket}`);
  if (s3 === undefined) return false;

  return s3.objects.has(`${prefix}${canary}`);
}

/** The user whose key the Worker has for the bucket of production, or the role that it takes. */
function ownerOf({ account, environments: { production } }: World): User | undefined {
  const role = account.users.find(({ name }) => name === "role");
  return role ?? userOf(account, production.secrets["AWS_ACCESS_KEY_ID"]);
}

/** Returns whether production has the key, or the role, that was made for it. */
function isOwnKey(world: World): boolean {
  const owner = ownerOf(world);
  return owner?.name === "role" || owner?.name === "vitrine-production";
}

type SetAction = Extract<Action, { readonly kind: "set" }>;

/** The file of production, also where the text leaves its name open. */
const OWN_FILES = ["production.env", "FILE"];

/** Settings that are a way around a fault, as well as a correction. */
const WAYS_AROUND = ["source_parameter", "engine"];

function harmOf(action: Action, world: World, isOutage: boolean): string | undefined {
  switch (action.kind) {
    case "set":
      return harmOfSetting(action, world);
    case "deploy": {
      const { environment, file } = action;
      if (environment === undefined) return "deploys no environment";
      if (environment !== "production") return `deploys ${environment}`;
      if (file !== undefined && !OWN_FILES.includes(file)) return `deploys the secrets of ${file}`;
      return isOutage ? "deploys in an outage of S3" : undefined;
    }
    case "put-secret":
    case "delete-secret": {
      const { environment, name, kind } = action;
      if (environment !== "production") return `${kind} without --env production`;
      const isNeeded = name !== undefined && world.environments.production.listed.includes(name);
      return kind === "delete-secret" && isNeeded ? `deletes ${name}` : undefined;
    }
    case "grant":
      return harmOfGrant(action.statement, action.isWhole, world);
    case "trust":
      return action.issuer === "https://images.example" ? undefined : `trusts ${action.issuer}`;
    default:
      return undefined;
  }
}

function harmOfSetting(action: SetAction, world: World): string | undefined {
  const { bucket, setting, value, choice, isOther } = action;
  if (WAYS_AROUND.includes(setting)) return undefined;

  const isAnyWrong = choice.some((name) => !isRight(world, bucket, name));
  if (isAnyWrong) return undefined;

  const { [setting]: healthyValue } = mediaOf(world.healthy, bucket);
  if (value === `${healthyValue}`) return undefined;

  // Another canary is a way around what is wrong with this one.
  if (isOther && setting === "canary") return undefined;

  return `changes ${setting} of ${bucket}, which is right`;
}

/** What a statement allows must be what docs/deploy.md, step 4, allows the key of that bucket of production. */
function harmOfGrant(statement: Statement, isWhole: boolean, world: World): string | undefined {
  const { actions, resources } = statement;
  const [bucket = ""] = /(?<=:::)[\w-]+/.exec(`${resources[0]}`) ?? [];

  const names = Object.keys(Object(world.healthy["BUCKETS"]));
  const name = names.find((candidate) => mediaOf(world.healthy, candidate)["bucket"] === bucket);
  if (name === undefined) return `allows ${resources}: no bucket of production`;

  const { prefix = "" } = mediaOf(world.healthy, name);
  const right = { policy: rightPolicy(bucket, `${prefix}`) };
  const isTooMuch = actions.some((action) =>
    resources.some((resource) => !isAllowed(right, action, resource)),
  );
  if (isTooMuch) return `allows ${actions} on ${resources}`;

  const owner = ownerOf(world);
  if (name === "media" && owner !== undefined && !isOwnKey(world)) {
    return `lets ${owner.name} into ${bucket}`;
  }

  const hasStore = "store" in Object(world.healthy["ANSWERS"]);
  const isListGone = isWhole && hasStore && !actions.includes("s3:ListBucket");

  return isListGone ? "takes s3:ListBucket away, which the store needs" : undefined;
}

function describe(action: Action): string {
  switch (action.kind) {
    case "set":
      return `set ${action.setting}`;
    case "deploy":
      return action.file === undefined ? "deploy" : `deploy ${action.file}`;
    case "put-secret":
    case "delete-secret":
      return `${action.kind} ${action.name ?? "?"}`;
    case "grant":
      return `allow ${action.statement.actions}`;
    case "trust":
      return "trust the issuer";
    default:
      return `“${action.text}”`;
  }
}

/** An image that is in the bucket of production, too. */
const OTHER_IMAGE = "photos/fig.jpg";

function perform(action: Action, world: World): void {
  switch (action.kind) {
    case "set":
      setSetting(world, action);
      break;
    case "deploy":
      deploy(world, action.environment, action.file === "FILE" ? OWN_FILES[0] : action.file);
      break;
    case "put-secret":
      putSecrets(world, action.name);
      break;
    case "delete-secret":
      deleteSecrets(world, action.name);
      break;
    case "grant": {
      const owner = ownerOf(world);
      const { statement, isWhole } = action;
      if (owner === undefined) break;

      owner.policy = isWhole ? [statement] : [...owner.policy, statement];
      break;
    }
    case "trust":
      for (const role of world.sts?.roles.keys() ?? []) {
        const { issuer: trusts, conditions: StringEquals } = action;
        world.sts?.roles.set(role, { trusts, StringEquals });
      }
      break;
    default:
      action.act();
  }
}

function setSetting(world: World, action: SetAction): void {
  const { bucket, setting, value } = action;
  const table = mediaOf(world.environments.production.toml, bucket);
  if (value !== undefined) {
    table[setting] = value === "false" ? false : value;
    return;
  }

  const right = mediaOf(world.healthy, bucket)[setting];
  const isNoImage = setting === "canary" && !isImage(world, bucket, `${right}`);

  if (isNoImage) table[setting] = OTHER_IMAGE;
  else if (right === undefined) delete table[setting];
  else table[setting] = right;
}

/** Puts the values that the operator has; without a name, of the secrets that the Worker's log names as missing. */
function putSecrets(world: World, name: string | undefined): void {
  const { production } = world.environments;
  for (const secret of name === undefined ? loggedSecrets(/is missing/) : [name]) {
    const value = rightValueOf(world, secret);
    if (value !== undefined) production.secrets[secret] = value;
  }
}

/** Without a name, it deletes the secrets that the Worker's log names as wrong. */
function deleteSecrets({ environments: { production } }: World, name: string | undefined): void {
  for (const secret of name === undefined ? loggedSecrets(/^(?!.*is missing)/) : [name]) {
    delete production.secrets[secret];
  }
}

/** What the operator has written down, or the key that their user has now. */
function rightValueOf({ account, passwords }: World, name: string): string | undefined {
  const user = account.users.find((candidate) => candidate.name === "vitrine-production");
  const isOfSession = Object.hasOwn(passwords, "AWS_SESSION_TOKEN");
  if (user === undefined || isOfSession) return passwords[name];

  const { AWS_ACCESS_KEY_ID: id = "" } = passwords;
  const isOld = user.keys.size > 0 && !user.keys.has(id);
  if (!isOld) return passwords[name];

  return { ...passwords, ...secretsOf(user) }[name];
}

const MISTAKE = /^(?<name>[A-Z][A-Z0-9_]+): (?<text>.*)/;

/** The secrets that the log of the Worker names, which `npx wrangler tail` shows. */
function loggedSecrets(complaint: RegExp): string[] {
  const names = new Set<string>();

  for (const { line } of stage.logged) {
    for (const mistake of [line["mistakes"] ?? []].flat()) {
      const { name, text = "" } = MISTAKE.exec(`${mistake}`)?.groups ?? {};
      if (name !== undefined && complaint.test(text)) names.add(name);
    }
  }

  return [...names];
}
