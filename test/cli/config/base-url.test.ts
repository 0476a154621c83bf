// Where a deployed Vitrine is, by --base-url or by its routes.

import { expect, test } from "vitest";
import { findBaseUrl } from "../../../src/cli/config/site-url.ts";

test.each<[string, string]>([
  ["", ""],
  ["https://images.example.com", "https://images.example.com"],
  ["https://IMAGES.example.com:443/", "https://images.example.com"],
  ["https://bücher.example/", "https://xn--bcher-kva.example"],
  ["https://app.example.com/img//", "https://app.example.com/img"],
  ["https://app.example.com:8443/a b", "https://app.example.com:8443/a%20b"],
  ["http://localhost:8787", "http://localhost:8787"],
  ["http://[::1]:8787", "http://[::1]:8787"],
  ["http://app.localhost", "http://app.localhost"],
])("--base-url %j is %j, whatever the routes are", (given, expected) => {
  expect(findBaseUrl(given, ["other.example"])).toBe(expected);
});

test.each<[string, RegExp]>([
  ["images.example.com", /is not a URL such as/],
  ["//images.example.com", /is not a URL such as/],
  ["javascript:alert(1)//", /is not a URL such as/],
  ["https://exa mple.com", /is not a URL such as/],
  ["https://images.example.com?", /has a query or a fragment/],
  ["https://images.example.com/#", /has a query or a fragment/],
  ["https://me@images.example.com", /has a name or a password/],
  ["https://:secret@images.example.com", /has a name or a password/],
  ["http://images.example.com", /http:\/\/ is for your own machine only/],
  ["http://localhost.example.com", /http:\/\/ is for your own machine only/],
])("--base-url %j is refused", (given, reason) => {
  expect(findBaseUrl(given, ["images.example"])).toEqual({ fault: expect.stringMatching(reason) });
});

test("a password in a URL is not printed", () => {
  for (const password of ["hidden", "hid/den", "hid@den"]) {
    const { fault } = Object(findBaseUrl(`https://me:${password}@images.example.com`, []));
    expect(fault).toContain("--base-url https://…@images.example.com: ");
  }
});

test.each<[string[], string]>([
  [["images.example.com"], "https://images.example.com"],
  [["images.example.com/*"], "https://images.example.com"],
  [["example.com/img/*", "images.example.com"], "https://example.com"],
  [["https://images.example.com/*"], "https://images.example.com"],
  [
    ["*.example.com/*", "*images.example.net/*", "images.example.com"],
    "https://images.example.com",
  ],
])("the routes %j are %s", (patterns, expected) => {
  expect(findBaseUrl(undefined, patterns)).toBe(expected);
});

test.each([[[]], [["*.example.com/*"]], [["*/*"]], [["", "https://"]]])(
  "the routes %j do not say where it is",
  (patterns) => {
    const fault = expect.stringMatching(/^wrangler\.toml names no domain .* --base-url https:\/\//);
    expect(findBaseUrl(undefined, patterns)).toEqual({ fault });
  },
);
