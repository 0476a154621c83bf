// Reads a request of AssumeRoleWithWebIdentity (K1).

import type { StsRefusal } from "./refusal.ts";

/** What a request asks for. */
type Form = {
  readonly role: string;
  readonly name: string;
  readonly token: string;
  /** How long the session is to last. */
  readonly seconds: number;
};

const ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const NAME = /^[\w+=,.@-]{2,64}$/;
const LONGEST_TOKEN = 20_000;

/** Reads the fields, or says what is wrong with them. */
export function readForm(method: string, body: string): Form | StsRefusal {
  const fields = new URLSearchParams(body);
  const of = (name: string) => fields.get(name) ?? "";
  if (method !== "POST" && method !== "GET") {
    return {
      status: 400,
      code: "InvalidAction",
      message: `Could not find operation for ${method}`,
    };
  }
  if (of("Action") !== "AssumeRoleWithWebIdentity" || of("Version") !== "2011-06-15") {
    const message = `Could not find operation ${of("Action")} for version ${of("Version")}`;
    return { status: 400, code: "InvalidAction", message };
  }
  const [role, name, token] = [of("RoleArn"), of("RoleSessionName"), of("WebIdentityToken")];
  const seconds = Number(fields.get("DurationSeconds") ?? "3600");
  const wrong = [
    ...(ARN.test(role) ? [] : ["roleArn"]),
    ...(NAME.test(name) ? [] : ["roleSessionName"]),
    ...(token.length >= 4 && token.length <= LONGEST_TOKEN ? [] : ["webIdentityToken"]),
    ...(Number.isInteger(seconds) && seconds >= 900 && seconds <= 43_200
      ? []
      : ["durationSeconds"]),
  ];
  if (wrong.length === 0) return { role, name, token, seconds };
  const all = wrong.map((field) => `Value at '${field}' failed to satisfy constraint`).join("; ");
  const message = `${wrong.length} validation error${wrong.length > 1 ? "s" : ""} detected: ${all}`;
  return { status: 400, code: "ValidationError", message };
}
