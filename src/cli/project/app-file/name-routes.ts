// Gives each route a name for code.

const RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval
  export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while
  with yield`.split(/\s+/),
);

/** The name of a route's client, and the beginning of its types' names. */
export type RouteName = { readonly value: string; readonly type: string };

/**
 * Names each route after the first literal segment of its path that has letters or digits:
 * `/my-photos/:preset/*` is `myPhotos`, the next one `myPhotos2`; without such a segment it is `root`. A
 * word that cannot be a name gets `Images` at its end: `privateImages`.
 * @param taken whether a name has another meaning in the file
 */
export function nameRoutes(
  paths: readonly string[],
  taken: (name: string) => boolean,
): readonly RouteName[] {
  const given = new Set<string>();
  return paths.map((path) => {
    const found = identifierOf(path);
    const plain = RESERVED.has(found) || taken(found) ? `${found}Images` : found;
    for (let count = 1; ; count += 1) {
      const value = count === 1 ? plain : `${plain}${count}`;
      const type = capitalized(value);
      const names = [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
      if (names.some((name) => given.has(name) || taken(name))) continue;
      for (const name of names) given.add(name);
      return { value, type };
    }
  });
}

const capitalized = (word: string) => word.replace(/^./u, (first) => first.toUpperCase());

function identifierOf(path: string): string {
  const literals = path.split("/").filter((segment) => !/^[:*]/.test(segment));
  const words = literals
    .map((segment) => segment.normalize().match(/(?:(?!_)\p{ID_Continue})+/gu) ?? [])
    .find((found) => found.length > 0);
  const [first = "root", ...rest] = words ?? [];
  const shouted = first === first.toUpperCase();
  const begin = shouted
    ? first.toLowerCase()
    : first.replace(/^./u, (found) => found.toLowerCase());
  const name = [begin, ...rest.map(capitalized)].join("");
  return /^\p{ID_Start}/u.test(name) ? name : `route${name}`;
}
