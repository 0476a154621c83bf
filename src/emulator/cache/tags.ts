// Cache tags (W10). No I/O.

const LONGEST = 1024;

/** Printable ASCII without a space. A comma ends a tag. */
const TAG = /^[!-+\--~]+$/;

/** Reads a `cache-tag` header. What is no tag is dropped in silence. The case of letters does not count. */
export function readTags(header: string | null): ReadonlySet<string> {
  const all = (header ?? "").split(",").map((tag) => tag.trim());
  return new Set(all.filter(isTag).map(spellTag));
}

/** The one spelling by which tags are compared. */
export function spellTag(tag: string): string {
  return tag.toLowerCase();
}

function isTag(text: string): boolean {
  return text.length <= LONGEST && TAG.test(text);
}
