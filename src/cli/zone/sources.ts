// The text of a zone's allowed origins: entries with commas between them, `*` for all (E5, E14). An entry is a host, or
// `*.host`, and may have a path that the source's path begins with. The text of others is kept byte for byte. Pure.

import type { Sources } from "./zone-state.ts";

/**
 * Judges the value of the setting.
 * @param value as the API has it. Anything but a text is not known to mean "none": the documented default is `*`
 * @param ownEntries what Vitrine needs, as `sourceEntryOf` writes it
 */
export function judgeSources(value: unknown, ownEntries: readonly string[]): Sources {
  if (typeof value !== "string" || !hasKnownForm(value)) {
    const excerpt = JSON.stringify(value)?.slice(0, 200);
    const reason = `the list of allowed origins has a form that is not known: ${excerpt}`;
    return { kind: "unread", reason, right: undefined };
  }

  const entries = entriesOf(value);
  if (entries.includes("*")) return { kind: "any" };

  const isAllowed = (ownEntry: string) => entries.some((entry) => allows(entry, ownEntry));
  const missing = ownEntries.filter((ownEntry) => !isAllowed(ownEntry));
  return { kind: "list", text: value, missing };
}

/** The text with more entries behind it. What is there stays as it is. */
export function addEntries(text: string, added: readonly string[]): string {
  const addition = added.join(",");
  if (text.trim() === "") return addition;
  if (text.trimEnd().endsWith(",")) return text + addition;
  return `${text},${addition}`;
}

/** The parts that the text had before, and has no more: somebody else wrote at the same time. */
export function lostEntries(before: string, after: string): string[] {
  const left = entriesOf(after);
  return entriesOf(before).filter((entry) => !left.includes(entry));
}

/** The entries that allow many hosts, whose owners may be anybody. */
export function wildcardEntries(text: string): string[] {
  return entriesOf(text).filter((entry) => entry.startsWith("*."));
}

function entriesOf(text: string): string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  return entries.filter((entry) => entry !== "");
}

/** `*`, or a host with at least one dot, perhaps behind `*.`, and perhaps with a path. */
const ENTRY =
  /^(?:\*|(?:\*\.)?[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?::\d+)?(?:\/[^\s,\p{C}]*)?)$/u;

function hasKnownForm(text: string): boolean {
  return entriesOf(text).every((entry) => ENTRY.test(entry));
}

/** Returns whether an entry of the list certainly allows all that an entry of ours is for. */
function allows(entry: string, ownEntry: string): boolean {
  const { host, path } = splitEntry(entry);
  const { host: ownHost, path: ownPath } = splitEntry(ownEntry);
  if (!ownPath.startsWith(path)) return false;

  if (host.startsWith("*.")) return ownHost.endsWith(host.slice(1));
  return ownHost === host;
}

type EntryParts = {
  readonly host: string;
  /** Empty: the entry has none, so it allows all paths. */
  readonly path: string;
};

function splitEntry(entry: string): EntryParts {
  const slash = entry.indexOf("/");
  if (slash < 0) return { host: entry.toLowerCase(), path: "" };
  return { host: entry.slice(0, slash).toLowerCase(), path: entry.slice(slash) };
}
