// Leaves out the objects that the local run brings with it, where an app does not need their facts. An object is known by
// its key and its content: a picture of the project may have the key of a sample.

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson, tableOf } from "../../worker/util/json.ts";
import { PACKAGE_ROOT } from "../command.ts";
import type { Listed } from "../objects/list-page.ts";

const FIXTURES = join(PACKAGE_ROOT, "fixtures/objects");

type Objects = ReadonlyMap<string, Listed>;

type WithoutSamples = {
  readonly objects: Objects;
  /** Whether all samples are left out, and not only the broken ones. */
  readonly isOfProject: boolean;
};

/**
 * Returns the objects whose facts an app needs: the project's own, or the samples, as long as there are no others. No
 * app shows a broken sample.
 */
export function withoutSamples(objects: Objects): WithoutSamples {
  const text = readFileSync(join(FIXTURES, "objects.json"), "utf8");
  const { pictures, hardKeys, broken } = tableOf(parseJson(text));
  const pictureFiles = tableOf(pictures);
  const brokenFiles = tableOf(broken);
  const keysOfOnePicture = new Set([hardKeys].flat());

  const isBroken = (object: Listed) => isFile(object, brokenFiles[object.key]);
  const isSample = (object: Listed) => {
    if (keysOfOnePicture.has(object.key)) return isFile(object, "made/key.jpg");
    return isFile(object, pictureFiles[object.key]);
  };

  const whole = [...objects].filter(([, object]) => !isBroken(object));
  const ownObjects = whole.filter(([, object]) => !isSample(object));
  const isOfProject = ownObjects.length > 0;
  return { objects: new Map(isOfProject ? ownObjects : whole), isOfProject };
}

/** Returns whether an object is a file of the samples: the local S3 has the MD5 as its ETag. */
function isFile({ etag }: Listed, file: unknown): boolean {
  if (typeof file !== "string") return false;

  const bytes = readFileSync(join(FIXTURES, file));
  return hash("md5", bytes) === etag;
}
