// `createVitrine`: Vitrine's Worker with all that is around it in production, in one call. No global is replaced, and nothing
// waits for real time.

import { edgeBucketsOf, sourceEntryOf } from "../cli/config/buckets.ts";
import { imagesBinding } from "../emulator/binding/binding.ts";
import { SHARP_BINDING_RENDERER, withImages } from "../emulator/binding/service.ts";
import { createCache } from "../emulator/cache/cache.ts";
import { checkSettings, isRecord, optional, type Rule, text } from "../emulator/check.ts";
import type { Edge } from "../emulator/create-edge.ts";
import { createEdgeWith } from "../emulator/edge/edge.ts";
import { SHARP_RENDERER } from "../emulator/edge/render.ts";
import type { EdgeSettings } from "../emulator/edge/settings.ts";
import { requireSharp } from "../emulator/edge/sharp.ts";
import { type FetchInit, inputUrlOf } from "../emulator/fetch.ts";
import { createIssuer, type Issuer, type TokenOptions } from "../emulator/issuer.ts";
import { deployedEnv } from "../emulator/variables.ts";
import { type Config, readConfig } from "../worker/config/config.ts";
import { isRefusal, mistakeText } from "../worker/http/refusal.ts";
import { eventMessage } from "../worker/purge/event-message.ts";
import { tableOf } from "../worker/util/json.ts";
import {
  createR2Buckets,
  deleteOriginal,
  type PlayedBucket,
  playBuckets,
  putOriginal,
  s3At,
} from "./buckets.ts";
import { createVirtualClock, msOf, nextTurn, type VirtualClock } from "./clock.ts";
import { createEventQueue } from "./events.ts";
import { loadWorker } from "./isolate.ts";
import { checkedOriginal, readObjects } from "./objects.ts";
import { makeSecrets } from "./secrets.ts";
import { type Setup, setupOf, withoutRoles } from "./setup.ts";
import { asRealWork, createStalls, type Stalls, withStalls } from "./stalls.ts";
import type { Vitrine, VitrineBucket, VitrineLogLine, VitrineSettings } from "./types.ts";
import { writeUrl } from "./write-url.ts";

const plainTable: Rule<Record<string, unknown>> = { expected: "a table", test: isRecord };

const time: Rule<number> = {
  expected: "a time in ms since 1970",
  test: (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
};

const siteUrl: Rule<string> = {
  expected: "an https:// URL without a path, such as https://images.example",
  test: (value): value is string =>
    typeof value === "string" && /^https:\/\/[^/?#@\s]+\/?$/.test(value) && URL.canParse(value),
};

/** `readObjects` checks the objects. */
const anything: Rule = { expected: "anything", test: (_value): _value is unknown => true };

const SETTINGS = {
  config: optional(text),
  environment: optional(text),
  vars: optional(plainTable),
  objects: anything,
  secrets: optional(plainTable),
  url: optional(siteUrl),
  now: optional(time),
} satisfies Record<keyof VitrineSettings, Rule>;

/**
 * Creates a Vitrine for the test of an app: the Worker, as the project's configuration has it, on the strict edge or the
 * Images binding, with its buckets, Workers Cache, the store, the queue of events, the logins and a clock.
 *
 * Several at once do not disturb each other. It needs the package sharp and, for `config`, wrangler.
 * @throws {TypeError} if the configuration has mistakes: all of them, as `vitrine check` prints them
 * @throws if a package is missing; the message says how to install it
 * @example
 * const vitrine = await createVitrine({ config: "wrangler.toml", objects: { "photos/fig.jpg": picture } });
 * const answer = await vitrine.fetch("/images/card/photos/fig.jpg");
 * expect(answer.status).toBe(200);
 */
export async function createVitrine(settings: VitrineSettings): Promise<Vitrine> {
  checkSettings("createVitrine", { ...settings }, SETTINGS);
  const { objects } = settings;
  const now = settings.now ?? Date.now();

  // Read the configuration.
  const setup = await readSetup(settings, now);
  const origin = (settings.url ?? `https://${setup.host ?? "images.example"}`).replace(/\/$/, "");
  const secrets = makeSecrets(setup, settings.secrets);
  const clock = createVirtualClock(now);

  // Make what the Worker is bound to. The edge needs the network, and the network the buckets of the configuration, which is
  // read with the binding of the edge.
  const r2Buckets = createR2Buckets(setup, clock);
  const stalls = createStalls(clock);
  const network = createNetwork(stalls);
  const cache = createCache({ now: clock.now });
  const zone = new URL(origin).host;
  const edge = createTimedEdge({ zone, fetch: network.fetch, now: clock.now }, stalls);

  const logs: VitrineLogLine[] = [];
  const pendingWork: Promise<unknown>[] = [];
  const events = createEventQueue(clock, async (batch) => {
    await stalls.wait(isolate.worker.queue(batch, env, createContext()));
    await settle();
  });

  const bindings: Record<string, unknown> = {};
  for (const [binding, r2] of r2Buckets) bindings[binding] = withStalls(r2, stalls);
  bindings["IMAGES"] = imagesOf(edge, stalls);
  if (setup.hasProducer) bindings["EVENTS"] = events.binding;
  if (setup.limit !== undefined) bindings["RATE_LIMITER"] = createLimiter(setup.limit, clock);
  let env = deployedEnv({ ...setup.vars, ...secrets, ...bindings });

  const config = readConfig(env);
  if (isRefusal(config)) throw new TypeError(mistakesText(config.mistakes.map(mistakeText)));

  // Fill the buckets, and open the network to them.
  const played = playBuckets(config, setup, r2Buckets, clock);
  for (const [bucket, originals] of readObjects(objects, config)) {
    const target = played.find((candidate) => candidate.bucket === bucket);
    if (target === undefined) continue;
    for (const [key, original] of originals) putOriginal(target, key, original, clock.now());
  }

  const issuers = createIssuers(config, clock);
  network.open(played, issuers);
  edge.switches.sources = sourcesOf(config);
  edge.switches.httpHosts = httpHostsOf(config);

  // Start the Worker.
  const startIsolate = await loadWorker();
  const start = () =>
    startIsolate({
      clock,
      subtle: asRealWork(crypto.subtle, stalls),
      fetch: (input, init) => {
        const isForEdge = init?.cf?.image !== undefined && cache.transforms();
        if (!isForEdge) return network.fetch(inputUrlOf(input), init);
        return edge.fetch(input, init);
      },
      log: (level, line) => void logs.push({ level, line: tableOf(line) }),
    });
  let isolate = start();

  /** Waits for what answers have left behind. */
  async function settle(): Promise<void> {
    do {
      await stalls.wait(Promise.all([cache.settled(), ...pendingWork.splice(0)]));
      await nextTurn();
    } while (pendingWork.length > 0);
  }

  function createContext() {
    const waitUntil = (work: Promise<unknown>) => void pendingWork.push(work);
    const Renditions = cache.entrypoint((context: ExecutionContext) => {
      return new isolate.Renditions(context, env);
    });
    return { waitUntil, exports: { Renditions } };
  }

  async function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const isPath = typeof input === "string" && input.startsWith("/");
    const request = new Request(isPath ? origin + input : input, init);
    if (new URL(request.url).origin !== new URL(origin).origin) {
      throw new TypeError(`vitrine.fetch: ${request.url} does not lead to ${origin}`);
    }

    const answer = await stalls.wait(isolate.worker.fetch(request, env, createContext()));
    const whole = await stalls.wait(readWhole(answer));
    await settle();
    return whole;
  }

  async function sendEvent({ bucket, providerName }: PlayedBucket, key: string): Promise<void> {
    events.send([eventMessage({ bucket: providerName, key: bucket.prefix + key })]);
    await events.deliver();
  }

  function requireConsumer(): void {
    if (setup.hasConsumer) return;
    throw new TypeError(
      "vitrine: the configuration has no [[queues.consumers]], so no event reaches the Worker: add it, or use put",
    );
  }

  function bucketOf(target: PlayedBucket): VitrineBucket {
    return {
      s3: target.s3,
      r2: target.r2,
      put: (key, object) => {
        putOriginal(target, key, checkedOriginal(key, object), clock.now());
      },
      async replace(key, object) {
        requireConsumer();
        putOriginal(target, key, checkedOriginal(key, object), clock.now());
        await sendEvent(target, key);
      },
      async delete(key) {
        requireConsumer();
        if (!deleteOriginal(target, key)) {
          throw new TypeError(`vitrine.buckets.${target.bucket.name}: there is no object ${key}`);
        }
        await sendEvent(target, key);
      },
    };
  }

  const storeName = tableOf(setup.vars["ANSWERS"])["store"];
  return {
    origin,
    fetch,
    matches: (input) => URL.parse(inputUrlOf(input))?.origin === new URL(origin).origin,
    url: (key, preset, options = {}) => writeUrl(origin, config, key, preset, options, clock.now()),
    token: (claims, options) => signToken(config, issuers, claims, options),
    purge: (body) => {
      const headers = { authorization: `Bearer ${secrets["PURGE_TOKEN"]}` };
      return fetch("/purge", { method: "POST", headers, body: JSON.stringify(body) });
    },
    buckets: Object.fromEntries(played.map((target) => [target.bucket.name, bucketOf(target)])),
    store: typeof storeName === "string" ? r2Buckets.get(storeName) : undefined,
    edge,
    cache,
    issuers,
    secrets,
    clock: {
      get now() {
        return clock.now();
      },
      async advance(duration) {
        const until = clock.now() + msOf(duration);
        await settle();
        for (let dueAt = events.nextDueAt(); dueAt !== undefined; dueAt = events.nextDueAt()) {
          if (dueAt > until) break;
          clock.moveTo(dueAt);
          await events.deliver();
        }
        clock.moveTo(until);
        await settle();
      },
    },
    logs,
    restart() {
      env = { ...env };
      isolate = start();
    },
  };
}

async function readSetup(settings: VitrineSettings, now: number): Promise<Setup> {
  const { config, vars, environment } = settings;
  if (config !== undefined && vars !== undefined) {
    throw new TypeError("createVitrine: pass either config or vars, not both");
  }

  if (vars !== undefined) {
    if (environment !== undefined) {
      throw new TypeError("createVitrine: environment: is of a file: pass config with it");
    }
    const setup = setupOf(vars);
    return { ...setup, vars: withoutRoles(setup.vars) };
  }

  if (config === undefined) {
    throw new TypeError('createVitrine: pass config: "wrangler.toml", or the vars themselves');
  }
  const { readProject } = await import("./read-project.ts");
  const setup = readProject(config, environment, now);
  return { ...setup, vars: withoutRoles(setup.vars) };
}

function mistakesText(mistakes: readonly string[]): string {
  return ["The configuration has mistakes:", ...mistakes].join("\n  ");
}

/** The strict edge. The time stands still while it makes a picture. */
function createTimedEdge(settings: EdgeSettings, stalls: Stalls): Edge {
  requireSharp();
  const edge = createEdgeWith(asRealWork(SHARP_RENDERER, stalls), settings);
  return withImages(edge, asRealWork(SHARP_BINDING_RENDERER, stalls));
}

/** The Images binding, which may stall. */
function imagesOf({ switches, answerImages }: Edge, stalls: Stalls): ImagesBinding {
  return imagesBinding((path, body) => {
    const isStalled =
      switches.bindingFault === "stalls" || switches.bindingFault === "stalls-midway";
    if (isStalled) stalls.begin();

    const url = `https://js.images.cloudflare.com${path}`;
    return answerImages(new Request(url, { method: "POST", body }));
  });
}

/** The network: the buckets and the logins, and nothing else. */
function createNetwork(stalls: Stalls) {
  let buckets: readonly PlayedBucket[] = [];
  let logins: ReadonlyMap<string, Issuer> = new Map();

  return {
    open(played: readonly PlayedBucket[], issuers: ReadonlyMap<string, Issuer>): void {
      buckets = played;
      logins = issuers;
    },

    async fetch(input: string | Request, init?: FetchInit): Promise<Response> {
      const url = inputUrlOf(input);
      const login = [...logins.values()].find((issuer) => issuer.matches(url));
      if (login !== undefined) {
        if (login.switches.slow === 0) return stalls.during(login.fetch(input, init));

        // The Worker's timer ends a request to a login that is slow.
        stalls.begin();
        return login.fetch(input, init);
      }

      const s3 = s3At(buckets, url);
      if (s3 === undefined) {
        throw new TypeError("fetch failed", {
          cause: new Error(
            `createVitrine: nothing of the configuration is at ${new URL(url).origin}`,
          ),
        });
      }
      if (s3.faults.has("stall") || s3.faults.has("stall-midway")) stalls.begin();
      return s3.fetch(input, init);
    },
  };
}

/** What an operator lists under Sources of the zone (E5). */
function sourcesOf({ routes }: Config): readonly string[] {
  return [...new Set(edgeBucketsOf(routes).map(sourceEntryOf))];
}

function httpHostsOf({ routes }: Config): readonly string[] {
  const urls = edgeBucketsOf(routes).map(({ baseUrl }) => new URL(baseUrl));
  return urls.filter(({ protocol }) => protocol === "http:").map(({ host }) => host);
}

/** An issuer for each login of the routes. */
function createIssuers({ routes }: Config, clock: VirtualClock): ReadonlyMap<string, Issuer> {
  const issuers = new Map<string, Issuer>();
  for (const { issuer, keys } of routes.flatMap(({ tokenRules = [] }) => tokenRules)) {
    const login = issuers.get(issuer) ?? createIssuer({ issuer, keys, now: clock.now });
    issuers.set(issuer, login);
  }
  return issuers;
}

/** A rate limiter: each key has so many requests in each period. */
function createLimiter({ limit, period }: NonNullable<Setup["limit"]>, clock: VirtualClock) {
  const counts = new Map<string, number>();
  return {
    async limit({ key }: { readonly key: string }): Promise<{ success: boolean }> {
      const id = `${Math.floor(clock.now() / (period * 1000))} ${key}`;
      const count = (counts.get(id) ?? 0) + 1;
      counts.set(id, count);
      return { success: count <= limit };
    },
  };
}

async function signToken(
  { routes }: Config,
  issuers: ReadonlyMap<string, Issuer>,
  claims: Readonly<Record<string, unknown>> = {},
  options?: TokenOptions,
): Promise<string> {
  const [rule] = routes.flatMap(({ tokenRules = [] }) => tokenRules);
  const issuer = rule === undefined ? undefined : issuers.get(rule.issuer);
  if (rule === undefined || issuer === undefined) {
    throw new TypeError("vitrine.token: no route of the configuration has token");
  }

  const [audience] = rule.audiences;
  return issuer.token({ ...(audience !== undefined && { aud: audience }), ...claims }, options);
}

/** Reads the whole body, as a visitor does. A body that breaks off breaks off for the reader, too. */
async function readWhole(answer: Response): Promise<Response> {
  if (answer.body === null) return answer;

  try {
    const body = await answer.arrayBuffer();
    return new Response(body, answer);
  } catch (error) {
    const broken = new ReadableStream({ pull: (controller) => controller.error(error) });
    return new Response(broken, answer);
  }
}
