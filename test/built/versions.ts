// Runs the built Worker as several deployed versions. Each version has its own secrets, and knows nothing
// that another version learnt.

import worker, { Renditions } from "built-worker";
import { throughEdge } from "../../src/emulator/worker.ts";

type VersionsEnv = { LOCAL_EDGE: string };

const send = globalThis.fetch;
const versions = new Map<string, object>();

/** The value of the header `version`: the name of the version to ask, and its secrets. */
export type Version = { readonly name: string; readonly secrets: Readonly<Record<string, string>> };

export default {
  async fetch(request, env, context) {
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const { name, secrets }: Version = JSON.parse(request.headers.get("version") ?? "");
    const version = versions.get(name) ?? { ...env, ...secrets };
    versions.set(name, version);
    const own = { Renditions: new Renditions(context, version) };
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
    return worker.fetch(request, version, { waitUntil, exports: own });
  },
} satisfies ExportedHandler<VersionsEnv>;
