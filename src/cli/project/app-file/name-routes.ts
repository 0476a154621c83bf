// What routes are called in code.

const RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval
  export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while
  with yield`.split(/\s+/),
);

/** The name of a route's client, and what its types begin with. */
export type RouteName = { readonly value: string; readonly type: string };

/**
 * Names for routes, after the first literal segment of their paths that has letters or digits in it:
 * `/my-photos/:preset/*` is `myPhotos`, the next one `myPhotos2`, and one without such a segment `root`.
 * What cannot be a name, as `private`, is `privateImages`.
 * @param taken names that mean something else where these are to stand
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
      const type = value.replace(/^./u, (first) => first.toUpperCase());
      const names = [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
      if (names.some((name) => given.has(name) || taken(name))) continue;
      for (const name of names) given.add(name);
      return { value, type };
    }
  });
}

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
  const joined = [
    begin,
    ...rest.map((word) => word.replace(/^./u, (found) => found.toUpperCase())),
  ];
  const name = joined.join("");
  return /^\p{ID_Start}/u.test(name) ? name : `route${name}`;
}
