// What a property is: each is given a Worker, so that a broken one can be shown to break it.

import type fc from "fast-check";
import type { Config } from "../../src/worker/config/config.ts";
import { type Asked, toRequest } from "./inputs.ts";
import { type Call, CONFIG, FALLBACKS, PLACES, visit, type Worker } from "./world.ts";

/** The parts of a Worker that properties look at. */
export type Suspect = {
  readonly worker: Worker;
  readonly config: Config;
  readonly publicPath: typeof import("../../src/worker/config/find-route.ts").publicPath;
  readonly decodePath: typeof import("../../src/url/grammar.ts").decodePath;
  readonly encodePath: typeof import("../../src/url/grammar.ts").encodePath;
  readonly signGrant: typeof import("../../src/url/grant.ts").signGrant;
  readonly findRoute: typeof import("../../src/worker/config/find-route.ts").findRoute;
};

/** What has to hold of an input. `holds` throws where it does not. */
export type Property<Input> = {
  readonly says: string;
  readonly input: fc.Arbitrary<Input>;
  readonly holds: (suspect: Suspect, input: Input) => Promise<void>;
};

export const HOST = "https://images.example";
export const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(CONFIG.URL_SIGNING_KEYS);
/** What a property says, what it looks at, and what has to hold of that. */
export function property<Input>(
  says: string,
  input: fc.Arbitrary<Input>,
  holds: Property<Input>["holds"],
): Property<Input> {
  return { says, input, holds };
}

type Visit = Awaited<ReturnType<typeof visit>> & { readonly request: Request };

/** A visit as an input describes it; undefined where nobody could make it. */
export async function pay({ worker }: Suspect, input: Asked): Promise<Visit | undefined> {
  const request = toRequest(input);
  return request && { ...(await visit(worker, request, input.mood)), request };
}

export async function get(
  { worker }: Suspect,
  target: string,
  now: Asked["mood"],
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Visit> {
  const request = new Request(HOST + target, { method, headers });
  return { ...(await visit(worker, request, now)), request };
}

/** The route of a visit that was counted: the limiter is told the visitor, who may be any text, and then it. */
export function routeOf({ limited: [told = ""] }: Pick<Visit, "limited">) {
  return ROUTES.find((known) => told.endsWith(` ${known}`));
}

const isRoute = (path: string): path is keyof typeof PLACES => Object.hasOwn(PLACES, path);
const ROUTES = Object.keys(PLACES).filter(isRoute);

/** The calls for the route's fallback, where it is another object than the visitor's. */
export function fallbackCalls(visited: Pick<Visit, "limited" | "calls">): Call[] {
  const { calls } = visited;
  const fallback = FALLBACKS[routeOf(visited) ?? ""];
  const itself = calls[0]?.url.split("?")[0] === fallback;
  return itself ? [] : calls.filter(({ url }) => url === fallback);
}

/** The options that a call asks for, but those that its visitor has to do with. */
export function optionsOf(cf: RequestInitCfProperties): Record<string, unknown> {
  const { format: _format, anim: _anim, ...rest } = cf.image ?? {};
  return rest;
}
