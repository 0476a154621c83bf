// Where the emulated Workers Cache fails tests of http-cache-tests on purpose. Checked both ways: no other test fails, and
// each of these does. A "check" asks what a cache does: none of its answers is wrong.

/** Tests that fail, by the reason: a rule, or an RFC. `*` stands for any characters. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "W7: without cache-control, a 200 is kept for two hours, and a 599 not at all":
    "freshness-none heuristic-599-cached",
  "W7: only GET and HEAD are cached, and a HEAD runs the entrypoint as a GET":
    "method-POST head-writethrough head-200-* head-410-update",
  "W7, assumed: a POST, PUT or DELETE drops nothing: in Cloudflare's examples, it purges": `
    invalidate-POST invalidate-PUT invalidate-DELETE invalidate-M-SEARCH
    invalidate-*-location invalidate-*-cl`,
  "W7, assumed: cache-control of a request is ignored":
    "ccreq-ma* ccreq-min-fresh* ccreq-no-* ccreq-oic",
  "W7: Surrogate-Control is none of the three headers that decide": `
    surrogate-max-age-0 surrogate-max-age-expires surrogate-max-age-0-expires
    surrogate-max-age-cc-max-age-invalid-expires surrogate-max-age-*-cc-max-age
    surrogate-no-store* surrogate-fresh-cc-nostore surrogate-append-capabilities`,
  "W7, not played: no-cache with names of headers holds for the whole response":
    "headers-omit-headers-listed-in-Cache-Control-no-cache*",
  "W9: a response with set-cookie is not kept":
    "headers-store-Set-Cookie 304-etag-update-response-Set-Cookie other-set-cookie",
  "W9: a 206 is never kept, and the entrypoint is asked for the whole": "partial-store-partial-*",
  "W14: values of request headers are compared byte by byte":
    "vary-normalise-lang-* vary-normalise-space",
  "W18, assumed: a 304 without an ETag, or with another one, is an error (RFC 9110, 15.4.5)": `
    cc-resp-no-cache-revalidate* cc-resp-must-revalidate-stale 304-etag-update-response-ETag`,
  "W18: the condition has the ETag of the variant, as it was spelt, and never the visitor's": `
    conditional-etag-vary-headers-mismatch conditional-etag-strong-generate-unquoted
    conditional-etag-forward*`,
  "RFC 9111, 5.1, newer than the test: the first of several ages counts; what is no number, does not":
    "age-parse-nonnumeric age-parse-negative age-parse-prefix-twoline age-parse-dup-*",
  "RFC 9111, 4.2.1: a malformed or doubled time is stale; here, spaces do no harm": `
    freshness-max-age-decimal-* freshness-max-age-space-* freshness-max-age-a100
    freshness-max-age-100a freshness-max-age-two-stale-* freshness-expires-rfc850
    freshness-expires-invalid-aest freshness-expires-invalid-2-digit-year
    freshness-expires-invalid-time-periods freshness-expires-invalid-multiple-lines`,
  "RFC 9110, 8.8.3: an ETag is quoted, and a weak one begins with W/": `
    conditional-etag-*quoted-respond-* conditional-etag-weak-respond-lowercase
    conditional-etag-weak-respond-backslash conditional-etag-weak-respond-omit-slash`,
  "RFC 9111, 5.5: Warning is obsolete": "stale-warning-*",
  "A fault of the test: no cache of the results that were published with it passes":
    "stale-close-* conditional-etag-strong-respond-obs-text conditional-lm-fresh-no-lm",
  "A Response of a Worker is no HTTP message, and has no connection":
    "headers-omit-headers-listed-in-Connection",
};

/** How a test must fail that cannot pass: by the error of the entrypoint, not by a stale response (W8). */
export const FAILURES: Readonly<Record<string, string>> = { "stale-close-*": "fetch failed" };
