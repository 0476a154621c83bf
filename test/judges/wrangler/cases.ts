// What Workers do with cf.image, the Images binding and R2: a case each, with the reason where wrangler's own parts and
// our emulators differ. It is also the Worker that wrangler runs: `/?case=3` runs that case.

import { AwsV4Signer } from "aws4fetch";
import type { Switches } from "../../../src/emulator/edge/switches.ts";
import OPTIONS from "./options.json" with { type: "json" };

/** The key of a session, which S3 takes with this token alone. */
export const SESSION = { accessKeyId: "ASIAEXAMPLE", sessionToken: "a token" };

/** PRIVATE is an object in S3, OPEN the address of pictures that need no key, with a slash at its end. */
export type Env = {
  readonly PRIVATE: string;
  readonly OPEN: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly IMAGES: ImagesBinding;
  readonly BUCKET: R2Bucket;
};

export type Case = {
  /** What "a Worker that" does: `asks for`. Cases of one kind that end alike share a row. */
  readonly does: string;
  readonly title: string;
  /** Why the outcomes differ, with the rule. Undefined: they must not. */
  readonly reason?: string | undefined;
  /** The state of our edge, if it is not the strict one. */
  readonly state?: Partial<Switches>;
  readonly run: (env: Env) => Promise<Response>;
};

/** Calls a method also with what its types refuse. */
const call = <Name extends string>(
  object: Readonly<Record<Name, (...values: never[]) => unknown>>,
  name: Name,
  ...values: unknown[]
) => Reflect.apply(object[name], object, values);

const code = (value: object) =>
  `\`${JSON.stringify(value)
    .slice(1, -1)
    .replace(/"(\w+)":/g, "$1: ")
    .replaceAll(",", ", ")}\``;

function titleOf(options: object, source: string): string {
  if (source === SEA) return code(options);
  return Object.keys(options).length > 0 ? `${code(options)} of \`${source}\`` : `\`${source}\``;
}

const open = async ({ OPEN }: Env, source: string) => (await fetch(new URL(source, OPEN))).body;
const SEA = "sea.jpg";
const WEBP = { format: "image/webp" };

/** Asks for the private object. @param signing what is signed, and how */
const s3 = (title: string, reason: string, image: object, signing: object = {}, state = {}) => ({
  ...{ does: "", title, reason, state },
  run: async ({ PRIVATE: url, accessKeyId, secretAccessKey }: Env) => {
    const key = { accessKeyId, secretAccessKey, service: "s3", region: "eu-west-1" };
    const signed = await new AwsV4Signer({ url, ...key, ...signing }).sign();
    return fetch(signed.url, { headers: signed.headers, cf: { image: { width: 80, ...image } } });
  },
});
const SHARED = { "origin-auth": "share-publicly" };
const TOKEN = { "x-amz-security-token": SESSION.sessionToken };

const edgeCases = OPTIONS.edge.flatMap(({ reason, source = SEA, options }) =>
  options.map((image: object): Case => {
    const cf = { image: { width: 80, ...image } };
    const run: Case["run"] = ({ OPEN }) => fetch(new URL(source, OPEN), { cf });
    return { does: "asks for", title: titleOf(image, source), reason, run };
  }),
);

const imagesCases = OPTIONS.images.flatMap(({ reason, source = SEA, steps = [{}], outputs }) =>
  steps.flatMap((step) =>
    (outputs ?? [WEBP]).map((output): Case => {
      const run: Case["run"] = async (env) => {
        const chain = call(env.IMAGES, "input", await open(env, source));
        call(chain, "transform", { width: 80, ...step });
        return (await call(chain, "output", output)).response();
      };
      const title = titleOf(outputs ? output : step, source);
      return { does: "asks `IMAGES` for", title, reason, run };
    }),
  ),
);

const facts = (reason: string | undefined, source: string): Case => ({
  ...{ does: "asks `IMAGES` for", title: `facts of \`${source}\``, reason },
  run: async (env) => Response.json(await call(env.IMAGES, "info", await open(env, source))),
});

/** Calls R2 as it refuses. What it takes: test/emulator/r2/store.test.ts. */
const r2 = (reason: string, title: string, run: (r2: R2Bucket) => unknown): Case => ({
  ...{ does: "lets R2", title, reason },
  run: async ({ BUCKET }) => Response.json((await run(BUCKET)) ?? null),
});

const many = (count: number) => Array.from({ length: count }, (_, at) => `key-${at}`);
const STATES = "in some states (R2)";
const BILLED = "each new URL is billed, up to a quota (C2, L2)";
const READABLE = ["sea.jpg", "turned.jpg", "moves.gif", "logo.svg"];

export const CASES: readonly Case[] = [
  s3('leaves out `"origin-auth"`', "the edge drops the signature (E2)", {}),
  s3("signs `accept`", "the edge sends its own (E3)", SHARED, { headers: { accept: "*/*" } }),
  s3("sends `x-amz-security-token`", "the edge drops it (E1, A11)", SHARED, {
    ...{ headers: TOKEN, accessKeyId: SESSION.accessKeyId },
  }),
  s3("passes on what comes", STATES, SHARED, {}, { transformations: false }),
  s3("presigns the URL for S3", BILLED, {}, { signQuery: true }, { quota: 0 }),
  ...edgeCases,
  ...imagesCases,
  ...[...READABLE, "sea.tiff", "text.jpg"].map((source) => facts(undefined, source)),
  facts("over 20 MB (B1)", "20MB.jpg"),
  {
    ...{ does: "draws by `IMAGES`", title: "at `left` and `right`", reason: "one of them (B5)" },
    run: async (env) => {
      const chain = call(env.IMAGES, "input", await open(env, SEA));
      call(chain, "draw", await open(env, SEA), { left: 0, right: 0 });
      return (await call(chain, "output", WEBP)).response();
    },
  },
  r2("1 to 1,000 (T4)", "delete 1,001 keys", (bucket) => bucket.delete(many(1001))),
  r2("1 to 1,000 (T4)", "delete no key", (bucket) => bucket.delete([])),
  r2("one a second (T3)", "put a key twice at once", async (bucket) => {
    for (const value of ["one", "two"]) await bucket.put("twice", value);
  }),
  r2("not in production, but in Node.js (T2)", "put the body of a `Response`", async (bucket) => {
    await bucket.put("body", new Response("abc").body);
  }),
  r2("not in production: it is not played", "list with `include`", async (bucket) => {
    await bucket.list({ include: ["customMetadata"] });
  }),
];

/** Runs a case. What it throws is in the header x-refused: its number, or its name. */
export async function respond({ run }: Case, env: Env): Promise<Response> {
  try {
    return await run(env);
  } catch (error) {
    const { code = undefined, message = "", name = "" } = Object(error);
    const [, number = name] = /\((\d{5})\)$/.exec(message) ?? [];
    return new Response(null, { headers: { "x-refused": `${code ?? number}` } });
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    const requestedCase = CASES[Number(new URL(request.url).searchParams.get("case"))];
    return requestedCase ? respond(requestedCase, env) : new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env>;
