// Session credentials of the server's own STS, and tokens that are old or spoilt.

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { sendToS3 } from "./client.ts";
import { STS_KEY } from "./radosgw.ts";
import type { User } from "./world.ts";

export type Session = Required<Credentials>;

const FORM = "application/x-www-form-urlencoded; charset=utf-8";
/** Seconds: the least that the server takes. */
const MIN_DURATION = "900";

/** Lets a user ask for sessions. On SQLite this removes the user's buckets, so it must have none. */
export async function letAskForSessions(user: User): Promise<void> {
  const Statement = [{ Effect: "Allow", Action: ["sts:GetSessionToken"], Resource: ["*"] }];
  const fields = {
    ...{ Action: "PutUserPolicy", Version: "2010-05-08", UserName: user, PolicyName: "sessions" },
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
  };
  await sendToS3("POST", "/", { body: formOf(fields), type: FORM, service: "iam" });
}

/** Asks STS for session credentials of a user. @throws if it gives none */
export async function getSession(user: User): Promise<Session> {
  const fields = {
    Action: "GetSessionToken",
    Version: "2011-06-15",
    DurationSeconds: MIN_DURATION,
  };
  const reply = await sendToS3("POST", "/", {
    body: formOf(fields),
    type: FORM,
    service: "sts",
    user,
  });
  return {
    accessKeyId: read(reply, "AccessKeyId"),
    secretAccessKey: read(reply, "SecretAccessKey"),
    sessionToken: read(reply, "SessionToken"),
  };
}

/** Opens a token with the server's own key, dates it back by a year, and seals it again. */
export function expired(session: Session): Session {
  const sealed = Buffer.from(session.sessionToken, "base64");
  const open = createDecipheriv("aes-128-cbc", STS_KEY, IV);
  const inside = Buffer.concat([open.update(sealed), open.final()]);
  const year = inside.indexOf(`${new Date().getUTCFullYear()}-`); // the first date is the expiry
  inside.write(`${new Date().getUTCFullYear() - 1}-`, year);
  const seal = createCipheriv("aes-128-cbc", STS_KEY, IV);
  const again = Buffer.concat([seal.update(inside), seal.final()]);
  return { ...session, sessionToken: again.toString("base64") };
}

/** Ceph has one for everything. */
const IV = "cephsageyudagreg";

const formOf = (fields: Record<string, string>) => `${new URLSearchParams(fields)}`;

function read(reply: string, name: string): string {
  const value = new RegExp(`<${name}>([^<]+)</${name}>`).exec(reply)?.[1];
  if (value === undefined) throw new Error(`STS gives no ${name}`);
  return value;
}
