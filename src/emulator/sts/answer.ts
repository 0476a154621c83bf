// STS's answers as XML.

import { escapeXml } from "../s3/refuse.ts";
import type { Session } from "../sessions.ts";
import type { Claims } from "./read-token.ts";
import type { StsRefusal } from "./refusal.ts";

const NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';
const REQUEST_ID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7";

/** Writes a refusal. */
export function refusalAnswer({ status, code, message }: StsRefusal): Response {
  const type = status >= 500 ? "Receiver" : "Sender";
  const error = tag("Error", tag("Type", type) + text("Code", code) + text("Message", message));
  return xml(
    `<ErrorResponse ${NAMESPACE}>${error}${tag("RequestId", REQUEST_ID)}</ErrorResponse>`,
    status,
  );
}

/** What a session is for. */
type Given = {
  readonly id: string;
  readonly session: Session;
  readonly role: string;
  readonly name: string;
  readonly claims: Claims;
};

/** Writes session credentials. */
export function sessionAnswer({ id, session, role, name, claims }: Given): Response {
  const [, account = "", short = ""] =
    /^arn:[^:]*:iam::(\d*):role\/(?:.*\/)?(.*)$/.exec(role) ?? [];
  const user =
    text("Arn", `arn:aws:sts::${account}:assumed-role/${short}/${name}`) +
    text("AssumedRoleId", `AROACLKWSDQRAOEXAMPLE:${name}`);
  const credentials =
    text("SessionToken", session.sessionToken) +
    text("SecretAccessKey", session.secretAccessKey) +
    tag("Expiration", new Date(session.expires).toISOString().replace(/\.\d+Z/, "Z")) +
    text("AccessKeyId", id);
  const result =
    text("SubjectFromWebIdentityToken", claims.sub) +
    text("Audience", claims.aud) +
    tag("AssumedRoleUser", user) +
    tag("Credentials", credentials) +
    text("Provider", claims.iss);
  const body =
    tag("AssumeRoleWithWebIdentityResult", result) +
    tag("ResponseMetadata", tag("RequestId", REQUEST_ID));
  return xml(
    `<AssumeRoleWithWebIdentityResponse ${NAMESPACE}>${body}</AssumeRoleWithWebIdentityResponse>`,
    200,
  );
}

const tag = (name: string, content: string) => `<${name}>${content}</${name}>`;
const text = (name: string, content: string) => tag(name, escapeXml(content));

function xml(body: string, status: number): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": REQUEST_ID },
  });
}
