// The one table: everything that the doctor checks, and all causes that it can name. Data, and its types.

import { BUCKET_CHECKS } from "./bucket.ts";
import { DOOR_CHECKS } from "./door.ts";
import { EDGE_CHECKS } from "./edge.ts";
import { type CauseEntry, type CheckEntry, NO_IMAGE } from "./entry.ts";
import { FALLBACK_CHECKS } from "./fallback.ts";
import { KEPT_CHECKS } from "./kept.ts";
import { KEYLESS_CHECKS } from "./keyless.ts";
import { OBJECT_CHECKS } from "./object.ts";
import { SITE_CHECKS } from "./site.ts";
import { SLOT_CHECKS } from "./slot.ts";

export const CHECKS = {
  ...BUCKET_CHECKS,
  ...SLOT_CHECKS,
  ...OBJECT_CHECKS,
  ...SITE_CHECKS,
  ...EDGE_CHECKS,
  ...FALLBACK_CHECKS,
  ...KEPT_CHECKS,
  ...DOOR_CHECKS,
  ...KEYLESS_CHECKS,
} as const;

type Table = typeof CHECKS;
type CausesOf<Name extends Check> = Table[Name] extends { causes: infer Causes } ? Causes : never;

export type Check = keyof Table;
/** A check is itself the cause, if there is no more exact one. */
export type CauseId = Check | { [Name in Check]: keyof CausesOf<Name> & string }[Check];

/** The facts that the texts of a cause have holes for. */
export type FactsOf<Id extends CauseId> = {
  readonly [Hole in HolesIn<TextIn<EntryOf<Id>>>]: string | number;
};

type Cause = Omit<CheckEntry & CauseEntry, "deploys"> & {
  readonly check: Check;
  readonly why: string;
  readonly deploys: boolean;
};

/** Everything that can be wrong, by cause. */
export const CAUSES: ReadonlyMap<string, Cause> = new Map(
  Object.keys(CHECKS)
    .filter((name) => isCheck(name))
    .flatMap((check) => {
      const { causes = {}, why = NO_IMAGE, ...rest }: CheckEntry = CHECKS[check];
      const entry = { ...rest, why, check, deploys: rest.deploys === true };
      const own = Object.entries(causes).map(([id, cause]): [string, Cause] => {
        const { remedy = entry.remedy, here = cause.remedy ?? entry.here ?? remedy } = cause;
        // A remedy of its own changes wrangler.toml only if it says so.
        const deploys = cause.remedy === undefined ? entry.deploys : cause.deploys === true;
        return [id, { ...entry, ...cause, here, deploys }];
      });
      return [[check, entry], ...own];
    }),
);

function isCheck(name: string): name is Check {
  return name in CHECKS;
}

/** Returns whether it is about the credentials of one slot. */
export function isOfSlot(check: Check): boolean {
  return check in SLOT_CHECKS;
}

type EntryOf<Id extends CauseId> = {
  [Name in Check]: Id extends Name
    ? Table[Name]
    : Id extends keyof CausesOf<Name>
      ? CausesOf<Name>[Id] & Omit<Table[Name], keyof CausesOf<Name>[Id]>
      : never;
}[Check];

type TextIn<Entry> = Entry extends Entry ? Extract<Entry[keyof Entry], string> : never;

type HolesIn<Text extends string> = Text extends `${string}{${infer Hole}}${infer Rest}`
  ? (Hole extends `${string} ${string}` ? never : Hole) | HolesIn<Rest>
  : never;
