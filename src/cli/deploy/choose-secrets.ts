// Chooses which secrets of a file are deployed, and says what is wrong with the file. No I/O. No message
// contains any part of a secret.

import type { Mistake } from "../../worker/base/refusal.ts";
import {
  readSlots,
  readToken,
  type SlotsRead,
  secretNames,
  signingKeysOf,
} from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { Slot } from "../../worker/config/slot.ts";
import type { KnownVars } from "../config/environment-config.ts";
import { isLocalSigningKey, isOfLocalKey, sessionWords, wordsOf } from "../config/local-run.ts";
import { OIDC_KEYS, oidcKeyFault } from "../secrets/oidc-key.ts";
import { slotSecretNames } from "../secrets/secrets.ts";

export type Chosen = {
  readonly sent: Readonly<Record<string, string>>;
  /** The complete slots, with the word that their secrets' names begin with. */
  readonly slots: readonly (Slot & { readonly word: string })[];
  /** What the file has and is not deployed, and why. */
  readonly unused: readonly Mistake[];
  readonly mistakes: readonly Mistake[];
  /** The session tokens that would not fit the keys that are deployed, if the Worker has them. */
  readonly tokens: readonly string[];
};

type Known = Pick<KnownVars, "deployed" | "secrets">;

/**
 * Chooses what is deployed: what the Worker uses, and is not empty.
 * @param given what the file says
 */
export function chooseSecrets(given: Vars, known: Known): Chosen {
  const words = [...new Set(wordsOf(known.deployed["BUCKETS"]).values())];
  const used = new Set([
    ...words.flatMap(slotSecretNames),
    ...(known.deployed["OIDC"] === undefined ? [] : OIDC_KEYS),
    ...["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN"],
    ...known.secrets,
  ]);
  const sent: Record<string, string> = {};
  const unused: Mistake[] = [];
  for (const [path, value] of Object.entries(given)) {
    if (!used.has(path)) unused.push({ path, message: "is not used by the Worker" });
    else if (typeof value !== "string") unused.push({ path, message: "is not text" });
    // wrangler would deploy an empty secret as an empty text.
    else if (value === "") unused.push({ path, message: "is empty" });
    else sent[path] = value;
  }
  const sessions = sessionWords(known.deployed["BUCKETS"]);
  const read = (word: string) => readSlots(word, sent, () => {}, sessions.has(word));
  const slots = words.flatMap((word) => read(word).usable.map((slot) => ({ ...slot, word })));
  const mistakes = [
    ...words.flatMap((word) => slotMistakes(word, sent, read(word))),
    ...slots.flatMap((slot) => tokenMistakes(slot, known)),
    ...otherMistakes(sent),
  ];
  const left = slots.filter((slot) => sessions.has(slot.word) && !slot.credentials.sessionToken);
  // An empty half of a slot is a mistake already.
  const others = unused.filter(({ path }) => !mistakes.some((mistake) => mistake.path === path));
  return { sent, slots, unused: others, mistakes, tokens: left.map(tokenOf) };
}

/** What is wrong with a slot if the file has at least one of its secrets. */
function slotMistakes(word: string, sent: Vars, { unusable }: SlotsRead): Mistake[] {
  return unusable.flatMap(({ slot, mistakes }) => {
    const isBegun = Object.values(secretNames(word, slot)).some((name) => name in sent);
    if (!isBegun) return [];
    return mistakes.map(({ path, message }) =>
      path in sent ? { path, message } : { path, message: "is missing: a slot needs both secrets" },
    );
  });
}

function tokenOf({ word, name }: Chosen["slots"][number]): string {
  return secretNames(word, name).sessionToken;
}

/** A token that stays as it is deployed belongs to another key. */
function tokenMistakes(slot: Chosen["slots"][number], { secrets }: Known): Mistake[] {
  const path = tokenOf(slot);
  if (slot.credentials.sessionToken || !secrets.includes(path)) return [];
  const message = "is missing: [secrets] lists it, and the deployed one belongs to another key";
  return [{ path, message }];
}

function* otherMistakes(sent: Vars) {
  for (const [path, value] of Object.entries(sent)) {
    if (isOfLocalKey(value)) {
      yield { path, message: "is the one of the local run, which opens only the local S3" };
    }
    if (isLocalSigningKey(path, value)) {
      const message =
        "is the one of the local run: make one for each environment: docs/signed-urls.md";
      yield { path, message };
    }
    if (/^\$(?:\w+|\{\w+\})$/.test(`${value}`)) {
      yield { path, message: "is the name of a variable: write its value here" };
    }
  }
  if (sent["HEALTH_TOKEN"] && readToken(sent, "HEALTH_TOKEN") === undefined) {
    yield { path: "HEALTH_TOKEN", message: "is not 16 or more ASCII characters" };
  }
  if (sent["PURGE_TOKEN"] && readToken(sent, "PURGE_TOKEN") === undefined) {
    yield { path: "PURGE_TOKEN", message: "is not 32 or more ASCII characters" };
  }
  for (const path of OIDC_KEYS) {
    const value = sent[path];
    const message = typeof value === "string" ? oidcKeyFault(path, value) : undefined;
    if (message !== undefined) yield { path, message };
  }
  const found: Mistake[] = [];
  if (sent["URL_SIGNING_KEYS"]) {
    signingKeysOf(sent, (path, message) => found.push({ path, message }));
  }
  yield* found;
}
