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

test("another --base-url is refused, and no password is printed", () => {
  for (const given of [
    ...["images.example.com", "//images.example.com", "javascript:alert(1)//"],
    ...["https://exa mple.com", "https://images.example.com?", "https://images.example.com/#"],
    ...["https://me@images.example.com", "https://:hidden@images.example.com"],
    ...["https://me:hid/den@images.example.com", "https://me:hid@den@images.example.com"],
    ...["http://images.example.com", "http://localhost.example.com"],
  ]) {
    const { fault } = Object(findBaseUrl(given, ["images.example"]));
    expect(fault).toMatch(/^--base-url \S*.*: /);
    expect(fault).not.toMatch(/hid|den@/);
  }
});

test("the first route with a host of its own says where it is", () => {
  for (const [patterns, expected] of [
    [["images.example.com"], "https://images.example.com"],
    [["images.example.com/*"], "https://images.example.com"],
    [["example.com/img/*", "images.example.com"], "https://example.com"],
    [["https://images.example.com/*"], "https://images.example.com"],
    [["*.example.com/*", "*a.example/*", "images.example.com"], "https://images.example.com"],
  ] as const) {
    expect(findBaseUrl(undefined, patterns)).toBe(expected);
  }
  for (const patterns of [[], ["*.example.com/*"], ["*/*"], ["", "https://"]]) {
    expect(findBaseUrl(undefined, patterns)).toHaveProperty("fault");
  }
});
