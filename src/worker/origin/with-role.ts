// Does something with the credentials of a bucket's role, and with new ones where S3 finds them expired.

import { isDenied, type Refusal } from "../base/refusal.ts";
import type { Bucket } from "../config/bucket.ts";
import { conclude, hasServed } from "./conclude.ts";
import type { Sign } from "./failover.ts";
import { getSession, type RoleMemory, refuse } from "./get-session.ts";
import type { Visit } from "./probe.ts";
import { isFailure } from "./session.ts";
import { signWith } from "./sign-request.ts";
import type { SignedHeaders } from "./sigv4.ts";
import { verdictOf } from "./verdict.ts";

/** What S3 says of credentials that are not good any more (A11). New ones may be. */
const OVER: ReadonlySet<string> = new Set(["ExpiredToken", "InvalidToken", "InvalidAccessKeyId"]);

/** Credentials that S3 refuses so soon are not fetched anew: that would not help. ms. */
const NEW_MS = 60_000;

/**
 * The counterpart of `withSlots` for a role.
 * @param url the object's URL at the origin
 * @param make sends the request, with the headers that sign it
 */
export async function withRole<Made extends object>(
  memory: RoleMemory,
  { region }: Pick<Bucket, "region">,
  url: string,
  visit: Visit,
  make: (headers: SignedHeaders, sign: Sign) => Promise<Made | Refusal>,
): Promise<Made | Refusal> {
  for (let times = 1; ; times++) {
    const session = await getSession(memory, visit);
    if (isFailure(session)) return refuse(memory, session);
    const sign: Sign = (one) => signWith(session, one, region, Date.now());
    const made = await make(await sign(url), sign);
    if (!isDenied(made)) {
      if (hasServed(made)) memory.learn({ type: "object-asked", session, denied: false });
      return made;
    }
    const verdict = verdictOf(made.said ?? {}, region);
    const { fault, origin = "" } = verdict;
    if (fault !== "slot") {
      if (origin === "AccessDenied") memory.learn({ type: "object-asked", session, denied: true });
      return conclude(made, verdict, true);
    }
    const isNew = Date.now() - session.began < NEW_MS;
    if (!OVER.has(origin) || isNew || times > 1) {
      const reason = `S3 refuses ${isNew ? "new " : ""}credentials of the role`;
      return refuse(memory, { origin, reason });
    }
    memory.learn({ type: "session-refused", session });
  }
}
