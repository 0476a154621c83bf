// Finds a picture of the local bucket that a route shows to somebody, to try a token with.

import { decodePath, encodePath } from "../../url/encoding.ts";
import { type Mapping, REST, readName, writePath } from "../../url/grammar.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { listObjects } from "../objects/list-objects.ts";
import { variantNamesOf, variantPathOf } from "../urls/public-url.ts";

type PictureResult =
  | { readonly kind: "picture"; readonly path: string }
  /** `example`: a picture that the route would show, if it were there. */
  | { readonly kind: "no-picture"; readonly example: Example | undefined }
  | ({ readonly kind: "no-answer" } & CommandFault);

/** The key and the public path of a picture. */
type Example = { readonly key: string; readonly path: string };

const LOOKS_LIKE_PICTURE = /\.(?:jpe?g|png|webp|gif|svg)$/i;

/**
 * Finds a picture of the local bucket that a route shows to somebody.
 * @param pathTexts what names of the path must be
 */
export async function findPicture(
  world: World,
  project: Project,
  route: BoundRoute,
  pathTexts: ReadonlyMap<string, string>,
): Promise<PictureResult> {
  const { bucket, mapping } = route;
  const [variant] = variantNamesOf(project, route);
  if (variant === undefined) return { kind: "no-picture", example: undefined };

  const prefix = keyPrefixOf(route, pathTexts);
  const listed = await listObjects(world, project, { bucket, key: prefix }, "vitrine token");
  if (isFault(listed)) return { kind: "no-answer", ...listed };

  const paths: string[] = [];
  for (const key of listed.keys()) {
    const path = variantPathOf(project.config, route, variant, key);
    if (path !== undefined && isOpenedBy(pathTexts, path, mapping)) paths.push(path);
  }

  // The bucket may have other files, too.
  const picturePath = paths.find((path) => LOOKS_LIKE_PICTURE.test(path)) ?? paths[0];
  if (picturePath !== undefined) return { kind: "picture", path: picturePath };

  const key = exampleKeyOf(route, pathTexts);
  const examplePath = writePath(mapping, { variant, key });
  if (examplePath === undefined) return { kind: "no-picture", example: undefined };
  return { kind: "no-picture", example: { key, path: encodePath(examplePath) } };
}

/** Returns whether the names of a public path have the texts that a token opens. */
function isOpenedBy(
  pathTexts: ReadonlyMap<string, string>,
  path: string,
  mapping: Mapping,
): boolean {
  const decoded = decodePath(path);
  if (decoded === undefined) return false;
  return [...pathTexts].every(([name, text]) => readName(mapping, decoded, name) === text);
}

/** The beginning of all keys that a route shows to somebody. */
function keyPrefixOf({ mapping }: BoundRoute, pathTexts: ReadonlyMap<string, string>): string {
  let prefix = "";

  for (const [index, part] of mapping.key.parts.entries()) {
    const text = isName(index) ? pathTexts.get(part) : part;
    if (text === undefined) break;
    prefix += text;
  }
  return prefix;
}

/** A key that a route could show to somebody. */
function exampleKeyOf({ mapping }: BoundRoute, pathTexts: ReadonlyMap<string, string>): string {
  let key = "";

  for (const [index, part] of mapping.key.parts.entries()) {
    const example = part === REST ? "fig.jpg" : "fig";
    const text = isName(index) ? (pathTexts.get(part) ?? example) : part;
    key += text;
  }
  return key;
}

/** The parts of a pattern are texts and names in turn: `users/`, `:user`, `/`, `*` and "". */
function isName(index: number): boolean {
  return index % 2 === 1;
}
