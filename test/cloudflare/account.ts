// What a run makes in an account of Cloudflare: finds it by its names, and deletes it. Touches no name but
// `vitrine-probe-` and 16 hex digits, with what wrangler appends for a bucket, or the zone for a domain.

import { createHash } from "node:crypto";
import { tableOf } from "../../src/worker/util/json.ts";
import type { Network } from "./network.ts";
import { signS3 } from "./sources.ts";

const NAME = "vitrine-probe-[0-9a-f]{16}";
const PATTERNS = {
  domain: new RegExp(`^${NAME}\\.[a-z0-9.-]+$`),
  worker: new RegExp(`^${NAME}$`),
  bucket: new RegExp(`^${NAME}-bucket$`), // wrangler names it after the Worker and the binding (T9)
};

/** Of 50 objects: more than the requests of a run can write. */
const MAX_PAGES = 200;

export type Account = {
  readonly id: string;
  readonly token: string;
  /** The URL of Cloudflare's API, without a slash at the end. */
  readonly api: string;
  readonly network: Network;
};

/** A thing in the account. The API finds a domain by its id, and the others by their names. */
export type Resource = {
  readonly kind: keyof typeof PATTERNS;
  readonly name: string;
  readonly id: string;
};

export type S3Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** The name of the second Worker of a run (E9): another last digit. */
export const otherName = (name: string): string =>
  name.replace(/.$/, (digit) => (Number.parseInt(digit, 16) ^ 1).toString(16));

/** An answer of the API, or why there is none. */
type Reply = {
  readonly status: number;
  /** Of the REST API. */
  readonly result: unknown;
  /** Of the GraphQL API. */
  readonly data: unknown;
  readonly message: string;
};

/** Calls the API. Never throws: without an answer, the status is 0. @param path of the account */
export async function callApi(account: Account, method: string, path: string): Promise<Reply> {
  return callUrl(account, method, `${account.api}/accounts/${account.id}${path}`);
}

/** Calls the API by a whole URL. @param body is sent as JSON */
export async function callUrl(
  { token, network }: Account,
  method: string,
  url: string,
  body?: object,
): Promise<Reply> {
  try {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(30_000);
    const json = body && { body: JSON.stringify(body) };
    const answer = await network.send(url, { method, headers, ...json, signal });
    const { result, data, errors } = tableOf(await answer.text());
    const first = Array.isArray(errors) ? tableOf(errors[0]) : {};
    const message = `${answer.status} ${first["code"] ?? ""} ${first["message"] ?? ""}`.trim();
    return { status: answer.status, result, data, message };
  } catch (error) {
    const { cause = error } = Object(error); // the error of fetch is "fetch failed", its cause has the reason
    const message = `${new URL(url).host} does not answer: ${cause}. Is the network there?`;
    return { status: 0, result: undefined, data: undefined, message };
  }
}

/** Says what is wrong with a reply that must be there. @throws if it is not 2xx */
function resultOf({ status, result, message }: Reply, failure: string): unknown {
  if (status < 200 || status > 299) throw new Error(`${failure}: ${message}`);
  return result;
}

/**
 * The keys of R2's S3 API that belong to the token: its id, and the SHA-256 of the token in hex.
 * https://developers.cloudflare.com/r2/api/tokens/#get-s3-api-credentials-from-an-api-token
 * @throws if the token is not active
 */
export async function readS3Keys(account: Account): Promise<S3Keys> {
  const ofUser = await callUrl(account, "GET", `${account.api}/user/tokens/verify`);
  const reply = ofUser.status === 200 ? ofUser : await callApi(account, "GET", "/tokens/verify");
  const { id, status } = tableOf(resultOf(reply, "the token cannot be verified"));
  if (typeof id !== "string" || status !== "active") throw new Error("the token is not active");
  const secretAccessKey = createHash("sha256").update(account.token).digest("hex");
  return { accessKeyId: id, secretAccessKey };
}

export const s3Endpoint = ({ id }: Account): string => `https://${id}.r2.cloudflarestorage.com`;

/** Lists what runs have made in the account, in the order of deletion. @throws if the account cannot be read */
export async function listResources(account: Account): Promise<Resource[]> {
  const domains = await callApi(account, "GET", "/workers/domains");
  const workers = await callApi(account, "GET", "/workers/scripts");
  const query = "/r2/buckets?name_contains=vitrine-probe-&per_page=1000";
  const buckets = tableOf(resultOf(await callApi(account, "GET", query), "R2 cannot be listed"));
  const resourcesIn = (
    kind: Resource["kind"],
    list: unknown,
    name: string,
    id: string,
  ): Resource[] =>
    (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
      const resource = { kind, name: `${tableOf(entry)[name]}`, id: `${tableOf(entry)[id]}` };
      return PATTERNS[kind].test(resource.name) ? [resource] : [];
    });
  return [
    ...resourcesIn("domain", resultOf(domains, "domains cannot be listed"), "hostname", "id"),
    ...resourcesIn("worker", resultOf(workers, "Workers cannot be listed"), "id", "id"),
    ...resourcesIn("bucket", buckets["buckets"], "name", "name"),
  ];
}

/** Deletes a resource. What is gone already counts as deleted. @returns why it is still there, or undefined */
export async function deleteResource(account: Account, { kind, name, id }: Resource) {
  if (!PATTERNS[kind].test(name)) return "its name is none of a run";
  const fault = kind === "bucket" ? await emptyBucket(account, name) : undefined;
  const path = {
    domain: `/workers/domains/${encodeURIComponent(id)}`,
    worker: `/workers/scripts/${name}?force=true`,
    bucket: `/r2/buckets/${name}`,
  }[kind];
  const { status, message } = await callApi(account, "DELETE", path);
  return (status >= 200 && status <= 299) || status === 404 ? undefined : (fault ?? message);
}

/** Deletes the objects of a bucket by R2's S3 API. @returns why some may be left, or undefined */
async function emptyBucket(account: Account, name: string): Promise<string | undefined> {
  try {
    const endpoint = s3Endpoint(account);
    const s3 = { ...(await readS3Keys(account)), endpoint, bucket: name, region: "auto" };
    const bucket = `${endpoint}/${name}`;
    const send = async (url: string, method: string) => {
      // `..` would lead out of the bucket, with rights for others.
      if (new URL(url).href !== url) throw new Error("a key is none of a run");
      const headers = await signS3({ s3, now: account.network.now }, url, method);
      const signal = AbortSignal.timeout(30_000);
      const answer = await account.network.send(url, { method, headers, signal });
      if (!answer.ok && answer.status !== 404) throw new Error(`${method}: ${answer.status}`);
      return answer.text();
    };
    for (let page = 0; page < MAX_PAGES; page++) {
      const list = await send(`${bucket}?list-type=2&encoding-type=url&max-keys=50`, "GET");
      const names = [...list.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = ""]) => key);
      const paths = names.map((key) => key.replaceAll("+", "%20").replaceAll("%2F", "/"));
      await Promise.all(paths.map((path) => send(`${bucket}/${path}`, "DELETE")));
      if (names.length === 0) return undefined;
    }
    return "its objects do not end";
  } catch (error) {
    return `its objects cannot be deleted: ${error}`;
  }
}
