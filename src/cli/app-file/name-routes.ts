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
 * Names each route after the first literal segment of its path: `/my-photos/:preset/*` is `myPhotos`; without
 * such a segment it is `root`. A word that cannot be a name gets `Images` at its end: `privateImages`. A name
 * that an earlier route has gets a number: `images2`.
 * @param isTaken whether a name has another meaning in the file
 */
export function nameRoutes(
  paths: readonly string[],
  isTaken: (name: string) => boolean,
): readonly RouteName[] {
  const given = new Set<string>();
  return paths.map((path) => {
    const word = identifierOf(path);
    const name = RESERVED.has(word) || isTaken(word) ? `${word}Images` : word;
    for (let count = 1; ; count += 1) {
      const value = count === 1 ? name : name + count;
      const type = capitalized(value);
      const names = [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
      if (names.some((one) => given.has(one) || isTaken(one))) continue;
      for (const one of names) given.add(one);
      return { value, type };
    }
  });
}

function identifierOf(path: string): string {
  const segments = path.split("/").filter((segment) => !/^[:*]/.test(segment));
  const words = segments.map((one) => one.normalize().match(/(?:(?!_)\p{ID_Continue})+/gu));
  const [first = "", ...rest] = words.find((one) => one !== null) ?? ["root"];
  const begin = first.replace(/^./u, (letter) => letter.toLowerCase());
  const name = [begin, ...rest.map(capitalized)].join("");
  return /^\p{ID_Start}/u.test(name) ? name : `route${name}`;
}

function capitalized(word: string): string {
  return word.replace(/^./u, (letter) => letter.toUpperCase());
}
