// The built Worker as deployments run it, one version after the other: each has secrets of its own, and
// knows nothing of what the one before it learnt.

import worker from "built-worker";
import { throughEdge } from "../../src/dev/through-edge.ts";

type VersionsEnv = { LOCAL_EDGE: string };

const send = globalThis.fetch;
const versions = new Map<string, object>();

/** The header with the version that is asked: a name, and its secrets. */
export type Version = { readonly name: string; readonly secrets: Readonly<Record<string, string>> };

export default {
  async fetch(request, env, context) {
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const { name, secrets }: Version = JSON.parse(request.headers.get("version") ?? "");
    const version = versions.get(name) ?? { ...env, ...secrets };
    versions.set(name, version);
    return worker.fetch(request, version, context);
  },
} satisfies ExportedHandler<VersionsEnv>;
