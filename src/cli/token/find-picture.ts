// Finds a picture of the local bucket that a route shows to somebody, to try a token with.

import { decodePath, encodePath } from "../../url/encoding.ts";
import { readName, writePath } from "../../url/grammar.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { listObjects } from "../objects/list-objects.ts";
import { variantNamesOf, variantPathOf } from "../urls/public-url.ts";

type PictureResult =
  | { readonly kind: "picture"; readonly path: string }
  | {
      readonly kind: "no-picture";
      readonly example: { readonly key: string; readonly path: string } | undefined;
    }
  | ({ readonly kind: "no-answer" } & CommandFault);

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
  const [variant = ""] = variantNamesOf(project, route);
  const listed = await listObjects(
    world,
    project,
    { bucket, key: keyPrefixOf(route, pathTexts) },
    "vitrine token",
  );
  if (isFault(listed)) return { kind: "no-answer", ...listed };

  const paths = [...listed.keys()].flatMap((key) => {
    const path = variantPathOf(project.config, route, variant, key);
    const decoded = path && decodePath(path);
    if (path === undefined || decoded === undefined) return [];
    const isOpened = [...pathTexts].every(
      ([name, text]) => readName(mapping, decoded, name) === text,
    );
    return isOpened ? [path] : [];
  });
  const path = paths.find((candidate) => LOOKS_LIKE_PICTURE.test(candidate)) ?? paths[0];
  if (path !== undefined) return { kind: "picture", path };

  const key = exampleKeyOf(route, pathTexts);
  const examplePath = writePath(mapping, { variant, key });
  const example = examplePath === undefined ? undefined : { key, path: encodePath(examplePath) };
  return { kind: "no-picture", example };
}

/** The beginning of all keys that a route shows to somebody. */
function keyPrefixOf({ mapping }: BoundRoute, pathTexts: ReadonlyMap<string, string>): string {
  const texts: string[] = [];
  for (const [index, part] of mapping.key.parts.entries()) {
    const text = index % 2 === 0 ? part : pathTexts.get(part);
    if (text === undefined) break;
    texts.push(text);
  }
  return texts.join("");
}

/** A key that a route could show to somebody. */
function exampleKeyOf({ mapping }: BoundRoute, pathTexts: ReadonlyMap<string, string>): string {
  const texts = mapping.key.parts.map((part, index) => {
    if (index % 2 === 0) return part;
    return pathTexts.get(part) ?? (part === "*" ? "fig.jpg" : "fig");
  });
  return texts.join("");
}
