// Opens an object: the one way to S3 and to R2, for pictures, overlays, fallbacks, facts and /healthz. It chooses the
// credential: a slot (one of the two key pairs of a bucket), or a session (temporary credentials that AWS gives for a
// role). It sends only GETs, and follows no redirect.
//
// While a key is replaced, one of two slots may be dead, or may not open every object yet. So a picture is refused only
// if no slot gets it, and what S3 says about the object itself ends the search. A policy that denies an object takes its
// picture down: a denial to one slot counts, even if the other one is dead, or gets no answer.

import type { Bucket, Role } from "../config/bucket.ts";
import {
  detailsOf,
  isAboutObject,
  isCertain,
  isRefusal,
  type Refusal,
  type UpstreamRefusal,
} from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { concatBytes } from "../util/bytes.ts";
import { askS3 } from "./ask-s3.ts";
import {
  isAllRefusedReported,
  isOddObject,
  refusedSlots,
  type SlotReply,
  slotsInOrder,
  unusableSlotMistakes,
} from "./bucket-state.ts";
import { getSession, refuseRole } from "./get-session.ts";
import { bucketMemoryOf, roleMemoryOf } from "./memories.ts";
import { originUrl } from "./object-url.ts";
import { openR2 } from "./open-r2.ts";
import {
  type Credential,
  HEAD_BYTES,
  type ObjectRequest,
  type OpenedObject,
} from "./opened-object.ts";
import { isStsFailure, type Session } from "./session.ts";
import { mayTellSidesLater, uprightSides } from "./sides.ts";
import { mayBeAboutObject, mayDependOnKey } from "./verdict.ts";

type OpenOptions = RequestScope &
  ObjectRequest & {
    /** Opens the object with this credential only, and does not remember how S3 replied. */
    readonly credential?: Credential | undefined;
    /** Until when other slots are tried after S3 has denied the object to one: ms since 1970. */
    readonly denialDeadline?: number | undefined;
  };

/** @param key with the bucket's prefix */
export async function openObject(
  bucket: Bucket,
  key: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const { r2, role, baseUrl } = bucket;
  if (r2) return openR2(r2, key, options);

  const url = originUrl(baseUrl, key);
  if (options.credential) {
    const reply = await askS3(bucket, url, options.credential, options);
    return reply.kind === "opened" ? reply.object : reply.refusal;
  }

  if (role) return openByRole(bucket, role, url, options);
  return openBySlots(bucket, key, url, options);
}

/** How long a visitor waits for more bytes of an original: ms. Without them, the engine's answer decides. */
const HEADER_TIMEOUT_MS = 1_000;

/** A part of the time that is left, if that is shorter: the engine needs the rest. `timeout` may be one second. */
const MAX_TIME_SHARE = 0.25;

/**
 * Returns the first bytes of an object that was opened: more than its head if the head does not tell the sides of a
 * picture, but more bytes may (A14). They must be bytes of the same object, so an ETag has to name it.
 * @returns the head alone if S3 does not send more
 */
export async function readHeader(
  bucket: Bucket,
  key: string,
  object: OpenedObject,
  scope: RequestScope,
): Promise<Uint8Array> {
  const { type, etag, length = Infinity, credential, body } = object;
  const { head } = body;
  const mayTellMore = mayTellSidesLater(type) && length > head.length;
  if (!mayTellMore || etag === undefined) return head;
  if (uprightSides(type, head)) return head;

  // S3 has sent fewer bytes than it was asked for: there would be a gap behind them.
  if (head.length < HEAD_BYTES) return head;

  const now = Date.now();
  const timeLeft = scope.deadline - now;
  const deadline = now + Math.min(HEADER_TIMEOUT_MS, timeLeft * MAX_TIME_SHARE);
  const header = await openObject(bucket, key, { ...scope, deadline, credential, part: "header" });
  if (isRefusal(header) || header.etag !== etag) return head;
  return concatBytes([head.subarray(0, HEAD_BYTES), header.body.head]);
}

/** Tries the slots in order, and remembers how S3 replied to each of them. */
async function openBySlots(
  bucket: Bucket,
  key: string,
  url: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const memory = bucketMemoryOf(bucket);

  // How S3 replied to each slot, where it is clear whether S3 accepts the key of the slot.
  const replies: SlotReply[] = [];

  // The object, or a refusal that every other slot would get as well: it ends the search.
  let result: OpenedObject | Refusal | undefined;

  // Refusals that the next slot may not get: the search goes on. They are the result if no slot gets the object.
  let denial: UpstreamRefusal | undefined;
  let unclear: UpstreamRefusal | undefined;

  // The current slot comes first, unless S3 refused it within the last minute.
  for (const slot of slotsInOrder(memory.state(), Date.now())) {
    const request = denial ? afterDenial(options) : options;
    const reply = await askS3(bucket, url, slot, request);
    if (reply.kind === "opened") {
      replies.push({ slot });
      result = reply.object;
      break;
    }

    const { refusal, verdict } = reply;
    if (verdict.result === "slot-refused") {
      // Either S3 does not accept this key, and the next one may be good; or S3 means the object.
      const { s3Code } = verdict;
      const isSuspect = mayBeAboutObject(refusal);
      const isOdd = isSuspect && isOddObject(memory.state(), slot, key, Date.now());
      if (isOdd) unclear = refusal;

      replies.push({ slot, s3Code, isOdd });
      continue;
    }

    // S3 accepts the key, and has no such object for it.
    if (verdict.result === "object-refused") replies.push({ slot });

    // With the next slot it would be the same, and cost the visitor more time.
    if (!mayDependOnKey(refusal, verdict)) {
      result = refusal;
      break;
    }

    // The key of the next slot may open the object. Of two denials, the certain one counts.
    if (refusal.event !== "object-denied") unclear = refusal;
    else if (!denial || !isCertain(denial)) denial = refusal;
  }

  const now = Date.now();
  memory.learn({ type: "slots-tried", key, replies, now });

  if (denial) return combine(denial, unclear, result);
  if (result) return result;
  if (unclear) return unclear;

  // Every slot was refused: nothing is known about the object.
  return refuseAll(bucket, now);
}

/** The request to the next slot: a denial must not wait for it for so long that the object counts as unanswered. */
function afterDenial({ part, deadline, denialDeadline = Infinity }: OpenOptions): ObjectRequest {
  return { part, deadline: Math.min(deadline, denialDeadline) };
}

/**
 * What comes of a search in which S3 denied the object to a slot.
 * @param unclear what another slot got, if nobody knows what it means
 * @param result with what the search ended; undefined: it went through all slots
 */
function combine(
  denial: UpstreamRefusal,
  unclear: UpstreamRefusal | undefined,
  result: OpenedObject | Refusal | undefined,
): OpenedObject | Refusal {
  if (!result) return { ...denial, certain: isCertain(denial) && !unclear };

  // Another slot opens the object, or S3 tells it more: that it is missing, for example.
  if (!isRefusal(result) || isAboutObject(result)) return result;

  // To the other slot, S3 gave no answer about the object. That slot may be the one that opens it, so the denial is not
  // certain, and a busy S3 may be asked again.
  const { isTransient = false } = detailsOf(result);
  return { ...denial, certain: false, isTransient };
}

/** S3 refuses all slots. The log has this refusal once a minute. */
function refuseAll(bucket: Bucket, now: number): Refusal {
  const memory = bucketMemoryOf(bucket);
  const reasons = ["npx vitrine doctor says what is wrong", ...unusableSlotMistakes(bucket)];

  // The state is read before the memory learns of this refusal: after that, every refusal would be a repeated one.
  const state = memory.state();
  memory.learn({ type: "all-refused", now });

  return {
    event: "slots-refused",
    slots: refusedSlots(state),
    reason: reasons.join("; "),
    repeated: isAllRefusedReported(state, now),
  };
}

/** A session that is younger than this is new. If S3 refuses it, S3 would refuse the next one as well: ms. */
const NEW_MS = 60_000;

/** Opens an object with a session of a role. If S3 refuses the session, a new one is used, once. */
async function openByRole(
  bucket: Bucket,
  role: Role,
  url: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const memory = roleMemoryOf(role);
  let refusedSession: Session | undefined;

  for (;;) {
    const session = await getSession(memory, options, refusedSession);
    if (isStsFailure(session)) return refuseRole(memory, session);

    const reply = await askS3(bucket, url, session, options);
    if (reply.kind === "opened") {
      memory.learn({ type: "object-requested", session, denied: false });
      return reply.object;
    }

    // S3 accepts the session, and has no such object for it. The memory counts denials, because S3 denies every object
    // to a session that was revoked (K9).
    const { refusal, verdict } = reply;
    if (verdict.result === "object-refused") {
      const denied = verdict.s3Code === "AccessDenied";
      memory.learn({ type: "object-requested", session, denied });
      return refusal;
    }

    // S3 does not answer, is busy, redirects, or finds the clock wrong: a new session would not help.
    if (verdict.result !== "slot-refused") return refusal;

    // S3 does not accept the session. Another one is requested once for a visitor, unless the session is new.
    const isNew = Date.now() - session.began < NEW_MS;
    if (isNew || refusedSession) {
      const sessions = isNew ? "new credentials" : "credentials";
      const reason = `S3 refuses ${sessions} of the role`;
      return refuseRole(memory, { code: verdict.s3Code, reason });
    }
    refusedSession = session;
  }
}
