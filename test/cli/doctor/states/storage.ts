// Broken states of S3: settings, rights, objects, the provider, and the stores of R2.

import { HttpResponse, http } from "msw";
import { createR2 } from "../../../../src/emulator/r2/r2.ts";
import { connectionFault } from "../../../support/cli/provider.ts";
import {
  addSecondBucket,
  COLD,
  hurryTimers,
  mediaOf,
  setBoth,
  setVars,
  skipPauses,
  type World,
  withoutStore,
} from "../../../support/cli/remedy-world.ts";
import { file, network } from "../../../support/emulators.ts";
import { stage } from "../../../support/run-worker.ts";
import type { State } from "./state.ts";

const FRANKFURT = { region: "eu-central-1", endpoint: "https://s3.eu-central-1.amazonaws.com" };

function policyOf({ account }: World, ...actions: string[]): void {
  const [user] = account.users;
  if (user === undefined) throw new Error("the account has no user");
  user.policy = user.policy.filter(
    (statement) => !statement.actions.some((one) => actions.includes(one)),
  );
}

/** Takes the right to list from the key. */
const unlist = (world: World) => policyOf(world, "s3:ListBucket");

/** S3 has a fault until it passes, or until the provider is asked. */
function s3Fault(world: World, fault: Parameters<typeof stage.s3.faults.add>[0]): void {
  stage.s3.faults.add(fault);
  world.passes = () => void stage.s3.faults.delete(fault);
}

/** The provider refuses with a code until it is asked. */
function refuse(world: World, code: string, status = 403, isOf?: "objects"): void {
  world.account.fault = { code, status, ...(isOf && { isOf }) };
  world.provider = () => {
    world.account.fault = undefined;
  };
}

/** Another bucket follows in the route, which alone has some pictures. */
function addArchive(world: World): void {
  addSecondBucket(world, "archive", ["key.jpg", "old.jpg"]);
  setVars(world, {
    ROUTES: [{ path: "/images/:preset/*", object: ["media/*", "archive/*"] }],
  });
  world.samples.push("/images/card/old.jpg");
}

export const STORAGE: readonly State[] = [
  {
    title: "the region is wrong, after the first deploy",
    isFirst: true,
    broken: (world) => setBoth(world, FRANKFURT),
    cause: ["region", /is in eu-west-1, not in eu-central-1/],
  },
  {
    title: "the region is wrong, and the pictures are stored",
    isLong: true,
    broken: (world) => setBoth(world, FRANKFURT),
    cause: ["region", /is in eu-west-1, not in eu-central-1/],
  },
  {
    title: "the region is wrong, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: (world) => setBoth(world, FRANKFURT),
    cause: ["region", /is in eu-west-1, not in eu-central-1/],
  },
  {
    title: "the region is corrected in wrangler.toml, and not deployed",
    broken: ({ environments }) => {
      Object.assign(mediaOf(environments.production.deployed), FRANKFURT);
    },
    cause: ["deployed", /not deployed/],
  },
  {
    title: "the endpoint is a website",
    isFirst: true,
    broken: (world) => {
      setBoth(world, { endpoint: "https://web.example", addressing: "path" });
      network.use(http.all("https://web.example/*", () => new HttpResponse("<h1>Hello</h1>")));
    },
    cause: ["endpoint|reachable", /web\.example/],
  },
  {
    title: "the endpoint has no host",
    isLong: true,
    isFirst: true,
    begin: skipPauses,
    broken: (world) => {
      setBoth(world, { endpoint: "https://s3.eu-west-1.amazonaws.invalid", addressing: "path" });
      network.use(
        http.all("https://s3.eu-west-1.amazonaws.invalid/*", ({ request }) => {
          throw connectionFault("ENOTFOUND", new URL(request.url).host);
        }),
      );
    },
    cause: ["endpoint|reachable", /amazonaws\.invalid/],
  },
  {
    title: "the bucket is misspelt",
    isFirst: true,
    broken: (world) => setBoth(world, { bucket: "acme-medias" }),
    cause: ["bucket", /no bucket "acme-medias"/],
  },
  {
    title: "the bucket is misspelt, and nothing is at hand",
    isLong: true,
    atHand: "nothing",
    isFirst: true,
    broken: (world) => setBoth(world, { bucket: "acme-medias" }),
    cause: ["bucket", /no bucket "acme-medias"/],
  },
  {
    title: "the bucket was deleted at the provider",
    broken: (world) => {
      const { buckets } = world.account;
      buckets.delete("acme-media");
      world.provider = () => void buckets.set("acme-media", stage.s3);
    },
    cause: ["bucket", /no bucket "acme-media"/],
  },
  {
    title: "the prefix is misspelt, and the key may list",
    isLong: true,
    isFirst: true,
    broken: (world) => {
      const [user] = world.account.users;
      if (user) user.policy = user.policy.map((one) => ({ ...one, resources: ANYTHING }));
      setBoth(world, { prefix: "publishd/" });
    },
    cause: ["prefix|sample", /publishd/],
  },
  {
    title: "the prefix is misspelt, and the key may not list",
    isFirst: true,
    begin: (world) => {
      withoutStore(world);
      unlist(world);
    },
    broken: (world) => setBoth(world, { prefix: "publishd/" }),
    cause: ["sample|prefix", /publishd\/key\.jpg|publishd/],
  },
  {
    title: "the canary was deleted, and the key may list",
    broken: () => void stage.s3.objects.delete("published/key.jpg"),
    after: [COLD],
    cause: ["sample|edge|canary", /key\.jpg is (?:missing|not there)|does not have/],
  },
  {
    title: "the canary was deleted, and the key may not list",
    isLong: true,
    begin: (world) => {
      withoutStore(world);
      unlist(world);
    },
    broken: () => void stage.s3.objects.delete("published/key.jpg"),
    after: [COLD],
    cause: ["sample|canary", /missing|does not exist/],
  },
  {
    title: "the canary is misspelt",
    isLong: true,
    broken: (world) => setBoth(world, { canary: "kye.jpg" }),
    cause: ["sample|edge|canary", /kye\.jpg/],
  },
  {
    title: "the canary is no image",
    broken: () => {
      stage.s3.objects.set("published/key.jpg", {
        body: new TextEncoder().encode("no image"),
        type: "image/jpeg",
      });
    },
    after: [COLD],
    cause: ["sample|edge|canary", /no image/],
  },
  {
    title: "the canary is in an archive",
    broken: () => void stage.s3.faults.add("archived"),
    after: [COLD],
    cause: ["sample|canary", /archive/],
  },
  {
    title: "S3 is down, and pictures are stored",
    isOutage: true,
    begin: skipPauses,
    broken: (world) => s3Fault(world, "reset"),
    cause: ["reachable", /ECONNRESET|does not answer/],
  },
  {
    title: "S3 is down, and nothing is stored",
    isLong: true,
    isOutage: true,
    begin: (world) => {
      skipPauses();
      withoutStore(world);
    },
    isFirst: true,
    broken: (world) => s3Fault(world, "reset"),
    cause: ["reachable", /ECONNRESET|does not answer/],
  },
  {
    title: "S3 hangs",
    isLong: true,
    isOutage: true,
    broken: (world) => {
      const calm = hurryTimers();
      s3Fault(world, "stall");
      world.passes = () => {
        stage.s3.faults.delete("stall");
        calm();
      };
    },
    cause: ["reachable", /timeout|does not answer/],
  },
  {
    title: "S3 is busy",
    isOutage: true,
    broken: (world) => s3Fault(world, "SlowDown"),
    cause: ["busy", /SlowDown/],
  },
  {
    title: "S3 has errors of its own",
    isLong: true,
    isOutage: true,
    isFirst: true,
    broken: (world) => s3Fault(world, "InternalError"),
    cause: ["busy", /InternalError/],
  },
  {
    title: "the certificate of S3 has expired",
    isOutage: true,
    broken: (world) => {
      world.account.broken = "CERT_HAS_EXPIRED";
      world.passes = () => {
        world.account.broken = undefined;
      };
    },
    cause: ["reachable", /CERT_HAS_EXPIRED/],
  },
  {
    title: "the account is suspended",
    broken: (world) => refuse(world, "AccountProblem"),
    cause: ["sample|account|provider", /AccountProblem/],
  },
  {
    title: "the provider refuses with a code that nobody knows",
    isFirst: true,
    broken: (world) => refuse(world, "CapExceeded"),
    cause: ["sample|account|provider", /CapExceeded/],
  },
  {
    title: "the bucket is another account's",
    isLong: true,
    broken: (world) => refuse(world, "AllAccessDisabled"),
    cause: ["sample|account|provider", /AllAccessDisabled/],
  },
  {
    title: "the key of KMS is disabled",
    broken: (world) => refuse(world, "KMS.DisabledException", 400, "objects"),
    cause: ["sample|canary", /KMS\.DisabledException/],
  },
  {
    title: "the bucket's own policy denies the objects",
    isLong: true,
    broken: ({ account }) => void account.denying.add("acme-media"),
    cause: ["sample|canary", /denie[sd]|AccessDenied/],
  },
  {
    title: "the key's policy has no right to read",
    isLong: true,
    broken: (world) => policyOf(world, "s3:GetObject"),
    cause: ["sample|canary", /denie[sd]|may not read|AccessDenied/],
  },
  {
    title: "the key's policy has no right to read, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: (world) => policyOf(world, "s3:GetObject"),
    cause: ["sample|canary", /denie[sd]|may not read|AccessDenied/],
  },
  {
    title: "there is a store, and the key may not list",
    isLong: true,
    broken: unlist,
    cause: ["list", /may not list/],
  },
  {
    title: "there is a store, the key may not list, and the token alone is at hand",
    isLong: true,
    atHand: "token",
    broken: unlist,
    cause: ["list", /may not list/],
  },
  {
    title: "there is a store, the key may not list, and the Worker has no token",
    begin: (world) => {
      for (const secrets of [
        world.environments.production.secrets,
        world.files["production.env"],
      ]) {
        delete secrets?.["HEALTH_TOKEN"];
      }
    },
    broken: unlist,
    cause: ["list", /may not list/],
  },
  {
    title: "another bucket follows, and the key of the first one may not list",
    begin: addArchive,
    broken: unlist,
    cause: ["list", /may not list/],
  },
  {
    title: "the store's bucket was deleted",
    broken: ({ environments }) => void environments.production.store.faults.add("gone"),
    cause: ["store", /store/],
  },
  {
    title: "the store fails",
    isLong: true,
    isOutage: true,
    broken: (world) => {
      const { faults } = world.environments.production.store;
      faults.add("throws");
      world.passes = () => faults.clear();
    },
    cause: ["store", /store/],
  },
  {
    title: "anyone may read the bucket",
    broken: () => void stage.s3.grants.add("all-read"),
    cause: ["public", /anyone can download/],
  },
  {
    title: "anyone may list the bucket",
    isLong: true,
    broken: () => void stage.s3.grants.add("all-list"),
    cause: ["public", /anyone can list/],
  },
  {
    title: "S3 refuses x-vitrine",
    isFirst: true,
    broken: () => void stage.s3.faults.add("refuses-query"),
    cause: ["parameter|edge", /x-vitrine/],
    remaining: ["configuration"], // it warns of what this setting costs
  },
  {
    title: "the R2 bucket of a binding fails",
    isOutage: true,
    begin: bindR2,
    broken: (world) => {
      const { bound } = world.environments.production;
      const { faults } = Object(bound["MEDIA_BUCKET"]);
      faults.add("throws");
      world.passes = () => faults.clear();
    },
    cause: ["r2", /R2/],
  },
  {
    title: "no canary is set",
    isLong: true,
    broken: (world) => setBoth(world, { canary: undefined }),
    cause: ["sample|canary", /no image of this bucket is known|no canary/],
  },
];

const ANYTHING = ["arn:aws:s3:::acme-media/*", "arn:aws:s3:::acme-media"];

/** Production reads an R2 bucket by its binding. */
function bindR2(world: World): void {
  const { production } = world.environments;
  const picture = { body: file("made/key.jpg"), type: "image/jpeg" };
  const r2 = createR2({ "key.jpg": picture, "photos/fig.jpg": picture });
  setVars(world, { BUCKETS: { media: { binding: "MEDIA_BUCKET", canary: "key.jpg" } } });
  const { tables, bound } = production;
  const buckets = [
    ...[tables["r2_buckets"]].flat(),
    { binding: "MEDIA_BUCKET", bucket_name: "acme" },
  ];
  production.tables = { ...tables, r2_buckets: buckets, images: { binding: "IMAGES" } };
  production.bound = { ...bound, MEDIA_BUCKET: r2, IMAGES: stage.edge.images };
  production.listed = [];
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    delete production.secrets[name];
    delete world.files["production.env"]?.[name];
  }
}
