// The properties of every request.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SIGNING_KEYS } from "../support/cookie.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../support/env.ts";
import { EC_KEY } from "../support/issuer.ts";
import { leaksIn } from "../support/overheard.ts";
import { MARK, SESSION, TOKENS } from "./engines.ts";
import { METADATA, ORIGINAL } from "./files.ts";
import { inputWithoutSts, mood, requestInput } from "./inputs.ts";
import { images, object, unknownVariant } from "./paths.ts";
import {
  type Exchange,
  fallbackCalls,
  get,
  isOfVariant,
  optionsOf,
  property,
  routeOf,
  sendInput,
} from "./property.ts";
import { DEFECTS } from "./s3-upstream.ts";
import { IMPOSSIBLE, spellPath } from "./spelling.ts";
import { type BindingCall, type Call, FALLBACKS, type Mood, withoutSource } from "./visit-state.ts";
import { engineNow, mayBeOver, URL_PREFIXES, VARIANTS } from "./world.ts";

const SECRETS = [
  ...[CREDENTIALS, NEXT_CREDENTIALS].flatMap((keys) => Object.values(keys)),
  ...Object.values(SIGNING_KEYS),
  ...Object.values(SESSION),
  ...TOKENS,
  ...EC_KEY.split("\n").filter((line) => line !== "" && !line.startsWith("-")),
  HEALTH_TOKEN,
];
const PRIVATE = [
  ...["etag-of-the-original", "acme-", "amazonaws", "other.example", "4442587F", "x-amz", "<Code>"],
  ...["ERROR 9", "published/"],
];
const STATUSES = [200, 204, 304, 401, 403, 404, 405, 410, 415, 429, 502, 503, 504, 508];
/** The log events of refusals that cost no subrequest. */
const FREE = [
  ...["no-such-route", "no-such-variant", "impossible-key", "signature-wrong", "url-expired"],
  ...["foreign-page", "loop-detected", "method-not-allowed", "health-denied"],
].map((event) => `"event":"${event}"`);

/**
 * Returns whether a line of the log is of a refusal that costs nothing. A loop may also be what an engine says of a picture (its
 * code 9403): then S3 was asked before.
 */
function isFree(line: string): boolean {
  const isOfEngine = line.includes('"edge":"');
  return !isOfEngine && FREE.some((event) => line.includes(event));
}

/** The statuses of a fallback, each with the seconds for which it may be cached. */
const FALLBACK_MAX_AGE_S: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

const BUCKET_URL = /^https:\/\/[^/]+\/(?:published\/|acme-other\/)/;

/** The most calls for one object: S3 with two slots and again, an engine three times, and all of that once more. */
const MAX_CALLS = 14;

/** The most calls for one object that fail in a way that may be over soon. */
const MAX_FAILURES = 4; // first bytes once more, then the whole object; of R2 the length, too

/** Checks that a call asks only for what it may. S3 checks its signature (A1, A2, E1). */
function checkCall(urlPrefix: string, call: Call): void {
  const { url, method, headers, cf, redirect, cache } = call;
  assert.ok(url.startsWith(urlPrefix), `outside of the bucket, or of its prefix: ${url}`);
  assert.equal(new URL(url).href, url, "the signed URL is not the URL that was sent");
  const [file = "", query = ""] = url.slice(urlPrefix.length).split(/\?(.*)/s);
  assert.match(query, cf === undefined ? /^$/ : /^x-vitrine=[0-9a-f]{32}$/, url); // A15
  assert.match(file, /^(?:[\w.~/-]|%[0-9A-F]{2})+$/);
  for (const part of decodeURIComponent(file).split("/")) {
    assert.ok(!["", ".", ".."].includes(part), `a segment that collapses: ${url}`);
    assert.ok(!/[\p{Cc}\\]/u.test(part), `a control character: ${url}`);
  }
  assert.equal(method, "GET");
  assert.equal(redirect, "manual");
  const engine = engineNow();
  if (engine === "r2") {
    assert.deepEqual([[...headers.keys()], cf], [[], undefined]);
    return;
  }
  const names = ["authorization", "x-amz-content-sha256", "x-amz-date"];
  const token = engine === "role" || engine === "session" ? ["x-amz-security-token"] : [];
  // The Worker asks for the first bytes, and the whole object only if it makes something of it itself.
  const isHead = headers.has("range") || engine === "cf";
  const more = cf ? [] : ["accept-encoding", ...(isHead ? ["range"] : [])];
  assert.deepEqual([...headers.keys()].sort(), [...names, ...token, ...more].sort());
  const authorization = headers.get("authorization") ?? "";
  const covered = ["host", "x-amz-content-sha256", "x-amz-date", ...token].join(";");
  assert.ok(authorization.includes(`SignedHeaders=${covered},`), authorization);
  if (cf === undefined) {
    assert.equal(cache, "no-store");
    return;
  }
  assert.deepEqual(Object.keys(cf).sort(), ["cacheTtlByStatus", "image"]);
  // The edge does not cache a denial of one slot for the other one (C1, C4).
  assert.deepEqual(cf.cacheTtlByStatus, { "400-404": -1, "500-599": -1 });
  const { metadata, "origin-auth": auth, ...sizes } = optionsOf(cf);
  assert.deepEqual([metadata, auth], ["none", "share-publicly"]);
  const isOfOne = Object.keys(VARIANTS).some((name) => isOfVariant(sizes, name));
  assert.ok(isOfOne, `options of no variant: ${JSON.stringify(sizes)}`);
}

/** Checks that the Images binding makes only what it may, of objects that were asked for. */
function checkBinding(
  { url, type, transforms, output, overlays }: BindingCall,
  { calls, drawn }: Exchange,
): void {
  assert.ok(url === "" || calls.some((call) => call.url === url), `${url} was not asked for`);
  for (const { url: mark, options } of overlays) {
    assert.ok(
      drawn.some((call) => call.url === mark),
      `${mark} was not asked for`,
    );
    assert.deepEqual(options, { opacity: MARK.opacity, top: MARK.top });
  }
  const { format = "", anim, quality, ...more } = output;
  assert.deepEqual(more, {});
  assert.match(format, /^image\/(?:jpeg|png|webp|avif|gif)$/);
  const sizes = { ...transforms[0], ...(quality && { quality: Number(quality) }) };
  const variants = Object.keys(VARIANTS).filter((name) => isOfVariant(sizes, name));
  assert.ok(variants.length > 0, `options of no variant: ${JSON.stringify([transforms, quality])}`);
  assert.equal(transforms.length, 1);
  const isMarked = transforms.every((sides) => !Object.hasOwn(sides, "width")); // only of "light"
  assert.equal(overlays.length, isMarked ? 1 : 0);
  if (anim !== "false") {
    const isMoving = variants.includes("moving");
    assert.ok(isMoving && type === "image/gif", `${type} may not move`); // O8
  }
}

/** Only the first bytes of an object say its type: what S3 says of that does not matter. */
const HARMLESS: ReadonlySet<string> = new Set(["foreign-type", "two-types"]);
/** R2 gives whole objects as they are stored: what their metadata say of an encoding does not matter. */
const OF_S3: ReadonlySet<string> = new Set(["gzip", "part"]);

/** An object that comes in one of the ways of LIES, or is too large. */
const defective = fc
  .nat(DEFECTS.length - 1)
  .map((at): Partial<Mood> => ({ outcome: 6, fault: 2 * at }));

const accept = fc.constantFrom("image/avif,image/webp", "image/webp", "*/*");
const impossible = fc.constantFrom(...IMPOSSIBLE);

export const ofRequests = {
  answers: property(
    "no input makes the Worker throw or answer 500",
    inputWithoutSts,
    async (suspect, input) => {
      const happened = await sendInput(suspect, input);
      if (happened === undefined) return;
      const { answer, body, logged, request } = happened;
      assert.ok(STATUSES.includes(answer.status), `${answer.status}`);
      if (input.method === "HEAD") assert.equal(body, "");
      for (const [name, value] of answer.headers)
        assert.doesNotMatch(name + value, /set-cookie|[\r\n]/);
      for (const line of logged) assert.equal(typeof JSON.parse(line).event, "string");
      // The cached entrypoint knows every URL that the gateway asks it for.
      assert.ok(!logged.some((line) => line.includes("cache-unusable")), "rendered directly");
      const caching = answer.headers.get("cache-control") ?? "";
      if (caching.includes("immutable")) assert.match(request.url, /\/private\/.*[?&]v=/);
    },
  ),
  fallbacks: property(
    "an image whose status is not 200 is the fallback, tried once, only for its statuses, and cached briefly",
    requestInput,
    async (suspect, input) => {
      const happened = await sendInput(suspect, input);
      if (happened === undefined) return;
      const { answer, calls, logged } = happened;
      const instead = fallbackCalls(happened);
      assert.deepEqual(calls.slice(calls.length - instead.length), instead, "it comes last");
      assert.ok(instead.length <= MAX_CALLS, `${instead.length} calls`);
      const lines = logged.map((line) => JSON.parse(line)).filter((line) => "fallback" in line);
      assert.equal(lines.length, instead.length > 0 ? 1 : 0);
      const { status, headers } = answer;
      const isShown = (headers.get("content-type") ?? "").startsWith("image/");
      if (instead.length > 0) {
        assert.ok(status in FALLBACK_MAX_AGE_S, `${status}`);
        assert.equal(lines[0].answered, status);
        assert.equal(lines[0].fallback === "shown", isShown, lines[0].fallback);
      } else if (isShown) assert.ok(status === 200 || status === 304, `${status}`);
      if (!isShown || instead.length === 0) return;
      assert.deepEqual([headers.get("etag"), headers.get("last-modified")], [null, null]);
      const caching = headers.get("cache-control") ?? "";
      if (caching === "no-store") return; // the cause is not certain
      const [, seconds] = /^public, max-age=(\d+)$/.exec(caching) ?? [];
      assert.ok(Number(seconds) <= (FALLBACK_MAX_AGE_S[status] ?? 0), `${status}: ${caching}`);
    },
  ),
  retries: property(
    "an object is asked for once more at most while its origin fails: its first bytes, and the whole of it",
    requestInput,
    async (suspect, input) => {
      const { calls = [] } = (await sendInput(suspect, input)) ?? {};
      for (const url of new Set(calls.map((call) => call.url))) {
        const sameUrl = calls.filter((call) => call.url === url);
        assert.ok(sameUrl.filter(mayBeOver).length <= MAX_FAILURES, url);
      }
    },
  ),
  bounds: property(
    "every origin URL is below bucket and prefix, for a configured variant, and signed by three headers",
    requestInput,
    async (suspect, input) => {
      const happened = await sendInput(suspect, input);
      if (happened === undefined || happened.calls.length === 0) return;
      const route = routeOf(happened) ?? assert.fail();
      const instead = fallbackCalls(happened);
      const ownCalls = happened.calls.filter((call) => !instead.includes(call));
      assert.equal(new Set(ownCalls.map(({ url }) => withoutSource(url))).size, 1);
      for (const call of ownCalls) checkCall(URL_PREFIXES[route], call);
      const fallbackPrefix = FALLBACKS[route]?.replace(/[^/]*$/, "");
      for (const call of instead) checkCall(fallbackPrefix ?? assert.fail(), call);
      for (const call of happened.bound) checkBinding(call, happened);
      assert.deepEqual(happened.refused, [], "S3 refuses the signature");
      const bucketUrls = new Set(happened.calls.map(({ url }) => BUCKET_URL.exec(url)?.[0]));
      for (const call of happened.drawn) {
        const bucketUrl = BUCKET_URL.exec(call.url)?.[0] ?? assert.fail(call.url);
        assert.ok(bucketUrls.has(bucketUrl), `of another bucket: ${call.url}`);
        assert.equal(call.url, `${bucketUrl}marks/one%20%26%20only.png`);
        checkCall(bucketUrl, call);
      }
      if (/^\/(?:private|secret)\//.test(route)) {
        assert.ok((input.signed ?? 0) > 0 && (input.signed ?? 0) <= 86_400, "shown unsigned");
      }
    },
  ),
  originals: property(
    "no answer contains a byte of an original, or of its metadata",
    fc.record({ input: requestInput, object, accept }),
    async (suspect, { input: any, object: [route, name, key], accept }) => {
      const happened = await sendInput(suspect, any);
      assert.ok(!happened?.body.includes(ORIGINAL));
      assert.ok(!happened?.body.includes(METADATA), "metadata");
      // Also the most likely request for one: an object as an app asks for it.
      const path = spellPath(route.replace(":preset", name).replace("*", key));
      const likely = await get(suspect, path, any.mood, { accept });
      assert.ok(!likely.body.includes(ORIGINAL));
      assert.ok(!likely.body.includes(METADATA), "metadata");
    },
  ),
  free: property(
    "an impossible request costs no subrequest, and all of them get the same 404",
    fc.record({
      input: requestInput,
      images,
      unknownName: unknownVariant,
      bad: impossible,
      side: fc.nat(3),
      mood,
    }),
    async (
      suspect,
      { input: any, images: [prefix, name, key], unknownName, bad, side, mood: now },
    ) => {
      const happened = await sendInput(suspect, any);
      if (happened !== undefined) {
        const { answer, calls, limited, logged, request } = happened;
        if (logged.some(isFree)) assert.deepEqual([calls.length, limited.length], [0, 0]);
        // A visitor who gets something was counted. A visitor over the limit gets nothing.
        if (calls.length > 0) assert.equal(limited.length, 1);
        if (limited.length > 0 && any.mood.spent) {
          assert.deepEqual([answer.status, calls.length], [429, 0]);
        }
        const { headers, url } = request;
        const isOfEdge = /image-resizing/i.test(headers.get("via") ?? "");
        const isSigned = /^AWS4-/i.test(headers.get("authorization") ?? "");
        if (isOfEdge && (isSigned || new URL(url).searchParams.has("x-vitrine"))) {
          assert.deepEqual([answer.status, calls.length], [508, 0]); // E8
        }
      }
      const parts = key.map((part) => encodeURIComponent(part.toWellFormed()));
      const rest = side === 0 ? [bad, ...parts] : side === 1 ? [...parts, bad] : parts;
      const unknown = side > 1;
      // A preset of another route.
      if (side === 3 && !name.startsWith("card")) {
        const { answer, calls } = await get(suspect, `/avatars/ada/${name}`, now);
        assert.deepEqual([answer.status, calls.length], [404, 0], name);
      }
      const path = `${prefix}${unknown ? encodeURIComponent(unknownName.toWellFormed()) : name}/${rest.join("/")}`;
      const { answer, body, calls, limited } = await get(suspect, path, now);
      const cost = calls.length + limited.length;
      assert.deepEqual([answer.status, body, cost], [404, "Not found\n", 0], path);
    },
  ),
  silence: property(
    "no answer and no log line contains a secret, and no answer says where the originals are",
    inputWithoutSts,
    async (suspect, input) => {
      const happened = await sendInput(suspect, input);
      if (happened === undefined) return;
      const head = JSON.stringify([...happened.answer.headers]);
      const [, signature] = /&sig=([\w-]{43})(?:&facts)?$/.exec(happened.request.url) ?? [];
      for (const secret of [...SECRETS, ...(signature === undefined ? [] : [signature])]) {
        for (const text of [head, happened.body, ...happened.logged])
          assert.ok(!text.includes(secret), secret);
      }
      for (const text of [head, happened.body, ...happened.logged]) {
        assert.doesNotMatch(text, /eyJ[\w-]{20}/, "a token of the issuer");
        assert.deepEqual(leaksIn(Buffer.from(text)), []);
      }
      for (const fragment of PRIVATE)
        assert.ok(!(head + happened.body).includes(fragment), `${fragment} in ${head}`);
    },
  ),
  lengths: property(
    "the Images binding gets only whole objects, of the length that S3 says, not too long, and without an encoding",
    fc.record({ input: requestInput, object, defective }),
    async (suspect, { input: { mood }, object: [route, name, key], defective: behaviour }) => {
      const path = spellPath(route.replace(":preset", name).replace("*", key));
      const visited = await get(suspect, path, { ...mood, ...behaviour, type: mood.type % 4 });
      for (const { url } of visited.bound) {
        const { reply = "" } = visited.calls.find((call) => call.url === url) ?? {};
        const [, defect = ""] = reply.split(" ");
        const isHarmless = HARMLESS.has(defect) || (engineNow() === "r2" && OF_S3.has(defect));
        assert.ok(defect === "" || isHarmless, `it came ${defect}`);
      }
    },
  ),
};
