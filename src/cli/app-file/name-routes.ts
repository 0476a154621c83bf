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
 * `/my-photos/:preset/*` is `myPhotos`; without such a segment it is `root`. A route whose name an earlier one
 * has gets its other segments, too: `/images/:preset/team/*` is `imagesTeam`. If it has none, it gets a number:
 * `images2`. A word that cannot be a name gets `Images` at its end: `privateImages`.
 * @param taken whether a name has another meaning in the file
 */
export function nameRoutes(
  paths: readonly string[],
  taken: (name: string) => boolean,
): readonly RouteName[] {
  const given = new Set<string>();
  const usable = (name: string) => (RESERVED.has(name) || taken(name) ? `${name}Images` : name);
  return paths.map((path) => {
    const { short, long } = identifiersOf(path);
    for (let count = 0; ; count += 1) {
      const value = usable(count === 0 ? short : long) + (count > 1 ? count : "");
      const type = capitalized(value);
      const names = [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
      if (names.some((name) => given.has(name) || taken(name))) continue;
      for (const name of names) given.add(name);
      return { value, type };
    }
  });
}

const capitalized = (word: string) => word.replace(/^./u, (first) => first.toUpperCase());

/** The name after the first literal segment, and the same with the words of the other segments. */
function identifiersOf(path: string): { readonly short: string; readonly long: string } {
  const segments = path.split("/").filter((segment) => !/^(?::preset$|\*)/.test(segment));
  const first = segments.find((segment) => !segment.startsWith(":") && wordsOf(segment).length > 0);
  const short = identifierOf(wordsOf(first ?? "root"));
  const others = segments.filter((segment) => segment !== first).flatMap(wordsOf);
  return { short, long: [short, ...others.map(capitalized)].join("") };
}

function wordsOf(segment: string): string[] {
  return segment.normalize().match(/(?:(?!_)\p{ID_Continue})+/gu) ?? [];
}

function identifierOf([first = "", ...rest]: readonly string[]): string {
  const shouted = first === first.toUpperCase();
  const begin = shouted
    ? first.toLowerCase()
    : first.replace(/^./u, (first) => first.toLowerCase());
  const name = [begin, ...rest.map(capitalized)].join("");
  return /^\p{ID_Start}/u.test(name) ? name : `route${name}`;
}
