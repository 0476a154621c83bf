// One fault after the other in a strict world: one check names it, and nothing else does. Its remedy is done as it is
// told: then the site shows its pictures, and the finding is gone. A check without a row does not compile.

import { HttpResponse, http } from "msw";
import { afterEach, expect, test, vi } from "vitest";
import type { Check, Finding } from "../../../src/cli/doctor/finding.ts";
import type { Fault } from "../../../src/emulator/edge/faults.ts";
import type { S3Fault, S3Grant } from "../../../src/emulator/s3/s3.ts";
import { createSts } from "../../../src/emulator/sts/sts.ts";
import type { Sts, StsRole } from "../../../src/emulator/sts/types.ts";
import { SITE } from "../../support/cli/doctor.ts";
import {
  beginWorld,
  type Change,
  consult,
  readRemedy,
  type Told,
  visit,
  type World,
} from "../../support/cli/remedy-world.ts";
import { BASE, CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { EC_KEY } from "../../support/issuer.ts";
import { stage } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";

type Played = {
  /** What is broken besides. */
  readonly before?: (world: World) => void;
  readonly broken: (world: World) => void;
  readonly done: (told: Told, world: World) => void;
};

const MEDIA = "BUCKETS.media";
const HOST = "s3.eu-west-1.amazonaws.com";
const ROUTE = { path: "/images/:preset/*", object: "media/*" };
const PICTURE = { body: file("made/key.jpg"), type: "image/jpeg" };

/** Sets something of the bucket, in wrangler.toml and in what is deployed. */
const both = (world: World, settings: object) => {
  for (const media of [mediaOf(world.toml), mediaOf(world.deployed)]) {
    Object.assign(media, settings);
    for (const name of Object.keys(media)) if (media[name] === undefined) delete media[name];
  }
};
const mediaOf = (vars: object): Record<string, unknown> =>
  Object(Object(Object(vars).BUCKETS).media);
const setting = (name: string, wrong: unknown, right: unknown, more: object = {}): Played => ({
  broken: (world) => both(world, { [name]: wrong, ...more }),
  done: (told) => told.sets(`${MEDIA}.${name}`, right),
});

const s3Fault = (fault: S3Fault, part: string, more: Partial<Played> = {}): Played => ({
  broken: () => void stage.s3.faults.add(fault),
  done: (told) => told.does(part, () => void stage.s3.faults.delete(fault)),
  ...more,
});
const s3Grant = (grant: S3Grant, part: string): Played => ({
  broken: () => void stage.s3.grants.add(grant),
  done: (told) => told.does(part, () => void stage.s3.grants.delete(grant)),
});
const trouble = (fault: Fault, part: string): Played => ({
  broken: () => {
    stage.edge.switches.trouble = fault;
  },
  done: (told) =>
    told.does(part, () => {
      stage.edge.switches.trouble = undefined;
    }),
});

/** A fault, and what is done of its remedy. */
const fault = (
  broken: (world: World) => void,
  part: string,
  mend: (world: World) => void = () => {},
): Played => ({ broken, done: (told, world) => told.does(part, () => mend(world)) });
/** A fault whose remedy is a command, which deploys. */
const deployed = (
  broken: (world: World) => void,
  command: string,
  mend?: (world: World) => void,
): Played => ({ broken, done: (told, world) => told.runs(command, () => mend?.(world)) });

/** Something in front of the Worker: the operator takes it away, or deploys what is meant to be there. */
const inFront = (front: Change, part: string, more: Partial<Played> = {}): Played => ({
  broken: (world) => {
    world.front = front;
  },
  done: (told, world) =>
    told.does(part, () => {
      world.front = undefined;
    }),
  ...more,
});
const onImages =
  (change: (answer: Response, asked: Parameters<Change>[1]) => Response): Change =>
  (answer, asked) =>
    asked.path.startsWith("/images/") ? change(answer, asked) : answer;
const withHeader = (name: string, value?: string): Change =>
  onImages((answer) => {
    const changed = new Response(answer.body, answer);
    if (value === undefined) changed.headers.delete(name);
    else changed.headers.set(name, value);
    return changed;
  });
const gets = (status: number) => onImages(() => new HttpResponse("no", { status }));
const original = () =>
  new HttpResponse(PICTURE.body.slice(), { headers: { "content-type": "image/jpeg" } });

/** What the deep /healthz says in place of the Worker, of a bucket that only Cloudflare's side can break. */
const healthSays = (health: object): Change => {
  const media = { bucket: "media", slots: [], edge: "on", ...health };
  return (answer, { path, headers }) =>
    path === "/healthz" && headers.has("authorization")
      ? HttpResponse.json({ ok: true, buckets: [media] })
      : answer;
};

/** A bucket whose renditions the Images binding makes. */
const bindImages = (world: World) => {
  both(world, { engine: "binding" });
  world.bindings = '[images]\nbinding = "IMAGES"';
  world.deployed["IMAGES"] = stage.edge.images;
};
const bound = (
  broken: (world: World) => void,
  done: (told: Told, world: World) => void,
): Played => ({
  broken: (world) => {
    bindImages(world);
    broken(world);
  },
  done,
});
const boundHealth = (health: object, part: string): Played =>
  bound(
    (world) => {
      world.front = healthSays(health);
    },
    (told, world) =>
      told.does(part, () => {
        world.front = undefined;
      }),
  );

const ARN = "arn:aws:iam::123456789012:role/vitrine";
const DISCOVERY = "/.well-known/openid-configuration";
const HOST_OF_SITE = new URL(SITE).host;
const RIGHT_ISSUER = { issuer: SITE, jwks_uri: `${SITE}/.well-known/jwks.json` };
/** A bucket that a role opens. STS and IAM are what /healthz and the issuer's documents say of them. */
const ofRole = (
  role: object,
  part: string,
  documents: { discovery?: Response; keys?: Response } = {},
): Played => ({
  broken: (world) => {
    for (const vars of [world.toml, world.deployed]) vars["OIDC"] = { issuer: SITE };
    Object.assign(mediaOf(world.toml), { engine: "binding", role: ARN });
    world.bindings = '[images]\nbinding = "IMAGES"';
    world.listed = [...world.listed.filter((name) => !name.startsWith("AWS")), "OIDC_SIGNING_KEY"];
    delete world.deployed["OIDC"];
    roleFront(world, role, documents);
  },
  done: (told, world) => {
    const { deployed } = world; // it has stored keys: STS is not asked
    told.does(part, () => roleFront(world, {}, {}));
    world.deployed = deployed;
  },
});
function roleFront(
  world: World,
  role: object,
  { discovery, keys }: { discovery?: Response; keys?: Response },
): void {
  const well = { role: ARN, state: "ok", expires: "2026-12-01T00:00:00Z", ...role };
  const said = healthSays({ role: well });
  world.front = (answer, asked) => {
    if (asked.path === DISCOVERY) return discovery?.clone() ?? HttpResponse.json(RIGHT_ISSUER);
    if (asked.path.endsWith("jwks.json")) {
      return keys?.clone() ?? HttpResponse.json({ keys: [{ kid: "a" }] });
    }
    return said(answer, asked);
  };
}

/** What the strict STS and IAM of a row have. */
type Account = { readonly sts: Sts; readonly allowed: string[] };
const trustsOf = (sub: string): StsRole => ({
  trusts: SITE,
  StringEquals: { [`${HOST_OF_SITE}:aud`]: "sts.amazonaws.com", [`${HOST_OF_SITE}:sub`]: sub },
});

/** A Worker that takes a role of a strict STS. Its sessions may get what the role's policy allows. */
const inAccount = (
  broken: (account: Account, world: World) => void,
  done: (told: Told, account: Account, world: World) => void,
): Played => {
  let account: Account | undefined;
  return {
    broken: (world) => {
      const sts = createSts({
        fetch: (input) => fetch(`${input}`),
        providers: { [SITE]: { clientIds: ["sts.amazonaws.com"] } },
        roles: { [ARN]: trustsOf("vitrine") },
      });
      account = { sts, allowed: ["acme-media/published/*"] };
      const { allowed } = account;
      network.use(
        http.all("https://sts.eu-west-1.amazonaws.com/*", async ({ request }) => {
          const { url, method, headers } = request;
          const body = await request.text();
          const answer = await sts.fetch(url, { method, headers, body }).catch(() => undefined);
          for (const [id, session] of sts.sessions) stage.sessions.set(id, session);
          return answer ?? HttpResponse.error();
        }),
        http.all(/acme-media\.s3\./, ({ request }) => {
          const path = `acme-media${new URL(request.url).pathname}`;
          const isAllowed = allowed.some((one) => path.startsWith(one.replace(/\*$/, "")));
          return isAllowed ? undefined : xml("AccessDenied", 403);
        }),
      );
      both(world, { engine: "binding", role: ARN });
      world.bindings = '[images]\nbinding = "IMAGES"';
      world.listed = [
        ...world.listed.filter((name) => !name.startsWith("AWS")),
        "OIDC_SIGNING_KEY",
      ];
      for (const vars of [world.toml, world.deployed]) vars["OIDC"] = { issuer: SITE };
      world.deployed["IMAGES"] = stage.edge.images;
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) delete world.secrets[name];
      world.secrets["OIDC_SIGNING_KEY"] = EC_KEY;
      broken(account, world);
    },
    done: (told, world) => {
      if (account === undefined) throw new Error("it was not broken");
      done(told, account, world);
    },
  };
};
/** The statement of the policy that a remedy prints. */
function policyIn(text: string) {
  const [policy = ""] = /\{"Version".*\]\}/.exec(text) ?? [];
  return Object(JSON.parse(policy)).Statement[0];
}

/** Whether a handler of the network still answers wrongly. */
let isWrong = true;
const at = (
  method: "get" | "put" | "all",
  where: RegExp,
  answer: (request: Pick<Request, "url" | "headers">) => Response | undefined,
  done: (told: Told, mend: () => void) => void,
  more: Partial<Played> & { before?: (world: World) => void } = {},
): Played => {
  const { before = () => {}, ...rest } = more;
  return {
    broken: (world) => {
      before(world);
      network.use(http[method](where, ({ request }) => (isWrong ? answer(request) : undefined)));
    },
    done: (told) =>
      done(told, () => {
        isWrong = false;
      }),
    ...rest,
  };
};
const xml = (code: string, status: number) =>
  new HttpResponse(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });
const isSigned = ({ headers }: Pick<Request, "headers">) => headers.has("authorization");
const CLOSE = "aws s3api put-public-access-block --bucket acme-media";

const FAULTS = {
  reachable: {
    reachable: s3Fault("reset", "see the provider's status page"),
    "host-unknown": {
      ...setting("endpoint", "https://nowhere.example", `https://${HOST}`, { addressing: "path" }),
      before: ({ unreachable }) => void unreachable.set("nowhere.example", "ENOTFOUND"),
    },
  },
  endpoint: {
    endpoint: {
      ...setting("endpoint", "https://web.example", `https://${HOST}`, { addressing: "path" }),
      before: () =>
        network.use(http.all("https://web.example/*", () => new HttpResponse("<h1>Hello</h1>"))),
    },
  },
  clock: {
    "clock-here": fault(
      (world) => {
        world.ahead = 1200;
      },
      "timedatectl set-ntp true",
      (world) => {
        world.ahead = 0;
      },
    ),
    "clock-s3": s3Fault("clock-skew", "set the clock of acme-media.s3.eu-west-1.amazonaws.com"),
  },
  region: {
    region: {
      broken: (world) =>
        both(world, { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" }),
      done: (told) => {
        told.does('in BUCKETS.media of wrangler.toml, set region = "eu-west-1"', () => {});
        told.sets(`${MEDIA}.region`, "eu-west-1");
        told.sets(`${MEDIA}.endpoint`, `https://${HOST}`);
      },
    },
  },
  bucket: {
    bucket: setting("bucket", "acme-medias", "acme-media"),
  },
  busy: {
    busy: s3Fault("SlowDown", "try again in a minute"),
  },
  public: {
    public: s3Grant("all-read", CLOSE),
  },
  keys: {
    keys: fault(
      (world) => {
        world.shell = { AWS_SECRET_ACCESS_KEY: undefined };
        world.args = [];
      },
      "remove all secrets of slot current there",
      (world) => {
        world.shell = { AWS_SECRET_ACCESS_KEY: undefined, AWS_ACCESS_KEY_ID: undefined };
      },
    ),
    "session-key": fault(
      (world) => {
        world.args = ["--url", SITE, "--secrets-file", "secrets.env"];
        world.file = secretsFile({ ...CREDENTIALS, accessKeyId: "ASIAIOSFODNN7EXAMPLE" });
      },
      "correct AWS_ACCESS_KEY_ID in secrets.env",
      (world) => {
        world.file = secretsFile(CREDENTIALS);
      },
    ),
    "no-keys-at-hand": fault(
      (world) => {
        world.shell = { AWS_SECRET_ACCESS_KEY: undefined, AWS_ACCESS_KEY_ID: undefined };
        world.args = [];
      },
      "use --secrets-file secrets.env",
      (world) => {
        world.args = ["--secrets-file", "secrets.env"];
        world.file = secretsFile(CREDENTIALS);
      },
    ),
    "slot-incomplete": {
      broken: (world) => {
        stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
        Object.assign(world.secrets, NEXT, { AWS_SECRET_ACCESS_KEY: undefined });
      },
      done: (told) => told.puts("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secretAccessKey),
    },
  },
  "key-id": {
    "key-id": {
      broken: (world) => {
        world.secrets["AWS_ACCESS_KEY_ID"] = "AKIAREVOKEDREVOKED00";
      },
      done: (told) => {
        told.puts("AWS_ACCESS_KEY_ID", CREDENTIALS.accessKeyId);
      },
    },
    "key-id-at-hand": fault(
      (world) => {
        world.shell = { AWS_ACCESS_KEY_ID: NEXT_CREDENTIALS.accessKeyId };
        world.args = [];
      },
      "AWS_SECRET_ACCESS_KEY in the environment, or take both out there",
      (world) => {
        world.shell = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
      },
    ),
  },
  secret: {
    secret: {
      broken: (world) => {
        world.secrets["AWS_SECRET_ACCESS_KEY"] = NEXT_CREDENTIALS.secretAccessKey;
      },
      done: (told) => told.puts("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secretAccessKey),
    },
  },
  list: {
    list: fault(
      () => void stage.s3.faults.delete("no-list-bucket"),
      `needs only s3:GetObject on arn:aws:s3:::acme-media/published/*`,
      () => {
        stage.s3.faults.add("no-list-bucket");
      },
    ),
    "list-for-store": fault(
      (world) => {
        const store = { get: async () => null, put: async () => null, delete: async () => {} };
        const RENDITIONS = { ...store, list: async () => ({ objects: [], truncated: false }) };
        for (const vars of [world.toml, world.deployed]) vars["ANSWERS"] = { store: "RENDITIONS" };
        world.bindings = '[[r2_buckets]]\nbinding = "RENDITIONS"';
        world.deployed["RENDITIONS"] = RENDITIONS;
      },
      "add s3:ListBucket on arn:aws:s3:::acme-media to its policy",
      () => {
        stage.s3.faults.delete("no-list-bucket");
      },
    ),
  },
  write: {
    write: s3Grant("write", "needs only s3:GetObject on arn:aws:s3:::acme-media/published/*"),
  },
  prefix: {
    prefix: {
      broken: (world) => {
        stage.s3.faults.delete("no-list-bucket");
        both(world, { prefix: "publishd/" });
      },
      done: (told) => told.sets(`${MEDIA}.prefix`, "published/"),
    },
  },
  sample: {
    sample: setting("prefix", "drafts/", "published/"),
    "object-denied": at(
      "get",
      /amazonaws.*\/key\.jpg/,
      (request) => (isSigned(request) ? xml("AccessDenied", 403) : undefined),
      (told, mend) => told.does("the key's policy must allow s3:GetObject", mend),
      { before: () => void stage.s3.faults.delete("no-list-bucket") },
    ),
    "no-sample": {
      broken: withoutCanary,
      done: (told) => told.sets(`${MEDIA}.canary`, "key.jpg"),
    },
    "not-an-image": fault(
      (world) => both(world, { canary: "broken/page.jpg" }),
      "replace that object by an image",
      () => {
        stage.s3.objects.set("published/broken/page.jpg", PICTURE);
      },
    ),
  },
  parameter: {
    parameter: at(
      "get",
      /amazonaws/,
      ({ url }) => (url.includes("x-vitrine=") ? xml("InvalidArgument", 400) : undefined),
      (told) => told.sets(`${MEDIA}.source_parameter`, false),
    ),
  },
  fallback: {
    "fallback-missing": withFallback("media/nothing.png"),
    fallback: deployed((world) => {
      world.toml["ROUTES"] = [{ ...ROUTE, fallback: "media/key.jpg" }];
      world.deployed["ROUTES"] = [{ ...ROUTE, fallback: "media/nothing.png" }];
    }, "npx vitrine deploy"),
  },
  configuration: {
    configuration: {
      broken: (world) => {
        world.secrets["AWS_SESSION_TOKEN"] = "a-token-of-a-session";
      },
      done: (told) => {
        told.runs("npx wrangler tail");
        expect(JSON.stringify(stage.logged)).toContain("AWS_SESSION_TOKEN");
        told.does("npx wrangler secret delete", () => {});
        told.takesOut("AWS_SESSION_TOKEN");
      },
    },
  },
  deployed: {
    deployed: inFront(
      () => new HttpResponse("Not found", { status: 404 }),
      "make sure that no rule of the zone is in front",
    ),
    "deployed-differs": deployed((world) => {
      world.deployed["PRESETS"] = { card: { width: 9 }, hero: { width: 9, widths: [640] } };
    }, "npx vitrine deploy"),
    "health-elsewhere": inFront(
      (answer, { path }) => (path === "/healthz" ? new HttpResponse("ok\n") : answer),
      "let /healthz lead to the Worker",
    ),
  },
  health: {
    "health-token-wrong": fault(
      (world) => {
        world.shell = { HEALTH_TOKEN: "the token of another environment" };
      },
      "correct HEALTH_TOKEN on this machine",
      (world) => {
        world.shell = {};
      },
    ),
  },
  image: {
    image: inFront(gets(418), "make sure that no rule, snippet or other Worker is in front"),
    "no-object-known": fault(
      (world) => {
        both(world, { canary: undefined });
        world.shell = { AWS_SECRET_ACCESS_KEY: undefined, AWS_ACCESS_KEY_ID: undefined };
      },
      "name an object",
      (world) => void world.args.push("key.jpg"),
    ),
    "blocked-in-front": inFront(gets(403), "Security → Events"),
    "not-found": deployed((world) => {
      world.deployed["ROUTES"] = [{ path: "/other/:preset/*", object: "media/*" }];
    }, "npx vitrine deploy if wrangler.toml has changed"),
    "image-unreadable": fault(
      (world) => {
        world.args.push("broken/page.jpg");
      },
      "replace that object by an image, and purge it",
      () => {
        stage.s3.objects.set("published/broken/page.jpg", PICTURE);
        stage.edge.purge(`${BASE}published/broken/page.jpg`);
      },
    ),
    "image-failed": {
      broken: (world) => {
        stage.edge.switches.transformations = false;
        world.shell = { HEALTH_TOKEN: undefined };
      },
      done: (told) => {
        told.runs("npx wrangler tail");
        const events = stage.logged.map(({ line }) => line["event"]);
        expect(events).toContain("not-transformed"); // docs/errors.md says what to do
        stage.edge.switches.transformations = true;
      },
    },
    "image-loop": {
      broken: (world) => {
        Object.assign(mediaOf(world.deployed), { endpoint: SITE, addressing: "path" });
        const loop = () => new HttpResponse(null, { status: 508 });
        world.front = onImages((answer) =>
          mediaOf(world.deployed)["endpoint"] === SITE ? loop() : answer,
        );
        world.shell = { HEALTH_TOKEN: undefined };
      },
      done: (told) => told.sets(`${MEDIA}.endpoint`, `https://${HOST}`),
    },
  },
  formats: {
    formats: inFront(
      withHeader("content-type", "image/gif"),
      "turn off what ignores the vary header",
      {},
    ),
  },
  cache: {
    "cache-control-changed": deployed((world) => {
      world.toml["ANSWERS"] = { max_age: 60, timeout: 15 };
    }, "npx vitrine deploy if max_age has changed"),
  },
  headers: {
    headers: inFront(withHeader("x-content-type-options"), "remove that rule"),
  },
  originals: {
    originals: inFront(onImages(original), "npx wrangler deployments list"),
    "tricks-work": inFront(
      (answer, { path }) => (path.includes("/original/") ? original() : answer),
      "npx wrangler deployments list",
    ),
  },
  transformations: {
    transformations: fault(
      () => {
        stage.edge.switches.transformations = false;
      },
      "then Enable",
      () => {
        stage.edge.switches.transformations = true;
      },
    ),
  },
  sources: {
    sources: {
      broken: () => {
        stage.edge.switches.sources = [];
      },
      done: (told) => {
        const [, entry = ""] = /Sources: add the origin (\S+) \(domain/.exec(told.text) ?? [];
        stage.edge.switches.sources = [entry];
      },
    },
  },
  quota: {
    quota: fault(
      () => {
        stage.edge.switches.quota = 0;
      },
      "use a paid plan",
      () => {
        stage.edge.switches.quota = 1e6;
      },
    ),
  },
  edge: {
    "canary-missing": {
      broken: (world) => {
        stage.s3.faults.delete("no-list-bucket");
        both(world, { canary: "nothing.jpg" });
      },
      done: (told) => told.sets(`${MEDIA}.canary`, "key.jpg"),
    },
    "edge-contradicts": trouble("9408/403", "no bucket policy limits addresses"),
    "edge-elsewhere": trouble("9420/400", "correct region and endpoint in wrangler.toml"),
    "origin-failed": trouble("9505/502", "reachable from the internet"),
    "edge-loop": trouble("9403/508", "set it to S3's"),
  },
  "workers-cache": {
    kept: deployed(
      () => {
        stage.cache.switches.enabled = false;
      },
      "npx vitrine deploy, if [cache]",
      () => {
        stage.cache.switches.enabled = true;
      },
    ),
  },
  "side-door": {
    "side-door": {
      broken: (world) => {
        both(world, { addressing: "path" });
        Object.assign(stage.edge.switches, { firewall: false, sources: [HOST] });
      },
      done: (told) => {
        const [, entry = ""] = /replace every wider entry by (\S+)/.exec(told.text) ?? [];
        stage.edge.switches.sources = [entry];
        told.does("the action Block", block);
      },
    },
    "side-door-inside": fault(
      (world) => {
        both(world, { source_parameter: false });
        Object.assign(stage.edge.switches, { firewall: false, keptForAll: true });
      },
      "the action Block",
      block,
    ),
  },
  r2: {
    r2: boundHealth({ r2: "unreachable" }, "try again in a minute"),
  },
  binding: {
    "binding-denied": bound(
      () => {
        stage.edge.switches.bindingAllowed = false;
      },
      (told) =>
        told.does("switch Images on", () => {
          stage.edge.switches.bindingAllowed = true;
        }),
    ),
  },
  issuer: {
    issuer: ofRole({}, "without a firewall in front", {
      discovery: new HttpResponse("challenge", { status: 403 }),
    }),
    "issuer-other": ofRole({}, "npx vitrine deploy", {
      discovery: HttpResponse.json({ ...RIGHT_ISSUER, issuer: `${SITE}/` }),
    }),
  },
  role: {
    "role-denied": inAccount(
      ({ sts }) => {
        sts.roles.set(ARN, trustsOf("another subject"));
      },
      (told, { sts }) => {
        const { Principal, Condition } = policyIn(told.text);
        const trusts = `https://${Principal.Federated.replace(/^.*oidc-provider\//, "")}`;
        told.does("compare the role's trust policy", () => {
          sts.roles.set(ARN, { trusts, StringEquals: Condition.StringEquals });
        });
      },
    ),
    "role-token": inAccount(
      ({ sts }) => void sts.providers.set(SITE, { clientIds: ["another audience"] }),
      (told, { sts }) =>
        told.does("compare the provider", () => {
          const [, audience = ""] = /\b(sts\.amazonaws\.com)\b/.exec(told.text) ?? [];
          sts.providers.set(SITE, { clientIds: [audience] });
        }),
    ),
    "role-key": inAccount(
      (_account, world) => {
        world.secrets["OIDC_SIGNING_KEY"] = EC_KEY.replace(/.{8}\n(?=-----END)/, "\n");
      },
      (told) => told.puts("OIDC_SIGNING_KEY", EC_KEY),
    ),
  },
  "role-rights": {
    "role-rights": inAccount(
      ({ allowed }) => void allowed.splice(0, 1, "acme-media/other/*"),
      (told, { allowed }) =>
        told.does("give the role this policy", () => {
          allowed.push(policyIn(told.text).Resource.replace("arn:aws:s3:::", ""));
        }),
    ),
  },
} as const satisfies Record<Check, Record<string, Played>>;

function withFallback(fallback: string): Played {
  const show = (one: string) => (world: World) => {
    for (const vars of [world.toml, world.deployed]) {
      vars["ROUTES"] = [{ ...ROUTE, fallback: one }];
    }
  };
  return fault(show(fallback), "npx vitrine doctor", show("media/key.jpg"));
}

/** The doctor looks for a picture itself, and not at the site. */
function withoutCanary(world: World): void {
  both(world, { canary: undefined });
  world.args = [];
}

function block(): void {
  stage.edge.switches.firewall = true;
}

function secretsFile({ accessKeyId, secretAccessKey }: typeof CREDENTIALS): string {
  return `AWS_ACCESS_KEY_ID='${accessKeyId}'\nAWS_SECRET_ACCESS_KEY='${secretAccessKey}'\n`;
}

afterEach(() => {
  isWrong = true;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What else is wrong in a world, or what its fault looks like from the other side. */
const ALSO: Readonly<Record<string, readonly Check[]>> = {
  endpoint: ["reachable", "sources"],
  prefix: ["list", "sample"],
  "object-denied": ["list"],
  "not-an-image": ["edge", "image"],
  fallback: ["deployed"],
  "not-found": ["deployed"],
  "image-unreadable": ["sample"],
  "cache-control-changed": ["deployed"],
  "canary-missing": ["list", "sample"],
  "side-door-inside": ["configuration"],
  "role-key": ["issuer"],
  "role-rights": ["sample"],
};

const played = Object.entries<Readonly<Record<string, Played>>>(FAULTS).flatMap(([check, rows]) =>
  Object.entries(rows).map(([title, row]) => [title, check, row] as const),
);

test.each(played)("%s: %s names it, and its remedy mends the site", async (title, check, row) => {
  const world = beginWorld();
  row.before?.(world);
  row.broken(world);
  await visit(world);
  const findings = await consult(world);
  const isWrong = ({ severity }: Finding) => severity === "error" || severity === "warning";
  const causes = findings.filter(
    (one) => isWrong(one) && !one.impact?.startsWith("most likely because of the finding above"),
  );
  expect(new Set(causes.map((one) => one.check))).toEqual(new Set([check, ...(ALSO[title] ?? [])]));
  const found = causes.find((one) => one.check === check);
  if (found === undefined) throw new Error(`the doctor does not find ${check}`);
  row.done(readRemedy(world, found), world);
  const after = await visit(world);
  const shown = Object.fromEntries(world.samples.map((path) => [path, "200 image"]));
  expect(after).toEqual(shown);
  const isStill = (one: Finding) => isWrong(one) && one.check === check && one.seen === found.seen;
  expect((await consult(world)).filter(isStill)).toEqual([]);
});

const nothing = () => {};
test.each<[string, Played]>([
  ["the edge, and keys", fault(nothing, "")],
  ["the Images binding", bound(nothing, nothing)],
  ["a role of AWS", inAccount(nothing, nothing)],
  ["a fallback", withFallback("media/key.jpg")],
])("where all is well with %s, nothing is found", async (_title, { broken }) => {
  const world = beginWorld();
  broken(world);
  const findings = await consult(world);
  const isFine = ({ severity }: Finding) => severity === "ok" || severity === "note";
  expect(findings.filter((one) => !isFine(one))).toEqual([]);
  expect(findings.some(({ check }) => check === "image")).toBe(true);
});
