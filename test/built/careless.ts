// Workers as they are found in practice. Each has one fault that `wrangler dev` does not show.

import { AwsV4Signer } from "aws4fetch";

/** The bindings of a careless Worker: the bucket's URL, a user's keys, and a session's keys. */
type CarelessEnv = {
  readonly BASE: string;
  readonly ACCESS_KEY_ID: string;
  readonly SECRET_ACCESS_KEY: string;
  readonly SESSION_KEY_ID: string;
  readonly SESSION_TOKEN: string;
};

type Careless = (url: string, visitor: Request, env: CarelessEnv) => Promise<Response>;

const SIZE = { width: 160, height: 160, fit: "cover" } as const;
const SHARED = { ...SIZE, "origin-auth": "share-publicly" } as const;

function signer(url: string, env: CarelessEnv, more: { headers?: HeadersInit; signQuery?: true }) {
  const { ACCESS_KEY_ID: accessKeyId, SECRET_ACCESS_KEY: secretAccessKey } = env;
  const place = { url, service: "s3", region: "eu-west-1" };
  return new AwsV4Signer({ ...place, accessKeyId, secretAccessKey, ...more });
}

async function signed(url: string, env: CarelessEnv): Promise<Headers> {
  return (await signer(url, env, {}).sign()).headers;
}

export const CARELESS = {
  /** The edge sends its own `accept`, so the signature is wrong (E3). */
  "signs-accept": async (url, visitor, env) => {
    const headers = { accept: visitor.headers.get("accept") ?? "*/*" };
    const request = await signer(url, env, { headers }).sign();
    return fetch(url, { headers: request.headers, cf: { image: SHARED } });
  },
  /** The edge drops the session token (E1, A11). */
  "sends-a-session-token": async (url, _visitor, env) => {
    const headers = { "x-amz-security-token": env.SESSION_TOKEN };
    const session = { ...env, ACCESS_KEY_ID: env.SESSION_KEY_ID };
    const request = await signer(url, session, { headers }).sign();
    return fetch(url, { headers: request.headers, cf: { image: SHARED } });
  },
  /** Without `origin-auth` the edge drops the signature (E2). */
  "leaves-out-origin-auth": async (url, _visitor, env) =>
    fetch(url, { headers: await signed(url, env), cf: { image: SIZE } }),
  /** Workers cannot use this format, although one page of the documentation shows it (O6). */
  "asks-for-format-auto": async (url, visitor, env) => {
    const headers = await signed(url, env);
    headers.set("accept", visitor.headers.get("accept") ?? "*/*");
    const image: object = { ...SHARED, format: "auto" };
    return fetch(url, { headers, cf: { image } });
  },
  /** With transformations off, the edge answers with the original (R2). */
  "has-no-guard": async (url, _visitor, env) =>
    fetch(url, { headers: await signed(url, env), cf: { image: SHARED } }),
  /** Each second has another source URL, and so another transformation (C2, L2). */
  presigns: async (url, _visitor, env) => {
    const request = await signer(url, env, { signQuery: true }).sign();
    return fetch(request.url.href, { cf: { image: SIZE } });
  },
} as const satisfies Record<string, Careless>;

/** `/NAME/KEY` shows the object KEY as the Worker NAME does. */
export default {
  async fetch(request: Request, env: CarelessEnv): Promise<Response> {
    const [, name, ...key] = new URL(request.url).pathname.split("/");
    const careless = Object.entries(CARELESS).find(([known]) => known === name)?.[1];
    if (careless === undefined) return new Response("Not found\n", { status: 404 });
    return careless(env.BASE + key.join("/"), request, env);
  },
} satisfies ExportedHandler<CarelessEnv>;
