// What the judges use of packages that have no types.

declare module "http-cache-tests/tests/*.mjs" {
  const suite: {
    tests: { id: string; kind?: "required" | "optimal" | "check"; browser_only?: boolean }[];
  };
  export default suite;
}
declare module "http-cache-tests/tests/index.mjs" {
  import type suite from "http-cache-tests/tests/*.mjs";

  const suites: (typeof suite)[];
  export default suites;
}
declare module "http-cache-tests/client/runner.mjs" {
  import type suites from "http-cache-tests/tests/index.mjs";

  type Client = (url: string, init?: RequestInit) => Promise<Response>;
  type Options = [client: Client, isBrowser: boolean, base: string, parallelTests: number];
  export function runTests(tests: typeof suites, ...options: Options): Promise<void>;
  /** True, or the kind of failure and its message; nothing for a test that did not run. */
  export function getResults(): Record<string, true | [kind: string, message: string] | undefined>;
}
declare module "http-cache-tests/server/*.mjs" {
  import type { RequestListener } from "node:http";
  export default function handle(segments: string[], ...args: Parameters<RequestListener>): void;
}
declare module "aws4" {
  type Request = { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  const aws4: { sign(request: Request, credentials: object): Request };
  export default aws4;
}
