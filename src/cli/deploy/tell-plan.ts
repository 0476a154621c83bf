// Says which secret goes into which Worker. Shows no part of a secret, and only the last four characters of
// a key id. Pure.

import { isSecret, secretNames } from "../../worker/config/read-secrets.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { align } from "../command.ts";
import { storeOf } from "../config/compare-environments.ts";
import type { KnownVars, R2Binding } from "../config/environment-config.ts";
import type { Chosen } from "./choose-secrets.ts";

/** @param file the name of the secrets file */
export function tellPlan(known: KnownVars, { sent, slots }: Chosen, file: string): string[] {
  const { worker, environment, patterns, secrets } = known;
  const store = storeOf(known);
  const place = environment === undefined ? "the top level" : `environment ${environment}`;
  const domains = patterns.join(", ") || "a workers.dev address";
  const ofSlots = slots.flatMap(({ word, name }) => Object.values(secretNames(word, name)));
  const single = Object.keys(sent).filter((name) => !ofSlots.includes(name));
  const kept = secrets.filter((name) => !(name in sent));
  const from = `from ${file}`;
  const rows = [
    ...slots.map((slot) => [`${slot.word}, slot ${slot.name}`, keyText(slot), from]),
    ...single.map((name) => [name, isSecret(name) ? "" : "not one of Vitrine's", from]),
    ...(store === undefined ? [] : [["store", storeText(store), SWITCH_ON]]),
    ...kept.map((name) => [name, "", "stays as it is, if it is deployed"]),
  ];
  const lines = align(rows).map((line) => `  ${line}`);
  return [`Worker ${worker} (${place}), at ${domains}:`, ...lines];
}

const SWITCH_ON = "R2 must be switched on in the account, once";

function storeText({ binding, bucket_name: name }: R2Binding): string {
  return name === undefined ? `${binding}: wrangler makes its R2 bucket` : `the R2 bucket ${name}`;
}

function keyText(slot: Slot): string {
  const token = slot.credentials.sessionToken === undefined ? "" : ", with its session token";
  return `the key ${keyEnd(slot)}${token}`;
}
