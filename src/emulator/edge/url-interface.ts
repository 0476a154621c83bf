// The URL interface of a zone: `/cdn-cgi/image/<options>/<absolute URL>`, which anybody may use (E10). Pure.

const PATH = "/cdn-cgi/image/";

/** Returns whether a URL belongs to the URL interface. */
export function isOfInterface(url: string): boolean {
  return new URL(url).pathname.startsWith(PATH);
}

/** Reads the source and the options. Undefined: no absolute URL follows the options. */
export function readImageUrl(url: string) {
  const { pathname, search } = new URL(url);
  const [, options, source] = /^([^/]*)\/(https?:\/\/.+)$/.exec(pathname.slice(PATH.length)) ?? [];
  if (options === undefined || source === undefined) return undefined;
  return { source: source + search, image: readOptionList(options) };
}

/** Reads a list such as `width=80,fit=cover`. */
function readOptionList(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split(",").map((option) => {
      const [name = "", value = ""] = option.split("=");
      if (value === "true" || value === "false") return [name, value === "true"];
      return [name, /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value];
    }),
  );
}

/** What Cloudflare's firewall answers: a page without `cf-resized`. */
export function blockedAnswer(): Response {
  const headers = { "content-type": "text/html; charset=UTF-8", server: "cloudflare" };
  return new Response("<h1>Sorry, you have been blocked</h1>\n", { status: 403, headers });
}
