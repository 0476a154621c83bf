// A healthy site that a test breaks, and then repairs by following a remedy of the doctor.

import { expect, vi } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { BUCKET_URL, HEALTH_TOKEN, SECRETS } from "../env.ts";
import { arrange, stage, wait } from "../run-worker.ts";
import { type Change, CONFIGURED, configure, deploy, examine, SITE } from "./doctor.ts";

type Tree = { [name: string]: unknown };

const healthy = () => ({
  toml: structuredClone(CONFIGURED) as Tree,
  /** Lines of wrangler.toml for bindings, and the secrets that it lists. */
  bindings: "",
  listed: Object.keys(SECRETS),
  /** The vars, the secrets and the bindings of the Worker. */
  deployed: structuredClone(CONFIGURED) as Tree,
  secrets: { ...SECRETS, HEALTH_TOKEN } as Tree,
  shell: {} as Record<string, string | undefined>,
  args: ["--url", SITE] as string[],
  /** How far this machine's clock is ahead: s. */
  ahead: 0,
  front: undefined as Change | undefined,
  samples: ["/images/card/key.jpg", "/images/hero@640w/photos/fig.jpg"],
});

const HOST = new URL(BUCKET_URL).host;

export type World = ReturnType<typeof healthy>;

export function beginWorld(): World {
  vi.useFakeTimers({ toFake: ["Date"] });
  arrange({ firewall: true, sources: [HOST, `${HOST.slice("acme-media.".length)}/acme-media/`] });
  stage.s3.faults.add("no-list-bucket");
  return healthy();
}

/** Lets the pauses before another try pass at once, until the test ends. */
export function skipPauses(): void {
  const { setTimeout: realSetTimeout } = globalThis;
  vi.stubGlobal("setTimeout", (act: () => void, ms: number) =>
    realSetTimeout(act, ms < 5_000 ? 0 : ms),
  );
}

/** Writes and deploys the world two minutes later, when all that the doctor or the Worker has cached is stale. */
function settle(world: World): string {
  wait(130);
  const folder = configure(world.toml, world.listed, world.bindings);
  deploy({ ...world.secrets, ...world.deployed }, world.front);
  return folder;
}

/** What visitors get: the status of each sample, and whether it is an image. */
export async function fetchSamples(world: World): Promise<Record<string, string>> {
  settle(world);
  const statuses: Record<string, string> = {};
  for (const path of world.samples) {
    try {
      const answer = await fetch(SITE + path, { headers: { accept: "image/webp" } });
      const type = answer.headers.get("content-type") ?? "";
      statuses[path] = `${answer.status} ${type.replace(/\/.*/, "")}`;
      await answer.arrayBuffer();
    } catch {
      statuses[path] = "no answer";
    }
  }
  return statuses;
}

export async function consult(world: World): Promise<readonly Finding[]> {
  const folder = settle(world);
  const now = () => Date.now() + world.ahead * 1000;
  const report = await examine(world.args, { folder, now, env: world.shell });
  if (report.findings.length === 0) throw new Error(`the doctor reports nothing: ${report.text}`);
  return report.findings;
}

/** What an operator can do with a remedy. Each part that is done must be in its text. */
export function readRemedy(world: World, { seen, remedy = "" }: Pick<Finding, "seen" | "remedy">) {
  const expectAdvice = (part: string) => expect(remedy).toContain(part);
  const deployIt = () => {
    world.deployed = { ...world.deployed, ...structuredClone(world.toml) };
  };
  return {
    text: `${seen}\n${remedy}`,
    /** Follows a part of the text by hand. */
    does(part: string, act: () => void) {
      expectAdvice(part);
      act();
      if (remedy.includes("npx vitrine deploy")) deployIt();
    },
    /** Changes a setting of wrangler.toml that the text names, and deploys if the text says so. */
    sets(path: string, value: unknown) {
      const keys = path.split(".");
      const last = keys.at(-1) ?? "";
      expectAdvice("wrangler.toml");
      expectAdvice(last);
      let table = world.toml;
      for (const key of keys.slice(0, -1)) table = Object(table[key]);
      if (value === undefined) delete table[last];
      else table[last] = value;
      if (remedy.includes("npx vitrine deploy")) deployIt();
    },
    /** Runs a command of the text: `act` is what it does, beyond a deploy. */
    runs(command: string, act: () => void = () => {}) {
      expectAdvice(command);
      if (command.startsWith("npx vitrine deploy")) deployIt();
      act();
    },
    puts(name: string, value: unknown) {
      expectAdvice(`npx wrangler secret ${value === undefined ? "delete" : "put"}`);
      expect(`${seen} ${remedy}`).toContain(name);
      world.secrets[name] = value;
    },
    /** Deletes a secret that the log names. */
    takesOut(name: string) {
      expectAdvice("npx wrangler secret delete");
      delete world.secrets[name];
    },
  };
}

export type Remedy = ReturnType<typeof readRemedy>;
