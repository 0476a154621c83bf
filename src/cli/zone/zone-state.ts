// What a zone of Cloudflare has of what Vitrine needs there: a rule that shuts the side door (E10), the origins that
// the edge may fetch from (E5), and transformations. Types alone.

/** A part that could not be read. What is unknown is not proof, so nothing is built on it. */
export type Unread = {
  readonly kind: "unread";
  readonly reason: string;
  /** The permission that the token lacks, in the words of Cloudflare's dashboard. */
  readonly right: string | undefined;
};

/** The custom rule that blocks `/cdn-cgi/image/`. `expression` is what ours has to be. */
export type DoorRule =
  /** Enabled rules block all that has to be blocked. */
  | {
      readonly kind: "shut";
      readonly description: string;
      /** Whether a rule blocks it on every host of the zone, whatever the path names. */
      readonly isZoneWide: boolean;
    }
  | {
      readonly kind: "missing";
      /** Undefined: the zone has no ruleset of this phase. */
      readonly rulesetId: string | undefined;
      readonly expression: string;
    }
  /** Our own rule is switched off, stands behind a rule that skips it, or does not block all of it. */
  | {
      readonly kind: "incomplete";
      readonly rulesetId: string;
      readonly ruleId: string;
      readonly expression: string;
      readonly fault: string;
      /** What it is now, as text. */
      readonly previous: string;
    }
  /** Somebody changed our own rule by hand, and it does not certainly block all of it. */
  | { readonly kind: "edited"; readonly expression: string }
  /** There is no rule, and the list has no room for one. */
  | { readonly kind: "full"; readonly count: number; readonly expression: string }
  | Unread;

/** Which origins the zone allows. */
export type Sources =
  /** `*`: all. */
  | { readonly kind: "any" }
  | {
      readonly kind: "list";
      /** As it is set, byte for byte. */
      readonly text: string;
      /** The entries of ours that the list does not allow. */
      readonly missing: readonly string[];
    }
  | Unread;

export type Transformations = { readonly kind: "on" | "off" | "open" } | Unread;

export type Zone = {
  readonly id: string;
  readonly name: string;
  /** The hosts of the Worker in this zone, as its routes name them: `images.example.com`, `*.example.com`. */
  readonly hosts: readonly string[];
  /** How many custom rules its plan has room for; undefined: that is not known. */
  readonly maxRules: number | undefined;
  /** The variable that has the token. */
  readonly tokenName: string;
};

/** The settings of a zone. */
export type ZoneSettings = Zone & {
  readonly kind: "zone";
  /** Whether the side door is shut. */
  readonly rule: DoorRule;
  readonly sources: Sources;
  readonly transformations: Transformations;
};

/** Hosts of which the zone is not known, or is not to be touched. */
export type NoZone = {
  readonly kind: "no-zone";
  readonly tokenName: string;
  readonly hosts: readonly string[];
  readonly reason: string;
  readonly right: string | undefined;
};

export type ZoneSeen = ZoneSettings | NoZone;

export type ZonesSeen =
  /** The image edge fetches from no bucket. */
  | { readonly kind: "not-needed" }
  /** The routes name no host. */
  | { readonly kind: "no-host" }
  | { readonly kind: "no-token" }
  /** The package `cloudflare` is not installed. */
  | { readonly kind: "no-package"; readonly fault: string }
  | {
      readonly kind: "zones";
      /** The variable that has the token. */
      readonly tokenName: string;
      readonly zones: readonly ZoneSeen[];
    };
