// Broken states of the image edge, of what is in front of the Worker, of its caches, of a role, and of the local run.

import { HttpResponse, http } from "msw";
import { onImages, withHeader } from "../../../support/cli/doctor.ts";
import { serveLogin, TOKEN } from "../../../support/cli/login.ts";
import { S3_HOST } from "../../../support/cli/provider.ts";
import {
  addQueue,
  addSecondBucket,
  addZone,
  consult,
  fetchSamples,
  obeyZone,
  redirectTo,
  setBoth,
  setVars,
  URLS,
  WARM,
  type World,
} from "../../../support/cli/remedy-world.ts";
import type { Zone } from "../../../support/cloudflare/zone.ts";
import { file, network } from "../../../support/emulators.ts";
import { EC_KEY } from "../../../support/issuer.ts";
import { get, stage, wait } from "../../../support/run-worker.ts";
import { createSts } from "../../../support/sts/sts.ts";
import type { State } from "./state.ts";

const CHALLENGE = { "cf-mitigated": "challenge", "content-type": "text/html" };
const challenge = () => new HttpResponse("<h1>Checking</h1>", { status: 403, headers: CHALLENGE });

export const SITE: readonly State[] = [
  {
    title: "Sources lacks the bucket, after the first deploy",
    isFirst: true,
    broken: () => {
      stage.edge.switches.sources = [];
    },
    cause: ["sources", /9401/],
  },
  {
    title: "Sources lacks the bucket, and pictures are stored",
    isLong: true,
    broken: () => {
      stage.edge.switches.sources = [];
    },
    cause: ["sources", /9401/],
  },
  {
    title: "Sources lacks the bucket, and pictures are stored for modern browsers alone",
    isLong: true,
    isFirst: true,
    broken: async (world) => {
      await fetchSamples(world, [WARM]);
      stage.edge.switches.sources = [];
    },
    cause: ["sources", /9401/],
  },
  {
    title: "transformations are off, after the first deploy",
    isFirst: true,
    broken: () => {
      stage.edge.switches.transformations = false;
    },
    cause: ["transformations", /off|originals/],
  },
  {
    title: "transformations are off, and pictures are stored",
    isLong: true,
    broken: () => {
      stage.edge.switches.transformations = false;
    },
    cause: ["transformations", /off|originals/],
  },
  {
    title: "the quota of the month is spent",
    isFirst: true,
    broken: () => {
      stage.edge.switches.quota = 0;
    },
    cause: ["quota", /no unique transformation is left|quota/],
  },
  {
    title: "the edge has an error of its own",
    isLong: true,
    broken: (world) => {
      stage.edge.switches.failure = { code: 9522, status: 503 };
      world.passes = () => {
        stage.edge.switches.failure = undefined;
      };
    },
    cause: ["edge", /9522/],
  },
  {
    title: "the account may not use the Images binding",
    begin: bindImages,
    isFirst: true,
    broken: () => {
      stage.edge.switches.bindingAllowed = false;
    },
    cause: ["binding", /9430/],
  },
  {
    title: "the zone is read, and its Sources lacks the bucket",
    isLong: true,
    isFirst: true,
    begin: addZone,
    broken: breakZone({ sources: "cdn.example" }),
    cause: ["sources", /Sources lacks acme-media/],
  },
  {
    title: "the zone is read, and transformations are off",
    isLong: true,
    isFirst: true,
    begin: addZone,
    broken: breakZone({ transformations: "off" }),
    cause: ["transformations", /transformations are off/],
  },
  {
    title: "the zone is read, and no rule shuts its side door",
    isLong: true,
    begin: addZone,
    broken: (world) => {
      breakZone({ ruleset: undefined })(world);
      stage.edge.switches.urlInterfaceShowsPrivate = false;
    },
    cause: ["zone", /no rule of images.example/],
  },
  {
    title: "the zone is read, and its side door is open",
    isLong: true,
    begin: async (world) => {
      setBoth(world, { addressing: "path" });
      await addZone(world);
    },
    broken: breakZone({ ruleset: undefined, sources: S3_HOST }),
    cause: ["side-door", /anyone can have.*no rule of images.example/],
  },
  {
    title: "the side door is open",
    begin: (world) => setBoth(world, { addressing: "path" }),
    broken: () => {
      Object.assign(stage.edge.switches, { firewall: false, sources: [S3_HOST] });
    },
    cause: ["side-door", /anyone can have/],
  },
  {
    title: "the queue of events is gone",
    begin: addQueue,
    broken: ({ queues }) => void queues?.queues.delete("acme-events"),
    cause: ["events", /no queue of that name/],
  },
  {
    title: "nothing is deployed at the domain",
    isFirst: true,
    broken: (world) => {
      world.front = () => new HttpResponse("Not found", { status: 404 });
    },
    cause: ["deployed", /no Vitrine/],
  },
  {
    title: "the domain has no address",
    isLong: true,
    isFirst: true,
    broken: (world) => {
      world.front = () => HttpResponse.error();
    },
    cause: ["deployed", /no answer|no Vitrine/],
  },
  {
    title: "a challenge is in front of everything",
    isLong: true,
    broken: (world) => {
      world.front = challenge;
    },
    cause: ["deployed|image", /403/],
  },
  {
    title: "a challenge is in front of the pictures",
    isLong: true,
    broken: (world) => {
      world.front = onImages(challenge);
    },
    cause: ["image", /403/],
  },
  {
    title: "a rule redirects the pictures",
    isLong: true,
    broken: (world) => {
      world.front = onImages(() => redirectTo("https://www.example/"));
    },
    cause: ["image", /302/],
  },
  {
    title: "a rule redirects the whole domain",
    isLong: true,
    broken: (world) => {
      world.front = () => redirectTo("https://www.example/");
    },
    cause: ["deployed|image", /302/],
  },
  {
    title: "something in front ignores the format",
    isLong: true,
    broken: (world) => {
      world.front = withHeader("content-type", "image/gif");
    },
    cause: ["formats", /image\/gif/],
  },
  {
    title: "a zone's setting shortens max-age",
    isLong: true,
    broken: (world) => {
      world.front = withHeader("cache-control", "public, max-age=30");
    },
    cause: ["cache", /max-age=30/],
  },
  {
    title: "another Worker shows the originals",
    isLong: true,
    broken: (world) => {
      const headers = { "content-type": "image/jpeg" };
      world.front = onImages(() => new HttpResponse(file("made/key.jpg").slice(), { headers }));
    },
    cause: ["originals|image", /original/],
  },
  {
    title: "Workers Cache is off",
    broken: () => {
      stage.cache.switches.enabled = false;
    },
    cause: ["workers-cache", /miss|direct|stored/],
  },
  {
    title: "max_age was changed, and not deployed",
    isLong: true,
    broken: ({ environments }) => {
      environments.production.deployed["ANSWERS"] = {
        ...Object(environments.production.deployed["ANSWERS"]),
        max_age: 60,
      };
    },
    cause: ["deployed|cache", /not deployed|max-age=60/],
  },
  {
    title: "the object of a fallback is missing",
    begin: (world) => {
      const fallback = "media/photos/fig.jpg";
      const route = { path: "/images/:preset/*", object: "media/*", fallback };
      setVars(world, { ROUTES: [route] });
    },
    broken: ({ environments }) => {
      const [route] = [environments.production.deployed["ROUTES"]].flat();
      Object.assign(Object(route), { fallback: "media/nothing.png" });
    },
    cause: ["deployed|fallback", /not deployed|fallback/],
  },
  {
    title: "a denial that is over is still kept",
    begin: (world) => {
      world.samples = ["/images/card/key.jpg"];
    },
    isFirst: true,
    broken: async (world) => {
      world.account.denying.add("acme-media");
      await consult(world);
      world.account.denying.clear();
      world.isHurried = true;
      wait(10);
    },
    cause: ["image", /keeps such an answer|kept/],
  },
  {
    title: "BUCKETS of .dev.vars is wrong in the local run",
    begin: (world) => runLocally(world, "acme-media"),
    isFirst: true,
    broken: (world) => runLocally(world, "acme-medias"),
    cause: ["bucket", /no bucket "acme-medias"/],
  },
  {
    title: "the role's provider is missing",
    begin: takeRole,
    isFirst: true,
    broken: ({ sts }) => void sts?.providers.clear(),
    cause: ["role", /InvalidIdentityToken/],
  },
  {
    title: "the role's provider has another audience",
    isLong: true,
    begin: takeRole,
    isFirst: true,
    broken: ({ sts }) => void sts?.providers.set(URLS.production, { clientIds: ["another"] }),
    cause: ["role", /InvalidIdentityToken/],
  },
  {
    title: "the role trusts another subject",
    begin: takeRole,
    isFirst: true,
    broken: ({ sts }) => void sts?.roles.set(ARN, trustsOf("another subject")),
    cause: ["role", /AccessDenied/],
  },
  {
    title: "STS is off in the region",
    begin: takeRole,
    isFirst: true,
    broken: ({ sts }) => void sts?.faults.add("RegionDisabledException"),
    cause: ["role", /RegionDisabledException/],
  },
  {
    title: "STS is down",
    isLong: true,
    isOutage: true,
    begin: takeRole,
    isFirst: true,
    broken: (world) => {
      world.sts?.faults.add("ServiceUnavailable");
      world.passes = () => world.sts?.faults.clear();
      world.provider = world.passes;
    },
    cause: ["role", /ServiceUnavailable|STS/],
  },
  {
    title: "the role may not read the bucket",
    begin: takeRole,
    isFirst: true,
    broken: ({ account }) => {
      const role = account.users.find(({ name }) => name === "role");
      if (role)
        role.policy = role.policy.filter(({ actions }) => actions.includes("s3:ListBucket"));
    },
    cause: ["role-rights|role", /AccessDenied/],
  },
  {
    title: "the bucket's own policy denies the role",
    isLong: true,
    begin: takeRole,
    isFirst: true,
    broken: ({ account }) => void account.denying.add("acme-media"),
    cause: ["role-rights|role", /AccessDenied/],
  },
  {
    title: "a role may not list, and there is a store",
    isLong: true,
    begin: takeRole,
    broken: ({ account }) => {
      const role = account.users.find(({ name }) => name === "role");
      if (role) role.policy = role.policy.filter(({ actions }) => actions.includes("s3:GetObject"));
    },
    cause: ["list", /may not list/],
  },
  {
    title: "a challenge is in front of the issuer",
    isLong: true,
    begin: takeRole,
    isFirst: true,
    broken: (world) => {
      world.front = (answer, { path }) => (path.startsWith("/.well-known/") ? challenge() : answer);
    },
    cause: ["issuer", /403/],
  },
  {
    title: "the issuer's key on the Worker cannot be read",
    begin: takeRole,
    isFirst: true,
    broken: ({ environments }) => {
      environments.production.secrets["OIDC_SIGNING_KEY"] = EC_KEY.slice(0, 60);
    },
    cause: ["issuer|role|configuration|deployed", /OIDC_SIGNING_KEY|public key|500/],
  },
  {
    title: "the issuer of tokens is spelt without its last slash",
    begin: addTokenRoute,
    broken: (world) => {
      const [open, users] = routesOf(world);
      const issuer = TOKEN.issuer.slice(0, -1);
      setVars(world, { ROUTES: [open, { ...users, token: { ...TOKEN, issuer } }] });
    },
    cause: ["token", /has a slash at its end/],
  },
  {
    title: "the Worker that runs asks for no token",
    isLong: true,
    begin: addTokenRoute,
    broken: (world) => {
      const [open, { token: _token, ...users }] = routesOf(world);
      world.environments.production.deployed["ROUTES"] = [open, users];
    },
    cause: ["token", /a picture for somebody without a token/],
  },
];

/** Changes the zone of production, and has the edge follow it. */
function breakZone(settings: Partial<Zone>): (world: World) => void {
  return ({ zone }) => {
    if (zone === undefined) throw new Error("the zone is not known");
    Object.assign(zone, settings);
    obeyZone(zone);
  };
}

/** The routes of production: an open one, and one that tokens open. */
function routesOf({ environments }: World) {
  const [open, users] = [environments.production.toml["ROUTES"]].flat().map(Object);
  return [open, users];
}

/** Gives production a bucket of its users, each of whom sees their own pictures. */
function addTokenRoute(world: World): void {
  serveLogin();
  addSecondBucket(world, "users", ["alice/a.jpg"]);
  setBoth(world, { canary: "alice/a.jpg" }, "users");
  const [open] = routesOf(world);
  const users = { path: "/users/:user/:preset/*", object: "users/:user/*", token: TOKEN };
  setVars(world, { ROUTES: [open, users] });
}

/** Production has the Images binding make its renditions. */
function bindImages(world: World): void {
  const { production } = world.environments;
  setBoth(world, { engine: "binding" });
  production.tables = { ...production.tables, images: { binding: "IMAGES" } };
  production.bound = { ...production.bound, IMAGES: stage.edge.images };
}

const ARN = "arn:aws:iam::123456789012:role/vitrine";
const HOST = new URL(URLS.production).host;

const trustsOf = (subject: string) => ({
  trusts: URLS.production,
  StringEquals: { [`${HOST}:aud`]: "sts.amazonaws.com", [`${HOST}:sub`]: subject },
});

/** Production takes a role of AWS in place of a key. What the role may do is a policy as any user's. */
function takeRole(world: World): void {
  const { account, environments, files } = world;
  const { production } = environments;
  bindImages(world);
  setBoth(world, { role: ARN });
  setVars(world, { OIDC: { issuer: URLS.production } });
  production.listed = ["OIDC_SIGNING_KEY"];
  for (const secrets of [production.secrets, files["production.env"] ?? {}]) {
    delete secrets["AWS_ACCESS_KEY_ID"];
    delete secrets["AWS_SECRET_ACCESS_KEY"];
    secrets["OIDC_SIGNING_KEY"] = EC_KEY;
  }
  const sts = createSts({
    fetch: (input) => fetch(`${input}`),
    providers: { [URLS.production]: { clientIds: ["sts.amazonaws.com"] } },
    roles: { [ARN]: trustsOf("vitrine") },
  });
  world.sts = sts;
  const [user] = account.users;
  const keys = new Map<string, string>();
  account.users.push({ name: "role", keys, policy: user?.policy ?? [] });
  network.use(
    http.all("https://sts.eu-west-1.amazonaws.com/*", async ({ request }) => {
      const { url, method, headers } = request;
      const body = await request.text();
      const answer = await sts.fetch(url, { method, headers, body }).catch(() => undefined);
      for (const [id, session] of sts.sessions) {
        stage.sessions.set(id, session);
        keys.set(id, session.secretAccessKey);
      }
      return answer ?? HttpResponse.error();
    }),
  );
}

/** The local run of production has a bucket of .dev.vars. Its own Worker answers on this machine. */
function runLocally(world: World, bucket: string): void {
  const { production } = world.environments;
  const { media } = Object(production.toml["BUCKETS"]);
  const buckets = JSON.stringify({ media: { ...media, bucket } });
  world.devVars = { ...production.secrets, BUCKETS: buckets };
  world.args = ["--env", "production", "--url", URLS.local];
  world.shell = {};
  world.samples = [`${URLS.local}/images/card/key.jpg`];
  network.use(
    http.all(`${URLS.local}/*`, async ({ request }) => {
      const { url, method, headers } = request;
      const { BUCKETS: _buckets, ...vars } = production.deployed;
      const env = { ...vars, ...production.bound, ...world.devVars };
      return get(url, { method, headers }, env);
    }),
  );
}
