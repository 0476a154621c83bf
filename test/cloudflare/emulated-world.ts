// The world of the probes in this process: worker.ts on the emulators, with a clock that goes on only in a pause.

import { randomBytes } from "node:crypto";
import { createEmulated, type Emulated } from "./emulated.ts";
import { askWorker, readReply } from "./operation.ts";
import { measure, type World } from "./probe.ts";
import * as module from "./worker.ts";

/**
 * @param isInZone false: the Worker is on workers.dev alone
 * @returns the world, and the emulators behind it
 */
export function createEmulatedWorld({ isInZone = true } = {}): World & {
  readonly emulated: Emulated;
} {
  let clock = Date.now();
  const now = () => clock;
  const token = randomBytes(32).toString("hex");
  const devHost = "probe.acme.workers.dev";
  const host = isInZone ? "probe.example" : devHost;
  const others = isInZone ? { otherHost: "other.example", devHost } : {};
  const access = { accessKeyId: "0".repeat(32), secretAccessKey: "1".repeat(64) };
  const endpoint = `https://${"a".repeat(32)}.r2.cloudflarestorage.com`;
  const place = { endpoint, bucket: "vitrine-probe-bucket", region: "auto" };
  const s3 = { ...place, credentials: access };
  const emulated = createEmulated({ ...{ module, host, token, s3, now }, ...others });
  emulated.cache.switches.crossVersion = false;

  const sendTo =
    (url: string): World["send"] =>
    async (operation) => {
      const send = (init: RequestInit) => emulated.visit(new Request(`${url}/`, init));
      return measure(await askWorker(operation, token, send));
    };
  const url = `https://${host}`;
  const devUrl = `https://${devHost}`;
  return {
    ...{ emulated, url, now, zone: isInZone ? host : undefined },
    ...(isInZone && { other: `https://${others.otherHost}` }),
    ...(isInZone && { workersDev: { url: devUrl, send: sendTo(devUrl) } }),
    run: randomBytes(6).toString("hex"),
    s3: { ...place, ...access },
    bucketAddresses: async () => [],
    send: sendTo(url),
    countTransformations: async () => emulated.edge.transformations.size,
    visit: async (path, init) =>
      measure(await readReply(await emulated.visit(new Request(url + path, init)))),
    redeploy: async ({ crossVersion }) => {
      emulated.cache.switches.crossVersion = crossVersion;
      emulated.redeploy();
    },
    purgeZone: async (urls) => {
      for (const one of urls) emulated.edge.purge(one);
      return isInZone;
    },
    pause: async (ms) => {
      clock += ms;
      await emulated.cache.settled();
    },
  };
}
