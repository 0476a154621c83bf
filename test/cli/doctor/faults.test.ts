// One fault after the other in a strict world: one check names it, and nothing else does. The test follows its remedy:
// then the site shows its pictures, and the finding is gone. A check without a row does not compile.

import { HttpResponse, http } from "msw";
import { afterEach, expect, test, vi } from "vitest";
import type { Check, Finding } from "../../../src/cli/doctor/finding.ts";
import type { S3Fault, S3Grant } from "../../../src/emulator/s3/s3.ts";
import { type Change, onImages, reporting, SITE, withHeader } from "../../support/cli/doctor.ts";
import {
  beginWorld,
  consult,
  fetchSamples,
  type Remedy,
  readRemedy,
  skipPauses,
  type World,
} from "../../support/cli/remedy-world.ts";
import { file, network } from "../../support/emulators.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { EC_KEY } from "../../support/issuer.ts";
import { s3Error } from "../../support/network.ts";
import { stage } from "../../support/run-worker.ts";
import { createSts, type Sts, type StsRole } from "../../support/sts/sts.ts";

type Played = {
  /** What is broken besides. */
  readonly before?: (world: World) => void;
  readonly broken: (world: World) => void;
  readonly done: (remedy: Remedy, world: World) => void;
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
  done: (remedy) => remedy.sets(`${MEDIA}.${name}`, right),
});

/** A fault, and what is done of its remedy. */
const fault = (
  broken: (world: World) => void,
  part: string,
  repair: (world: World) => void = () => {},
): Played => ({ broken, done: (remedy, world) => remedy.does(part, () => repair(world)) });
/** A fault whose remedy is a command, which deploys. */
const deployed = (
  broken: (world: World) => void,
  command: string,
  repair?: (world: World) => void,
): Played => ({ broken, done: (remedy, world) => remedy.runs(command, () => repair?.(world)) });

/** Values that are changed, and changed back as a part of the remedy says. */
const changed = (tableIn: (world: World) => object, wrong: object, part: string): Played => {
  let before: object = {};
  return fault(
    (world) => {
      const values = Object.entries(tableIn(world)).filter(([name]) => name in wrong);
      before = Object.fromEntries(values);
      Object.assign(tableIn(world), wrong);
    },
    part,
    (world) => void Object.assign(tableIn(world), before),
  );
};
const worldOf = (wrong: Partial<World>, part: string) => changed((world) => world, wrong, part);
const edgeOf = (wrong: Partial<typeof stage.edge.switches>, part: string) =>
  changed(() => stage.edge.switches, wrong, part);
const s3Has = <T>(set: () => Set<T>, value: T, part: string): Played =>
  fault(
    () => void set().add(value),
    part,
    () => void set().delete(value),
  );
const s3Fault = (one: S3Fault, part: string) => s3Has(() => stage.s3.faults, one, part);
const s3Grant = (one: S3Grant, part: string) => s3Has(() => stage.s3.grants, one, part);

/** Something in front of the Worker, which the operator takes away. */
const inFront = (front: Change, part: string) => worldOf({ front }, part);
const original = () =>
  new HttpResponse(PICTURE.body.slice(), { headers: { "content-type": "image/jpeg" } });

/** A bucket whose renditions the Images binding makes. */
const bindImages = (world: World) => {
  both(world, { engine: "binding" });
  world.bindings = '[images]\nbinding = "IMAGES"';
  world.deployed["IMAGES"] = stage.edge.images;
};
const ARN = "arn:aws:iam::123456789012:role/vitrine";
const HOST_OF_SITE = new URL(SITE).host;

/** What the strict STS and IAM of a row have. */
type Account = { readonly sts: Sts; readonly allowed: string[] };
const trustsOf = (sub: string): StsRole => ({
  trusts: SITE,
  StringEquals: { [`${HOST_OF_SITE}:aud`]: "sts.amazonaws.com", [`${HOST_OF_SITE}:sub`]: sub },
});

/** A Worker that takes a role of a strict STS. Its sessions may get what the role's policy allows. */
const inAccount = (
  broken: (account: Account, world: World) => void,
  done: (remedy: Remedy, account: Account, world: World) => void,
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
          return isAllowed ? undefined : s3Error("AccessDenied", 403);
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
    done: (remedy, world) => {
      if (account === undefined) throw new Error("it was not broken");
      done(remedy, account, world);
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
  url: RegExp,
  answer: (request: Pick<Request, "url" | "headers">) => Response | undefined,
  done: (remedy: Remedy, repair: () => void) => void,
  before: () => void = () => {},
): Played => ({
  before,
  broken: () =>
    network.use(http.get(url, ({ request }) => (isWrong ? answer(request) : undefined))),
  done: (remedy) =>
    done(remedy, () => {
      isWrong = false;
    }),
});
function secret(name: string, wrong: string, right: string): Played {
  return {
    broken: (world) => {
      world.secrets[name] = wrong;
    },
    done: (remedy) => remedy.puts(name, right),
  };
}

const mayList = () => void stage.s3.faults.delete("no-list-bucket");

/** The first row of each check has its name; others say more. */
const FAULTS = {
  reachable: {
    ...s3Fault("reset", "see the provider's status page"),
    before: skipPauses,
  },
  endpoint: {
    ...setting("endpoint", "https://web.example", `https://${HOST}`, { addressing: "path" }),
    before: () =>
      network.use(http.all("https://web.example/*", () => new HttpResponse("<h1>Hello</h1>"))),
  },
  clock: worldOf({ ahead: 1200 }, "timedatectl set-ntp true"),
  region: {
    broken: (world) =>
      both(world, { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" }),
    done: (remedy) => {
      remedy.does('in BUCKETS.media of wrangler.toml, set region = "eu-west-1"', () => {});
      remedy.sets(`${MEDIA}.region`, "eu-west-1");
      remedy.sets(`${MEDIA}.endpoint`, `https://${HOST}`);
    },
  },
  bucket: setting("bucket", "acme-medias", "acme-media"),
  busy: s3Fault("SlowDown", "wait a minute"),
  account: at(
    /amazonaws/,
    () => s3Error("AccountProblem", 403),
    (remedy, repair) => remedy.does("look AccountProblem up at the provider", repair),
  ),
  signing: {
    broken: (world) => {
      for (const vars of [world.toml, world.deployed])
        vars["ROUTES"] = [{ ...ROUTE, signed: true }];
      world.samples = [];
      world.shell["URL_SIGNING_KEYS"] = '{"s1":"a-signing-key-of-another-environment"}';
    },
    done: (remedy, world) =>
      remedy.does("take the Worker's URL_SIGNING_KEYS", () => {
        delete world.shell["URL_SIGNING_KEYS"];
      }),
  },
  public: s3Grant("all-read", "aws s3api put-public-access-block --bucket acme-media"),
  keys: worldOf(
    { args: [], shell: { AWS_SECRET_ACCESS_KEY: undefined } },
    "remove all secrets of slot current there",
  ),
  "keys: half a slot of the Worker": {
    broken: (world) => {
      stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
      Object.assign(world.secrets, NEXT, { AWS_SECRET_ACCESS_KEY: undefined });
    },
    done: (remedy) => remedy.puts("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secretAccessKey),
  },
  "key-id": secret("AWS_ACCESS_KEY_ID", "AKIAREVOKEDREVOKED00", CREDENTIALS.accessKeyId),
  secret: secret(
    "AWS_SECRET_ACCESS_KEY",
    NEXT_CREDENTIALS.secretAccessKey,
    CREDENTIALS.secretAccessKey,
  ),
  list: fault(
    (world) => {
      const nothing = async () => null;
      const store = { head: nothing, get: nothing, put: nothing, delete: async () => {} };
      const RENDITIONS = { ...store, list: async () => ({ objects: [], truncated: false }) };
      for (const vars of [world.toml, world.deployed]) vars["ANSWERS"] = { store: "RENDITIONS" };
      world.bindings = '[[r2_buckets]]\nbinding = "RENDITIONS"';
      world.deployed["RENDITIONS"] = RENDITIONS;
    },
    "must allow s3:ListBucket on arn:aws:s3:::acme-media",
    mayList,
  ),
  prefix: { ...setting("prefix", "publishd/", "published/"), before: mayList },
  sample: setting("prefix", "drafts/", "published/"),
  parameter: at(
    /amazonaws/,
    ({ url }) => (url.includes("x-vitrine=") ? s3Error("InvalidArgument", 400) : undefined),
    (remedy) => remedy.sets(`${MEDIA}.source_parameter`, false),
  ),
  configuration: {
    broken: (world) => {
      world.secrets["AWS_SESSION_TOKEN"] = "a-token-of-a-session";
    },
    done: (remedy) => {
      remedy.takesOut("AWS_SESSION_TOKEN");
    },
  },
  deployed: inFront(
    () => new HttpResponse("Not found", { status: 404 }),
    "make sure that no rule of the zone is in front",
  ),
  health: worldOf(
    { shell: { HEALTH_TOKEN: "the token of another environment" } },
    "correct HEALTH_TOKEN on this machine",
  ),
  image: inFront(
    onImages(() => new HttpResponse("no", { status: 418 })),
    "make sure that no rule, snippet or other Worker is in front",
  ),
  formats: inFront(
    withHeader("content-type", "image/gif"),
    "turn off what ignores the vary header",
  ),
  cache: deployed((world) => {
    world.toml["ANSWERS"] = { max_age: 60, timeout: 15 };
  }, "npx vitrine deploy if max_age has changed"),
  originals: inFront(onImages(original), "npx wrangler deployments list"),
  transformations: edgeOf({ transformations: false }, "then Enable"),
  sources: {
    broken: () => {
      stage.edge.switches.sources = [];
    },
    done: (remedy) => {
      const [, entry = ""] = /Sources: add the origin (\S+) \(domain/.exec(remedy.text) ?? [];
      stage.edge.switches.sources = [entry];
    },
  },
  quota: edgeOf({ quota: 0 }, "use a paid plan"),
  edge: { ...setting("canary", "nothing.jpg", "key.jpg"), before: mayList },
  "workers-cache": changed(() => stage.cache.switches, { enabled: false }, "deploy, if [cache]"),
  "side-door": {
    broken: (world) => {
      both(world, { addressing: "path" });
      Object.assign(stage.edge.switches, { firewall: false, sources: [HOST] });
    },
    done: (remedy) => {
      const [, entry = ""] = /replace every wider entry by (\S+)/.exec(remedy.text) ?? [];
      stage.edge.switches.sources = [entry];
      remedy.does("the action Block", block);
    },
  },
  "side-door: of what Vitrine serves": fault(
    (world) => {
      both(world, { source_parameter: false });
      Object.assign(stage.edge.switches, { firewall: false, keptForAll: true });
    },
    "the action Block",
    block,
  ),
  r2: inFront(reporting({ slots: [], r2: "unreachable" }), "wait a minute"),
  binding: { ...edgeOf({ bindingAllowed: false }, "switch Images on"), before: bindImages },
  issuer: inAccount(
    (_account, world) => {
      world.front = (answer, { path }) =>
        path.startsWith("/.well-known/") ? new HttpResponse("challenge", { status: 403 }) : answer;
    },
    (remedy, _account, world) =>
      remedy.does("without a firewall in front", () => {
        world.front = undefined;
      }),
  ),
  role: inAccount(
    ({ sts }) => {
      sts.roles.set(ARN, trustsOf("another subject"));
    },
    (remedy, { sts }) => {
      const { Principal, Condition } = policyIn(remedy.text);
      const trusts = `https://${Principal.Federated.replace(/^.*oidc-provider\//, "")}`;
      remedy.does("compare the role's trust policy", () => {
        sts.roles.set(ARN, { trusts, StringEquals: Condition.StringEquals });
      });
    },
  ),
  "role-rights": inAccount(
    ({ allowed }) => void allowed.splice(0, 1, "acme-media/other/*"),
    (remedy, { allowed }) =>
      remedy.does("the role needs this policy", () => {
        allowed.push(policyIn(remedy.text).Resource.replace("arn:aws:s3:::", ""));
      }),
  ),
} as const satisfies Record<Exclude<Check, "store">, Played> &
  Record<`${Check}: ${string}`, Played>;

function block(): void {
  stage.edge.switches.firewall = true;
}

afterEach(() => {
  isWrong = true;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What else is wrong in a world, or what its fault looks like from the other side. */
const ALSO: Readonly<Record<string, readonly Check[]>> = {
  endpoint: ["reachable"],
  prefix: ["sample"],

  cache: ["deployed"],
  edge: ["sample"],
  "side-door: of what Vitrine serves": ["configuration"],
  issuer: ["role"],
  "role-rights": ["sample"],
};

const ROWS = Object.entries<Played>(FAULTS);

test.each(ROWS)("%s: it is named, and its remedy fixes the site", async (title, row) => {
  const [check] = title.split(":");
  const world = beginWorld();
  row.before?.(world);
  row.broken(world);
  await fetchSamples(world);
  const findings = await consult(world);
  const isWrong = ({ severity }: Finding) => severity === "error" || severity === "warning";
  const causes = findings.filter(
    (one) => isWrong(one) && !one.remedy?.startsWith("fix that first"),
  );
  expect(new Set(causes.map((one) => one.check))).toEqual(
    new Set<unknown>([check, ...(ALSO[title] ?? [])]),
  );
  const finding = causes.find((one) => one.check === check);
  if (finding === undefined) throw new Error(`the doctor does not find ${check}`);
  row.done(readRemedy(world, finding), world);
  const after = await fetchSamples(world);
  const images = Object.fromEntries(world.samples.map((path) => [path, "200 image"]));
  expect(after).toEqual(images);
  const isStill = (one: Finding) =>
    isWrong(one) && one.check === check && one.seen === finding.seen;
  expect((await consult(world)).filter(isStill)).toEqual([]);
});

const nothing = () => {};
test.each<[string, Played]>([
  ["the edge, and keys", fault(nothing, "")],
  ["the Images binding", fault(bindImages, "")],
  ["a role of AWS", inAccount(nothing, nothing)],
])("where all is well with %s, nothing is found", async (_title, { broken }) => {
  const world = beginWorld();
  broken(world);
  const findings = await consult(world);
  const isFine = ({ severity }: Finding) => severity === "ok" || severity === "note";
  expect(findings.filter((one) => !isFine(one))).toEqual([]);
  expect(findings.some(({ check }) => check === "image")).toBe(true);
});
