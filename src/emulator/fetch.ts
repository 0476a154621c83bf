// The types of `fetch`, as far as the emulators need them. They hold with the types of Node.js, of
// Workers and of browsers alike.

/**
 * Headers in any form that `new Headers` takes.
 * @example
 * const headers: HeadersInput = { accept: "image/avif" };
 */
export type HeadersInput = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/**
 * What `fetch` takes as its first argument.
 * @example
 * const input: FetchInput = new URL("https://images.example/fig.jpg");
 */
export type FetchInput = string | URL | Request;

/**
 * What an emulator reads of the second argument of `fetch`.
 * @example
 * const init: FetchInit = { method: "HEAD", signal: AbortSignal.timeout(1000) };
 */
export type FetchInit = {
  readonly method?: string;
  readonly headers?: HeadersInput;
  readonly signal?: AbortSignal | null;
};

/**
 * A network: the global `fetch`, the `fetch` of an S3, or a function of your own.
 * @example
 * const network: Network = (input, init) => (s3.matches(input) ? s3.fetch(input, init) : fetch(input, init));
 */
export type Network = (
  input: string | Request,
  init?: FetchInit & { readonly redirect?: "manual" },
) => Promise<Response>;

/** The URL that `fetch` is asked for, spelt as it was given. */
export function urlOf(input: FetchInput): string {
  if (typeof input === "string") return input;
  return "href" in input ? input.href : input.url;
}
