// The world of an operator: two environments, each with its Worker, its secrets and its file of them, a bucket and a store;
// the account at the S3 provider; and this machine. A test breaks it, asks the doctor, and follows what the doctor says.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, type HttpResponseResolver, http } from "msw";
import { vi } from "vitest";
import { ACCEPTS } from "../../../src/cli/http/ask-picture.ts";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import { SETUP_TOKEN, startCloudflareAccount } from "../cloudflare/account.ts";
import { passToLoopback } from "../cloudflare/loopback.ts";
import { createRule, createRuleset, createZone, entriesOf, type Zone } from "../cloudflare/zone.ts";
import { file, network } from "../emulators.ts";
import { HEALTH_TOKEN, SECRETS, VARS } from "../env.ts";
import { arrange, get, settle, stage, wait } from "../run-worker.ts";
import type { Sts } from "../sts/sts.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";
import { type Change, runDoctor, withDate } from "./doctor.ts";
import { createQueueAccount, type QueueAccount } from "./fake-queues.ts";
import { CACHED, envLine, tomlOf } from "./folder.ts";
import {
  type Account,
  addBucket,
  addUser,
  answerAsProvider,
  S3_HOST,
  secretsOf,
  type User,
} from "./provider.ts";
import type { Finding } from "./remedy-text.ts";
import { vitrine } from "./vitrine.ts";

export type Tree = { [name: string]: unknown };

type EnvironmentName = "production" | "staging";

type Environment = {
  readonly name: EnvironmentName;
  readonly url: string;
  /** Its vars in wrangler.toml. */
  toml: Tree;
  /** Its tables in wrangler.toml for bindings, and the secrets that it lists. */
  tables: Tree;
  listed: string[];
  /** The vars, the bindings and the secrets of the Worker. */
  deployed: Tree;
  bound: Tree;
  secrets: Record<string, string>;
  store: R2;
};

export type World = {
  readonly environments: Readonly<Record<EnvironmentName, Environment>>;
  readonly account: Account;
  /** The queues of the account at Cloudflare; undefined: wrangler is not asked. */
  queues: QueueAccount | undefined;
  /** The zone of production at Cloudflare; undefined: the operator has no token that reads it. */
  zone: Zone | undefined;
  /** The files of secrets, by their names: `production.env`. */
  readonly files: Record<string, Record<string, string>>;
  devVars: Record<string, string> | undefined;
  shell: Record<string, string>;
  /** What the doctor is started with. */
  args: string[];
  /** How far this machine's clock is ahead: s. */
  ahead: number;
  /** Something in front of the Worker of production. */
  front: Change | undefined;
  /** Paths or URLs of pictures that visitors ask for. */
  samples: string[];
  /** The settings and the secrets of production when all was well: the operator has a copy of both. */
  healthy: Tree;
  passwords: Record<string, string>;
  sts: Sts | undefined;
  /** Whether the isolates and the caches of a minute ago are still there. */
  isHurried: boolean;
  /** Ends what ends without the operator: an outage. */
  passes: () => void;
  /** What the provider does if it is asked. */
  provider: () => void;
};

/** A picture that was asked for before, so it is stored, and one that was not. */
export const WARM = "/images/card/key.jpg";
export const COLD = "/images/hero@640w/photos/fig.jpg";

const BUCKETS = { production: "acme-media", staging: "acme-staging" } as const;
const PREFIX = "published/";

export const URLS = {
  production: "https://images.example",
  staging: "https://staging.images.example",
  local: "http://localhost:8787",
} as const;

const folder = createTemporaryFolder("vitrine-world-");

/** A world in which all is well. */
export function beginWorld(): World {
  vi.useFakeTimers({ toFake: ["Date"] });
  const hosts = Object.values(BUCKETS).flatMap((bucket) => [`${bucket}.${S3_HOST}`]);
  arrange({ firewall: true, sources: [...hosts, `${S3_HOST}/${BUCKETS.production}/`] });
  stage.cache.switches.crossVersion = true;

  const account: Account = {
    ahead: 0,
    users: [],
    buckets: new Map(),
    fault: undefined,
    broken: undefined,
    denying: new Set(),
  };

  const { objects } = stage.s3;
  stage.s3 = addBucket(account, BUCKETS.production, stage.sessions);

  for (const [key, object] of objects) stage.s3.objects.set(key, object);

  const staging = addBucket(account, BUCKETS.staging);
  for (const key of ["key.jpg", "photos/fig.jpg"]) {
    staging.objects.set(PREFIX + key, { body: file("made/key.jpg"), type: "image/jpeg" });
  }

  const users = {
    production: addUser(account, "vitrine-production", BUCKETS.production, PREFIX),
    staging: addUser(account, "vitrine-staging", BUCKETS.staging, PREFIX),
  };

  const world: World = {
    environments: {
      production: createEnvironment("production", users.production),
      staging: createEnvironment("staging", users.staging),
    },
    account,
    queues: undefined,
    zone: undefined,
    files: {},
    devVars: undefined,
    shell: {},
    args: [],
    ahead: 0,
    front: undefined,
    samples: [WARM, COLD],
    healthy: {},
    passwords: {},
    sts: undefined,
    isHurried: false,
    passes: () => {},
    provider: () => {},
  };

  for (const environment of Object.values(world.environments)) {
    world.files[`${environment.name}.env`] = { ...environment.secrets };
  }

  hold(world, "file");
  connect(world);

  return world;
}

function createEnvironment(name: EnvironmentName, user: User): Environment {
  const { media } = VARS.BUCKETS;
  const bucket = { ...media, bucket: BUCKETS[name], canary: "key.jpg" };

  const toml: Tree = {
    BUCKETS: { media: bucket },
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: { card: VARS.PRESETS.card, hero: VARS.PRESETS.hero },
    ANSWERS: { max_age: 600, timeout: 15, keep: 60, store: "RENDITIONS" },
    COSTS: { most: 90, objects: { media: 1_000 } },
  };

  const store = createR2({}, { now: () => Date.now() });
  return {
    name,
    url: URLS[name],
    toml,
    tables: { r2_buckets: [{ binding: "RENDITIONS" }] },
    listed: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    deployed: structuredClone(toml),
    bound: { RENDITIONS: store },
    secrets: { ...secretsOf(user), HEALTH_TOKEN: `${HEALTH_TOKEN} of ${name}` },
    store,
  };
}

export type AtHand = "file" | "token" | "nothing";

/** Remembers the world as it is now as the one in which all is well. */
export function remember(world: World): void {
  const { production } = world.environments;
  world.healthy = structuredClone(production.toml);
  world.passwords = { ...production.secrets };
}

/** Chooses what the operator of production has at hand: the file of secrets, the token of /healthz alone, or nothing. */
export function hold(world: World, atHand: AtHand): void {
  const { production } = world.environments;
  const file = atHand === "file" ? ["--secrets-file", "production.env"] : [];
  world.args = ["--env", "production", "--url", production.url, ...file];
  const { HEALTH_TOKEN: token = "" } = production.secrets;
  world.shell = atHand === "token" ? { HEALTH_TOKEN: token } : {};
}

export function mediaOf(vars: Tree, name = "media"): Tree {
  return Object(Object(vars["BUCKETS"])[name]);
}

/** Sets something of a bucket of production, in wrangler.toml and in what is deployed; undefined takes it out. */
export function setBoth({ environments: { production } }: World, settings: object, name = "media") {
  for (const vars of [production.toml, production.deployed]) {
    const bucket = mediaOf(vars, name);
    Object.assign(bucket, settings);
    for (const setting of Object.keys(bucket)) {
      if (bucket[setting] === undefined) delete bucket[setting];
    }
  }
}

/** Sets variables of production, in wrangler.toml and in what is deployed. */
export function setVars({ environments: { production } }: World, vars: Tree): void {
  Object.assign(production.toml, structuredClone(vars));
  Object.assign(production.deployed, structuredClone(vars));
}

/** Binds a store to production, or takes it away. */
export function withoutStore(world: World): void {
  const { production } = world.environments;
  setVars(world, { ANSWERS: { max_age: 600, timeout: 15, keep: 60 } });
  production.tables = {};
  production.bound = {};
}

/** `vitrine deploy`: the vars and, with a file, its secrets. It makes the store's bucket if that is missing. */
export function deploy(world: World, environment: string | undefined, file?: string): void {
  if (environment !== "production" && environment !== "staging") return;

  const target = world.environments[environment];
  target.deployed = structuredClone(target.toml);

  if (file !== undefined) Object.assign(target.secrets, world.files[file]);

  target.store.faults.delete("gone");
  stage.cache.switches.enabled = true;

  if (Object.hasOwn(target.tables, "queues")) world.queues?.queues.set(QUEUE, [WORKER]);
}

const QUEUE = "acme-events";
const WORKER = "vitrine-production";

/** Gives production a queue of events, which its Worker reads. */
export function addQueue(world: World): void {
  const settings = { max_batch_size: 100, max_batch_timeout: 10, max_retries: 100 };
  const names = { queue: QUEUE, dead_letter_queue: `${QUEUE}-dead` };
  const consumers = [{ ...names, ...settings, max_concurrency: 1 }];
  world.environments.production.tables["queues"] = { consumers };
  world.queues = createQueueAccount();
  world.queues.queues.set(QUEUE, [WORKER]).set(`${QUEUE}-dead`, []);
}

/** An expression that shuts the side door of a whole zone. */
export const ANY_DOOR = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';

/** Gives the operator a token that reads the zone of production. */
export async function addZone(world: World): Promise<void> {
  const { production } = world.environments;
  world.zone = createZone(new URL(production.url).host, {
    transformations: "on",
    sources: stage.edge.switches.sources.join(","),
    ruleset: createRuleset([createRule("block", ANY_DOOR)]),
  });

  passToLoopback();
  const { env } = await startCloudflareAccount({ zones: [world.zone] });
  const { CLOUDFLARE_API_BASE_URL = "" } = env;
  world.shell = { CLOUDFLARE_API_BASE_URL, CLOUDFLARE_SETUP_TOKEN: SETUP_TOKEN.value };
}

/** Has the edge do what the settings of the zone say. */
export function obeyZone({ ruleset, sources, transformations }: Zone): void {
  Object.assign(stage.edge.switches, {
    firewall: ruleset !== undefined,
    sources: entriesOf(sources),
    transformations: transformations !== "off",
  });
}

/** Gives production a second bucket, with a key of its own. No route leads to it yet. @param keys of its pictures */
export function addSecondBucket(world: World, name: string, keys: readonly string[]): void {
  const { account, environments, files } = world;
  const { production } = environments;
  const bucket = `acme-${name}`;
  const { objects } = addBucket(account, bucket);
  for (const key of keys) objects.set(key, { body: file("made/key.jpg"), type: "image/jpeg" });

  const { prefix: _prefix, ...media } = mediaOf(production.toml);
  const credentials = name.toUpperCase();
  const { BUCKETS: buckets } = production.toml;
  setVars(world, {
    BUCKETS: { ...Object(buckets), [name]: { ...media, bucket, credentials } },
    COSTS: { most: 90, objects: { media: 1_000, [name]: 1_000 } },
  });

  const secrets = secretsOf(
    addUser(account, `vitrine-production-${name}`, bucket, ""),
    credentials,
  );

  Object.assign(production.secrets, secrets);
  Object.assign(files["production.env"] ?? {}, secrets);
  production.listed.push(...Object.keys(secrets));
  stage.edge.switches.sources = [...stage.edge.switches.sources, `${bucket}.${S3_HOST}`];
}

/** Gives production a route of signed URLs, and keys that sign them. */
export function addSignedRoute(world: World): void {
  const { production } = world.environments;
  const { ROUTES: routes } = production.toml;
  const signed = { path: "/private/:preset/*", object: "media/*", signed: true, presets: ["hero"] };
  const open = { ...Object([routes].flat()[0]), presets: ["card"] };

  setVars(world, { ROUTES: [open, signed] });
  world.samples = [WARM, "/images/card@2x/photos/fig.jpg"];
  production.listed.push("URL_SIGNING_KEYS");

  for (const secrets of [production.secrets, world.files["production.env"] ?? {}]) {
    secrets["URL_SIGNING_KEYS"] = SECRETS.URL_SIGNING_KEYS;
  }
}

/** Lets the pauses before another try pass at once, until the test ends. */
export function skipPauses(): void {
  const { setTimeout: realSetTimeout } = globalThis;
  vi.stubGlobal("setTimeout", (act: () => void, ms: number) =>
    realSetTimeout(act, ms < 5_000 ? 0 : ms),
  );
}

/**
 * Lets all timers run out a hundred times as fast: nothing waits for an S3 that hangs.
 * @returns ends that; the end of the test does, too
 */
export function hurryTimers(): () => void {
  const { setTimeout: realSetTimeout } = globalThis;
  vi.stubGlobal("setTimeout", (act: () => void, ms: number) => realSetTimeout(act, ms / 100));
  return () => void vi.stubGlobal("setTimeout", realSetTimeout);
}

/** Puts the provider and both Workers into the network. What they answer follows from the world as it is then. */
function connect(world: World): void {
  const answerAws: HttpResponseResolver = async ({ request }) => {
    const { url, method, headers } = request;
    if (new URL(url).host.startsWith("sts.")) return undefined; // a handler of its own answers
    return answerAsProvider(world.account, url, method, headers);
  };

  network.use(http.all("https://*.amazonaws.com/*", answerAws));
  for (const environment of Object.values(world.environments)) serve(world, environment);
}

/** Writes what is on this machine, two minutes later. */
function publish(world: World): void {
  if (!world.isHurried) wait(130); // then what a minute remembers is over
  writeProject(world);
}

function writeProject({ environments, files, devVars }: World): void {
  const env = Object.fromEntries(
    Object.values(environments).map(({ name, url, toml, tables, listed }) => {
      const routes = [`${new URL(url).host}/*`];
      return [name, { routes, vars: toml, secrets: { required: listed }, ...tables }];
    }),
  );

  const config = {
    name: "vitrine",
    main: "index.ts",
    compatibility_date: "2026-11-01",
    workers_dev: false,
    preview_urls: false,
    ...CACHED,
    env,
  };
  const linesOf = (values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => envLine(name, value))
      .join("");

  write("wrangler.toml", tomlOf(config));
  for (const [name, values] of Object.entries(files)) write(name, linesOf(values));

  write(".dev.vars", linesOf(devVars ?? {}));
}

const written = new Map<string, string>([["index.ts", ""]]);
writeFileSync(join(folder, "index.ts"), ""); // what main names

/** Writes a file, unless it has that text already. */
function write(name: string, text: string): void {
  if (written.get(name) === text) return;
  writeFileSync(join(folder, name), text);
  written.set(name, text);
}

/** The `env` of each version that was deployed: a deploy that changes nothing keeps the isolate. */
const versions = new Map<string, object>();

function versionOf({ name, deployed, secrets, bound, store }: Environment): object {
  const vars = { ...deployed, ...secrets };
  const text = JSON.stringify([name, vars, Object.keys(bound)]);
  const latest = versions.get(name);
  const isSame = latest !== undefined && Object(latest)[TEXT] === text;
  if (isSame && Object(latest)[STORE] === store) return latest;

  const version = { ...structuredClone(vars), ...bound };
  Object.defineProperty(version, TEXT, { value: text });
  Object.defineProperty(version, STORE, { value: store });
  versions.set(name, version);

  return version;
}
const TEXT = Symbol("what it was made of");
const STORE = Symbol("the store of its world");

function serve(world: World, environment: Environment): void {
  const isFronted = environment.name === "production";
  const answerVisitor: HttpResponseResolver = async ({ request }) => {
    const { url, method, headers } = request;
    const { pathname, search } = new URL(url);
    const body = method === "POST" ? await request.text() : null;
    const answer =
      (await stage.edge.visit(new Request(url, { headers }))) ??
      (await get(url, { method, headers, body }, versionOf(environment)));
    const path = pathname + search;
    const { front } = world;
    const changed = front && isFronted ? front(answer, { method, headers, path }) : answer;

    return withDate(changed);
  };

  network.use(http.all(`${environment.url}/*`, answerVisitor));
}

/** What visitors get a while later: the status of each sample, and whether it is an image. */
export async function fetchSamples(world: World, samples = world.samples) {
  publish(world);
  return visitAll(world, samples);
}

/** Visitors with each kind of browser see a picture, so it is stored in each format. */
export async function warm(world: World): Promise<void> {
  publish(world);
  for (const accept of Object.values(ACCEPTS)) await visitAll(world, [WARM], accept);
}

/** What visitors get at once, of what is published already. */
export async function visitAll(
  { args }: World,
  samples: readonly string[],
  accept: string = ACCEPTS.avif,
) {
  const baseUrl = args.includes(URLS.local) ? URLS.local : URLS.production;
  const statuses: Record<string, string> = {};

  for (const path of samples) {
    const url = path.startsWith("/") ? baseUrl + path : path;
    try {
      const answer = await fetch(url, { headers: { accept }, redirect: "manual" });
      const type = answer.headers.get("content-type") ?? "";
      statuses[path] = `${answer.status} ${type.replace(/\/.*/, "")}`;
      await answer.arrayBuffer();
    } catch {
      statuses[path] = "no answer";
    }
  }

  await settle();
  return statuses;
}

/** Runs the doctor. A command that does not begin is one finding, with what it says. */
export async function consult(world: World): Promise<readonly Finding[]> {
  publish(world);
  const now = () => Date.now() + world.ahead * 1000;
  const options = { folder, now, env: world.shell };
  const { out, err } =
    world.queues === undefined
      ? await vitrine(["doctor", "--json", ...world.args], options)
      : await runDoctor(world.queues, world.args, options);

  await settle();

  if (out !== "") return JSON.parse(out).findings;

  return [{ check: "usage", severity: "error", about: "vitrine", seen: err, remedy: err }];
}

export function redirectTo(location: string): HttpResponse<null> {
  return new HttpResponse(null, { status: 302, headers: { location } });
}
