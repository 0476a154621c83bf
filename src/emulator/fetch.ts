// `fetch`, as far as the emulators need it. The types hold with those of Node.js, of Workers and of browsers alike.

/** What `fetch` takes as its first argument. */
export type FetchInput = string | URL | Request;

/** What an emulator reads of the second argument of `fetch`. */
export type FetchInit = {
  readonly method?: string;
  readonly headers?: NonNullable<ConstructorParameters<typeof Headers>[0]>;
  readonly signal?: AbortSignal | null;
};

/** What an emulator passes to a network. */
export type NetworkInit = FetchInit & { readonly redirect?: "manual" };

/**
 * A network: the global `fetch`, the `fetch` of an S3, or a function of your own.
 * @example
 * const network: Network = (input, init) => (s3.matches(input) ? s3.fetch(input, init) : fetch(input, init));
 */
export type Network = (input: string | Request, init?: NetworkInit) => Promise<Response>;

/** Returns whether an argument of `fetch` is a URL. Not by its class: jsdom has a class URL of its own. */
export function isUrlObject(input: FetchInput): input is URL {
  return typeof input !== "string" && "href" in input;
}

/** The URL of the first argument of `fetch`, spelt as it was passed. */
export function inputUrlOf(input: FetchInput): string {
  if (typeof input === "string") return input;
  return isUrlObject(input) ? input.href : input.url;
}

/** Ends a wait as `fetch` does when its signal is aborted. The work itself goes on. */
export function unlessAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal | null | undefined,
): Promise<Value> {
  if (!signal) return work;

  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
