// Where a deployed Vitrine is.

/** How to say it, where wrangler.toml does not. */
const SAY = `say where Vitrine is: --base-url https://images.example.com, or --base-url "" for the page's own host`;

/**
 * What URLs begin with, without a slash at the end; `""` is the page's own host.
 * @param given what `--base-url` says, if it does
 * @param patterns what the routes of wrangler.toml name. Vitrine sees the whole path of a request, so
 *   their hosts alone matter
 */
export function findBaseUrl(
  given: string | undefined,
  patterns: readonly string[],
): string | { readonly fault: string } {
  if (given === "") return "";
  if (given !== undefined) return readBaseUrl(given);
  const hosts = patterns.map((pattern) =>
    pattern
      .replace(/^https?:\/\//, "")
      .split("/", 1)
      .join(),
  );
  const host = hosts.find((name) => /^[^*:@?#\s]+$/.test(name) && URL.canParse(`https://${name}`));
  if (host !== undefined) return new URL(`https://${host}`).origin;
  return { fault: `wrangler.toml names no domain under routes: put yours there, or ${SAY}` };
}

function readBaseUrl(given: string): string | { readonly fault: string } {
  const fault = (reason: string) => ({ fault: `--base-url ${given}: ${reason}` });
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given)) {
    return fault("is no URL such as https://images.example.com");
  }
  const { protocol, hostname, origin, pathname, username, password } = new URL(given);
  if (/[?#]/.test(given)) return fault("has a query or a fragment");
  if (username !== "" || password !== "") return fault("has a name or a password in it");
  if (protocol === "http:" && !/^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) {
    return fault("http:// is for one's own machine");
  }
  return origin + pathname.replace(/\/+$/, "");
}
