// What probes are given in an account: the deployed Worker, its bucket and its zone, up to a number of requests.

import { randomBytes } from "node:crypto";
import { tableOf } from "../../src/worker/util/json.ts";
import { type Account, callApi, callUrl, type S3Keys, s3Endpoint } from "./account.ts";
import { askWorker, failedReply, type Operation, throwLost } from "./operation.ts";
import { isBusy, measure, type Probe, readVisitorResponse, type World } from "./probe.ts";

/** What was sent, or the most that may be. */
export type Sent = { requests: number; transformations: number; megabytes: number };

/** The most that a run of some probes sends. What is above it fails, so a run cannot cost more than it says. */
export function budgetOf({ length }: readonly Probe[]): Sent {
  return {
    requests: 600 + 20 * length,
    transformations: 20 + Math.ceil(1.5 * length),
    megabytes: 100,
  };
}

export type Site = {
  readonly account: Account;
  readonly bucket: string;
  readonly keys: S3Keys;
  readonly token: string;
  /** The hosts of the Worker: its custom domain, if it has one, and that of workers.dev. */
  readonly domain: string | undefined;
  readonly devHost: string;
  /** The host of another Worker with the same script and bucket, if there is one. */
  readonly otherHost: string | undefined;
  readonly budget: Sent;
  readonly redeploy: World["redeploy"];
  readonly report: (text: string) => void;
  /** After it nothing is sent. */
  readonly signal: AbortSignal;
};

/** How long a new address or version may take until it answers. A name that is asked too early may be missing for long. */
const READY_ATTEMPTS = 100;
const READY_PAUSE_MS = 5000;

/** @returns the world, what was sent in it so far, and a wait until all its Workers answer */
export function createWorld(
  site: Site,
): World & { readonly sent: Sent; waitUntilReady(): Promise<void> } {
  const { account, bucket, keys, token, domain, devHost, otherHost, budget } = site;
  const { network } = account;
  const transformations = new Set<string>();
  const sent: Sent = { requests: 0, transformations: 0, megabytes: 0 };

  /** @throws if the run has ended, or has sent all that it may */
  function count(transformation: string | undefined, bytes = 0): void {
    site.signal.throwIfAborted();
    sent.requests += 1;
    if (transformation !== undefined) transformations.add(transformation);
    sent.transformations = transformations.size;
    sent.megabytes += bytes / 1e6;
    const isMore = (["requests", "transformations", "megabytes"] as const).some(
      (name) => sent[name] > budget[name],
    );
    if (isMore) throw new Error("this run has sent as much as it may");
  }

  const deadline = () => AbortSignal.any([site.signal, AbortSignal.timeout(60_000)]);
  const sendTo =
    (url: string): World["send"] =>
    async (operation) => {
      const together = operation.type === "together" ? operation.operations : [operation];
      for (const one of together) count(transformationOf(one), JSON.stringify(one).length);
      const send = (init: RequestInit) => network.send(`${url}/`, { ...init, signal: deadline() });
      return measure(await askWorker(operation, token, send));
    };
  const devUrl = `https://${devHost}`;
  const url = domain === undefined ? devUrl : `https://${domain}`;
  const hosts = [devHost, domain, otherHost].flatMap((host) => host ?? []);

  /** @throws if a Worker does not answer, for minutes */
  async function waitUntilReady(): Promise<void> {
    const list = { type: "r2", method: "list", options: {} } as const;
    for (const host of hosts) {
      site.report(`Waiting for ${host} to answer, for at most eight minutes\n`);
      await network.pause(READY_PAUSE_MS);
      for (let attempt = 1; ; attempt++) {
        const { error } = await sendTo(`https://${host}`)(list).catch(failedReply);
        if (error === undefined) break;
        if (attempt === READY_ATTEMPTS)
          throw new Error(`${host} does not answer: ${error.message}. Try again later`);
        await network.pause(READY_PAUSE_MS);
      }
    }
  }

  return {
    ...{ url, sent, zone: domain, now: network.now, pause: network.pause, waitUntilReady },
    run: randomBytes(6).toString("hex"),
    ...(otherHost !== undefined && { otherUrl: `https://${otherHost}` }),
    s3: { endpoint: s3Endpoint(account), bucket, region: "auto", ...keys },
    ...(domain !== undefined && { workersDev: { url: devUrl, send: sendTo(devUrl) } }),
    async bucketAddresses() {
      const path = `/r2/buckets/${bucket}/domains`;
      const managed = await answered(callApi(account, "GET", `${path}/managed`));
      const custom = await answered(callApi(account, "GET", `${path}/custom`));
      if (managed.status !== 200 || custom.status !== 200) return undefined;
      const all = [managed.result, tableOf(custom.result)["domains"]].flat().map(tableOf);
      return all.flatMap(({ domain, enabled }) => (enabled === true ? [`${domain}`] : []));
    },
    send: sendTo(url),
    async fetchAsVisitor(path, init) {
      count(path.startsWith("/cdn-cgi/image/") ? path : undefined);
      return readVisitorResponse(network.send(url + path, { ...init, signal: deadline() }));
    },
    async redeploy(options) {
      await site.redeploy(options);
      await network.pause(READY_PAUSE_MS * 2);
    },
    countTransformations: () => countTransformations(account),
    async purgeZone(urls) {
      const domains = await answered(
        callApi(account, "GET", `/workers/domains?hostname=${domain}`),
      );
      const [{ zone_id: id } = {}] = [domains.result].flat().map(tableOf);
      const purge = `${account.api}/zones/${id}/purge_cache`;
      return (await answered(callUrl(account, "POST", purge, { files: urls }))).status === 200;
    },
  };
}

/** @throws {LostRequest} if the API gave no answer, or has failed */
async function answered(call: ReturnType<typeof callUrl>) {
  const reply = await call;
  if (reply.status === 0 || isBusy(reply)) throwLost(`Cloudflare's API: ${reply.message}`);
  return reply;
}

/** The unique transformations of the account today, by Cloudflare's GraphQL API; undefined if it does not say. */
async function countTransformations(account: Account): Promise<number | undefined> {
  const today = new Date(account.network.now()).toISOString().slice(0, 10);
  const days = `imagesUniqueTransformations(limit:9,filter:{date_geq:"${today}"}){transformations}`;
  const query = `{viewer{accounts(filter:{accountTag:"${account.id}"}){${days}}}}`;
  const { data } = await answered(callUrl(account, "POST", `${account.api}/graphql`, { query }));
  const { accounts } = tableOf(tableOf(data)["viewer"]);
  const rows = [accounts].flat().map((one) => tableOf(one)["imagesUniqueTransformations"])[0];
  if (!Array.isArray(rows)) return undefined;
  return rows.reduce((sum, row) => sum + Number(tableOf(row)["transformations"]), 0);
}

/** What is billed as one transformation (L2). The binding may count each call (B10). Undefined: nothing is. */
function transformationOf(operation: Operation): string | undefined {
  if (operation.type === "images") return operation.output && crypto.randomUUID();
  const fetched = operation.type === "cached" ? operation.answer.fetch : operation;
  if (fetched?.type !== "fetch" || fetched.cf?.["image"] === undefined) return undefined;
  return JSON.stringify([fetched.url, { ...tableOf(fetched.cf["image"]), format: undefined }]);
}
