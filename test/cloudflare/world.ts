// What probes are given in an account: the deployed Worker, its bucket and its zone, up to a number of requests.

import { tableOf } from "../../src/worker/base/json.ts";
import { type Account, callApi, callUrl, type S3Keys, s3Endpoint } from "./account.ts";
import { failedReply, type Operation, readReply, TOKEN_HEADER } from "./operation.ts";
import type { World } from "./probe.ts";

/** The most that a run sends. What is above it fails, so a run cannot cost more than it says. */
export const BUDGET = { requests: 3000, transformations: 150 };

export type Site = {
  readonly account: Account;
  readonly bucket: string;
  readonly keys: S3Keys;
  /** What opens the Worker. */
  readonly token: string;
  /** The hosts of the Worker: its custom domain, if it has one, and that of workers.dev. */
  readonly domain: string | undefined;
  readonly devHost: string;
  readonly run: string;
  readonly redeploy: () => Promise<void>;
  /** After it nothing is sent. */
  readonly signal: AbortSignal;
};

/** How long a new address or version may take until it answers everywhere. */
const READY_ATTEMPTS = 60;
const READY_PAUSE_MS = 3000;

/** @returns the world, and what was sent in it so far */
export function createWorld(site: Site): World & { readonly sent: typeof BUDGET } {
  const { account, bucket, keys, token, domain, devHost, run } = site;
  const { network } = account;
  const sent = { requests: 0, transformations: 0 };

  /** @throws if the run has ended, or has sent all that it may */
  function count(transformations: number): void {
    site.signal.throwIfAborted();
    sent.requests += 1;
    sent.transformations += transformations;
    if (sent.requests > BUDGET.requests || sent.transformations > BUDGET.transformations) {
      throw new Error("this run has sent as many requests as it may");
    }
  }

  const sendTo =
    (url: string): World["send"] =>
    async (operation) => {
      count(isTransformation(operation) ? 1 : 0);
      const headers = { [TOKEN_HEADER]: token };
      const init = { method: "POST", headers, body: JSON.stringify(operation) };
      const answer = await network.send(`${url}/`, init);
      if (answer.status === 200) return answer.json();
      return failedReply(new Error(`the Worker answered ${answer.status}`));
    };
  const devUrl = `https://${devHost}`;
  const url = domain === undefined ? devUrl : `https://${domain}`;
  return {
    ...{ url, run, sent, zone: domain, now: network.now, pause: network.pause },
    s3: { endpoint: s3Endpoint(account), bucket, region: "auto", ...keys },
    ...(domain !== undefined && { workersDev: { url: devUrl, send: sendTo(devUrl) } }),
    send: sendTo(url),
    async visit(path, init) {
      count(path.startsWith("/cdn-cgi/image/") ? 1 : 0);
      return readReply(await network.send(url + path, init));
    },
    async redeploy() {
      await site.redeploy();
      await network.pause(READY_PAUSE_MS * 3);
    },
    countTransformations: () => countTransformations(account),
    async purgeZone(urls) {
      const domains = await callApi(account, "GET", `/workers/domains?hostname=${domain}`);
      const [{ zone_id: id } = {}] = [domains.result].flat().map(tableOf);
      const purge = `${account.api}/zones/${id}/purge_cache`;
      return (await callUrl(account, "POST", purge, { files: urls })).status === 200;
    },
  };
}

/** The unique transformations of the account today, by Cloudflare's GraphQL API; undefined if it does not say. */
async function countTransformations(account: Account): Promise<number | undefined> {
  const today = new Date(account.network.now()).toISOString().slice(0, 10);
  const days = `imagesUniqueTransformations(limit:9,filter:{date_geq:"${today}"}){transformations}`;
  const query = `{viewer{accounts(filter:{accountTag:"${account.id}"}){${days}}}}`;
  const { data } = await callUrl(account, "POST", `${account.api}/graphql`, { query });
  const { accounts } = tableOf(tableOf(data)["viewer"]);
  const rows = [accounts].flat().map((one) => tableOf(one)["imagesUniqueTransformations"])[0];
  if (!Array.isArray(rows)) return undefined;
  return rows.reduce((sum, row) => sum + Number(tableOf(row)["transformations"]), 0);
}

/** Whether an operation makes the edge or the binding transform, at most once. */
function isTransformation(operation: Operation): boolean {
  if (operation.type === "images") return operation.output !== undefined;
  const fetched = operation.type === "cached" ? operation.answer.fetch : operation;
  return fetched?.type === "fetch" && fetched.cf?.["image"] !== undefined;
}

/** Waits until the Worker answers at all its addresses. @throws if one does not, for minutes */
export async function waitUntilReady(world: World): Promise<void> {
  const list = { type: "r2", method: "list", options: {} } as const;
  for (let attempt = 1; ; attempt++) {
    const replies = [world.send, world.workersDev?.send].map((send) =>
      send?.(list).catch(failedReply),
    );
    const failed = (await Promise.all(replies)).find((reply) => reply?.error !== undefined);
    if (failed === undefined) return;
    if (attempt === READY_ATTEMPTS) throw new Error(`the Worker: ${failed.error?.message}`);
    await world.pause(READY_PAUSE_MS);
  }
}
