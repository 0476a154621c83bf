// Where the emulated Workers Cache fails tests of http-cache-tests on purpose. Checked both ways: no other test fails, and
// each of these does, in this way. A "check" asks what a cache does: none of its answers is wrong.

const HIT = "Assertion,Response 2 comes from cache";
const MISS = "Assertion,Response 2 does not come from cache";
const SETUP_MISS = "Setup,Response 2 does not come from cache";
const NO_304 = "Assertion,Response 2 status is 200, not 304";

/** Tests that fail, by the reason, a rule or an RFC, and by how they fail. `*` stands for any characters. */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "W7: without cache-control, a 200 is kept for two hours, and a 599 not at all": {
    ...{ [HIT]: "freshness-none", [MISS]: "heuristic-599-cached" },
  },
  "W7: only GET and HEAD are cached, and a HEAD runs the entrypoint as a GET": {
    [MISS]: "method-POST",
    "Assertion,Request 2 had method GET": "head-writethrough head-200-*update",
    'Assertion,Response 2 header Template-A is "null"': "head-200-retain",
    "Setup,Response 3 status is 410": "head-410-update",
  },
  "W7, assumed: a POST, PUT or DELETE drops nothing: in Cloudflare's examples, it purges": {
    "Assertion,Response 3 comes from cache": `
      invalidate-POST invalidate-PUT invalidate-DELETE invalidate-M-SEARCH
      invalidate-*-location invalidate-*-cl`,
  },
  "W7, assumed: cache-control of a request is ignored": {
    [HIT]: "ccreq-ma0 ccreq-ma1 ccreq-magreaterage ccreq-min-fresh* ccreq-no-cache ccreq-no-store",
    [MISS]: "ccreq-max-stale*",
    "Assertion,request 2 wasn't sent to server": "ccreq-no-cache-*",
    "Assertion,Response 1 status is 200": "ccreq-oic",
  },
  "W7: Surrogate-Control is none of the three headers that decide": {
    [HIT]: `surrogate-max-age-0 surrogate-max-age-0-expires surrogate-max-age-long-cc-max-age
      surrogate-no-store*`,
    [MISS]: `surrogate-max-age-expires surrogate-max-age-cc-max-age-invalid-expires
      surrogate-max-age-short-cc-max-age surrogate-fresh-cc-nostore`,
    "Assertion,Request 1 Surrogate-Capability": "surrogate-append-capabilities",
  },
  "W7, not played: no-cache with names of headers holds for the whole response": {
    [SETUP_MISS]: "headers-omit-headers-listed-in-Cache-Control-no-cache*",
  },
  "W9: a response with set-cookie is not kept": {
    [SETUP_MISS]: "headers-store-Set-Cookie",
    [MISS]: "other-set-cookie",
    "Setup,Request 2 should have been cond": "304-etag-update-response-Set-Cookie",
  },
  "W9: a 206 is never kept, and the entrypoint is asked for the whole": {
    [MISS]: "partial-store-partial-reuse-*",
    'Assertion,Request 2 header range is "undefined"': "partial-store-partial-complete",
  },
  "W14: values of request headers are compared byte by byte": {
    [MISS]: "vary-normalise-lang-* vary-normalise-space",
  },
  "W18, assumed: a 304 without an ETag, or with another one, is an error (RFC 9110, 15.4.5)": {
    'a 304 with the etag null, and if-none-match was "abcd"': `
      cc-resp-no-cache-revalidate* cc-resp-must-revalidate-stale`,
    "Setup,Response 3 does not come from cache": "304-etag-update-response-ETag",
  },
  "W18: the condition has the ETag of the variant, as it was spelt, and never the visitor's": {
    "Assertion,Request 2 should have been cond": "conditional-etag-vary-headers-mismatch",
    'Assertion,Request 2 header If-None-Match is "abcdef"':
      "conditional-etag-strong-generate-unquoted",
    'Assertion,Request 1 header If-None-Match is "undefined"': "conditional-etag-forward*",
  },
  "RFC 9111, 5.1, newer than the test: the first of several ages counts; what is no number, does not":
    {
      [HIT]: "age-parse-nonnumeric age-parse-negative age-parse-prefix-twoline age-parse-dup-*",
    },
  "RFC 9111, 4.2.1: a malformed or doubled time is stale; here, spaces do no harm": {
    [HIT]: "freshness-max-age-space-*",
    [MISS]: `freshness-max-age-decimal-* freshness-max-age-a100 freshness-max-age-100a
      freshness-max-age-two-stale-* freshness-expires-rfc850 freshness-expires-invalid-aest
      freshness-expires-invalid-2-digit-year freshness-expires-invalid-time-periods
      freshness-expires-invalid-multiple-lines`,
  },
  "RFC 9110, 8.8.3: an ETag is quoted, and a weak one begins with W/": {
    [NO_304]: `conditional-etag-*quoted-respond-* conditional-etag-weak-respond-lowercase
      conditional-etag-weak-respond-backslash conditional-etag-weak-respond-omit-slash`,
  },
  "RFC 9111, 5.5: Warning is obsolete": {
    "Assertion,Response 2 warning header not present": "stale-warning-*",
  },
  "A fault of the test: no cache of the results that were published with it passes": {
    "TypeError,fetch failed": "stale-close-*", // the error of the entrypoint, and no stale response (W8)
    [NO_304]: "conditional-etag-strong-respond-obs-text conditional-lm-fresh-no-lm",
  },
  "A Response of a Worker is no HTTP message, and has no connection": {
    "Assertion,Response 2 includes unexpected header a:":
      "headers-omit-headers-listed-in-Connection",
  },
};
