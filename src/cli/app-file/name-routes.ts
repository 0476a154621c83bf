// Names the routes in the file of an app: each has a client, a site and two types, which are called after its path.

export type RouteName = {
  /** The name of the client: `myPhotos`. */
  readonly value: string;
  /** What the names of the types begin with: `MyPhotos`. */
  readonly type: string;
};

/**
 * Names each route after the first literal segment of its path: `/my-photos/:preset/*` is `myPhotos`; without
 * such a segment it is `root`. A reserved word gets the suffix `Images`: `privateImages`. A name that an earlier
 * route has gets a number: `images2`.
 * @param isTaken whether a name has another meaning in the file
 */
export function nameRoutes(
  paths: readonly string[],
  isTaken: (name: string) => boolean,
): readonly RouteName[] {
  const used = new Set<string>();
  const isFree = (name: string) => !used.has(name) && !isTaken(name);

  const names: RouteName[] = [];
  for (const path of paths) {
    const identifier = identifierOf(path);
    const isUnusable = RESERVED.has(identifier) || isTaken(identifier);
    const preferred = isUnusable ? `${identifier}Images` : identifier;

    const name = findFreeName(preferred, isFree);
    for (const declared of declaredNames(name)) used.add(declared);
    names.push(name);
  }
  return names;
}

function findFreeName(preferred: string, isFree: (name: string) => boolean): RouteName {
  for (let count = 1; ; count += 1) {
    const value = count === 1 ? preferred : preferred + count;
    const name = { value, type: capitalized(value) };
    if (declaredNames(name).every(isFree)) return name;
  }
}

/** What the file declares for a route. */
function declaredNames({ value, type }: RouteName): string[] {
  return [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
}

const RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval
  export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while
  with yield`.split(/\s+/),
);

function identifierOf(path: string): string {
  const [first, ...otherParts] = identifierParts(path);
  const start = first.replace(/^./u, (letter) => letter.toLowerCase());
  const name = [start, ...otherParts.map(capitalized)].join("");

  // A digit cannot be the first character: `/2x/…` is `route2x`.
  if (/^\p{ID_Start}/u.test(name)) return name;
  return `route${name}`;
}

type Parts = readonly [string, ...string[]];

/** `/:preset/my-photos/*` has the parts `my` and `photos`. Placeholders such as `:preset` are no names. */
function identifierParts(path: string): Parts {
  for (const segment of path.split("/")) {
    if (/^[:*]/.test(segment)) continue;

    const [first, ...otherParts] = segment.normalize().match(/(?:(?!_)\p{ID_Continue})+/gu) ?? [];
    if (first !== undefined) return [first, ...otherParts];
  }
  return ["root"];
}

function capitalized(text: string): string {
  return text.replace(/^./u, (letter) => letter.toUpperCase());
}
