// What a bucket may be given: its settings, its objects, and the names of what goes wrong. Anything
// else throws a TypeError.

import { isUint8Array } from "node:util/types";
import { call, oneOf, optional, type Rule, table, text } from "../check.ts";
import type { Sessions } from "../sessions.ts";
import type { Stored } from "./send-object.ts";
import type { S3Settings } from "./state.ts";

const endpoint: Rule<string> = {
  what: "the URL of an S3 without a path, such as https://s3.eu-west-1.amazonaws.com",
  test: (value): value is string =>
    typeof value === "string" && /^https?:\/\/[^/?#]+\/?$/.test(value) && URL.canParse(value),
};

const bucket: Rule<string> = {
  what: "the name of a bucket, without a slash",
  test: (value): value is string => typeof value === "string" && /^[^/]+$/.test(value),
};

const prefix: Rule<string> = {
  what: "a prefix of keys",
  test: (value): value is string => typeof value === "string",
};

const sessions: Rule<Sessions> = {
  what: "the sessions of an STS: a Map",
  test: (value): value is Sessions => value instanceof Map,
};

export const SETTING_RULES = {
  endpoint,
  bucket,
  region: text,
  credentials: table<S3Settings["credentials"]>({
    accessKeyId: text,
    secretAccessKey: text,
    sessionToken: optional(text),
  }),
  sessions: optional(sessions),
  dialect: optional(oneOf("aws", "r2")),
  readable: optional(prefix),
  now: optional(call<() => number>()),
} satisfies Record<keyof S3Settings, Rule>;

/** Objects by their keys. */
export class Objects extends Map<string, Stored> {
  override set(key: string, object: Stored): this {
    const { body, type }: Partial<Stored> = Object(object);
    if (isUint8Array(body) && typeof type === "string") return super.set(key, object);
    const right = '{ body: bytes, type: "image/jpeg" }, where bytes are a Buffer or Uint8Array';
    const hint = body instanceof Promise ? ". The body is a Promise: await it" : "";
    throw new TypeError(`s3.objects: "${key}" is not ${right}${hint}`);
  }
}
