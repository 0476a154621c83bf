// Runs the built Worker in workerd itself. Nothing in front of it normalises a request.

import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { BUILT, ROOT } from "./built.ts";
import { overhear } from "./overheard.ts";

const WORKERD = join(ROOT, "node_modules/workerd/bin/workerd");
const CONFIG = join(ROOT, `.wrangler/test/runtime.${process.pid}.capnp`);
/** The bundle's path, relative to the configuration. */
const MODULE = relative(join(CONFIG, ".."), join(BUILT, "index.js"));

/** Writes a text for Cap'n Proto. For ASCII it is the same as in JSON. */
const text = (value: string) =>
  JSON.stringify(value).replace(/[^\x20-\x7e]/g, () => {
    throw new Error("a configuration of ASCII only");
  });

/** Writes the Worker's bindings: texts, and everything else as JSON. */
const bindings = (env: object) =>
  Object.entries(env).map(([name, value]) => {
    const bound =
      typeof value === "string" ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`;
    return `(name = ${text(name)}, ${bound})`;
  });

const configOf = (env: object, outbound: number) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "outbound", external = (address = "127.0.0.1:${outbound}", http = (style = proxy))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${text(MODULE)})],
  compatibilityDate = "2026-11-01",
  globalOutbound = "outbound",
  bindings = [${bindings(env).join(", ")}],
);
`;

/** An answer as it was received: its status and its whole text. */
type Raw = { readonly status: number; readonly text: string };

/**
 * Starts the Worker.
 * @param outbound the port of a server that gets all requests of the Worker, as a proxy does: with whole
 *   URLs, and without the header `host`
 */
export async function startRuntime(env: object, outbound: number) {
  writeFileSync(CONFIG, configOf(env, outbound));
  const child = spawn(WORKERD, ["serve", CONFIG, "--control-fd=3"], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  for (const said of [child.stdout, child.stderr]) {
    said?.on("data", (chunk: Buffer) => overhear("logged", chunk));
  }
  const port = await portOf(child.stdio[3]);
  return {
    /** Sends a request byte for byte. Each character is one byte. */
    send: (request: string) => send(port, request),
    stop: () => {
      child.kill();
      rmSync(CONFIG);
    },
  };
}

/** Returns the port that workerd says it listens on. */
async function portOf(told: unknown): Promise<number> {
  for await (const line of told instanceof Readable ? createInterface(told) : []) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return port;
  }
  throw new Error("workerd does not start");
}

function send(port: number, request: string): Promise<Raw> {
  return new Promise((settle, fail) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(request, "latin1")));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", fail);
    socket.on("close", () => {
      const answered = Buffer.concat(chunks);
      overhear("answered", answered);
      const answer = answered.toString("latin1");
      settle({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), text: answer });
    });
  });
}
