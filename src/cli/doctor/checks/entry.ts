// What the table says of a check and of its causes, and texts that several of them share.

/** Texts may have holes for facts, such as `{host}`. */
export type CheckEntry = {
  readonly asks: string;
  /** What was seen if it fails. */
  readonly what: string;
  /** Why that matters; `NO_IMAGE`, unless it says so. */
  readonly why?: string;
  /** The command or the click that fixes it. */
  readonly remedy: string;
  /** `error`, unless it says so. */
  readonly severity?: "warning" | "error";
  /** The remedy for the local run, if that needs another one. */
  readonly here?: string;
  /** Visitors see images although it fails. */
  readonly harmless?: true;
  /** It may be over soon: the remedy is to wait. What follows from it is told as such. */
  readonly passing?: true;
  /** The remedy changes wrangler.toml, which a deployed Worker sees only after a deploy. */
  readonly deploys?: true;
  /** More exact causes, by their ids: what they do not say is as above. */
  readonly causes?: Readonly<Record<string, CauseEntry>>;
};

export type CauseEntry = Partial<Omit<CheckEntry, "asks" | "causes">> & {
  /** It is only a consequence if something else was found wrong before. */
  readonly follows?: true;
};

export const NO_IMAGE = "no image of this bucket is shown: visitors get 502";
export const ALL_MISSING = "every object is missing: visitors get 404";
export const UNREADABLE =
  "the edge cannot read this object as an image, or it is over 100 MB, 100 megapixels or 12,000 px a side";

export const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
export const SEE_PROVIDER = "see the provider's status page";
export const REACH_S3 = `make sure that BUCKETS.*.endpoint is reachable from the internet, then ${SEE_PROVIDER}`;
export const SET_CLOCK = "set this machine's clock: timedatectl set-ntp true";
export const READ_LOG =
  "run npx wrangler tail, then ask again: the log names the reason, and its section of docs/errors.md";
export const LOCAL_LOG =
  "remove EDGE from .dev.vars if it is there: it simulates faults. Else see the terminal of npx vitrine dev: the log names the reason, and its section of docs/errors.md";
export const NAME_ANOTHER = "name another one by --key";
// E13
export const BREAK_LOOP =
  "if BUCKETS.*.endpoint in wrangler.toml, or an overlay, is the URL of Vitrine itself, set it to S3's. Else a transformation flow of the zone matches the Worker's URLs: change or remove that flow, in Cloudflare's dashboard under Images";
// A15
export const LEAVE_PARAMETER_OUT =
  'source_parameter = false (a replaced object then shows after an hour, or its cache-control if that is longer), or engine = "binding"';
export const LONGER_TIMEOUT =
  "see whether S3 is slow. Else use smaller originals, or a longer timeout in ANSWERS of wrangler.toml";
