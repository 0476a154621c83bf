// Selects the objects that an operator names: by names or public URLs, as arguments or lines of stdin, or by a prefix
// of their keys. An ambiguous name is refused, never guessed. No signature leaves this file.

import { addAbortSignal, type Readable } from "node:stream";
import { keyFault } from "../../url/key.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { withoutSignatures } from "../../worker/log/without-signatures.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import type { CommandFault, Exit, World } from "../command.ts";
import { EXIT, isFault, log, logInColour, print } from "../command.ts";
import { type OwnUrls, ownUrlsOf, type Project } from "../config/project.ts";
import { isHostOf } from "../config/site-url.ts";
import {
  type BucketKey,
  objectNameOf,
  parseObjectName,
  parsePrefix,
} from "../objects/bucket-key.ts";
import { listObjects, noObject } from "../objects/list-objects.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";

/** In characters. A longer line is cut: it is neither a key (A10) nor the URL of a key. */
const MAX_LINE_LENGTH = 8_192;

/** `input`: the name or URL, without its signature. `publicUrl`: the route and variant, if the input is a URL. */
export type SelectedObject = BucketKey & {
  readonly input: string;
  readonly publicUrl?: { readonly route: BoundRoute; readonly variant: string };
};

/** Each object once, by BUCKET/key, and how many inputs name no object. */
export type Selection = {
  readonly objects: ReadonlyMap<string, SelectedObject>;
  readonly invalid: number;
};

/**
 * Selects the objects of a command. Prints at once each input that cannot name an object.
 * @param names `-` stands for the lines of stdin
 * @param prefix also selects all objects whose names begin with this prefix
 * @param command the command line for names in place of a prefix
 */
export async function selectObjects(
  world: World,
  project: Project,
  names: readonly string[],
  prefix: string | undefined,
  command: string,
): Promise<Selection | CommandFault> {
  const { buckets } = project.config;
  const parseInput = createInputParser(world, project);
  const objects = new Map<string, SelectedObject>();
  let invalid = 0;
  const add = (object: SelectedObject | CommandFault) => {
    if (isFault(object)) {
      invalid += 1;
      logInColour(world, "yellow", object.fault);
      return;
    }
    const name = `${object.bucket.name}/${object.key}`;
    if (!objects.has(name)) objects.set(name, object);
  };
  for (const name of new Set(names)) {
    const lines = name === "-" ? readLines(world.stdin, world.interrupted) : [name];
    for await (const line of lines) {
      const isUtf8 = !line.includes("\ufffd"); // other bytes would become the key of another object
      add(isUtf8 ? parseInput(line) : refuseInput(line, "is not UTF-8"));
    }
  }
  if (prefix !== undefined) {
    const parsedPrefix = parsePrefix(buckets, prefix);
    if (isFault(parsedPrefix)) return { fault: `--prefix ${prefix}: ${parsedPrefix.fault}` };
    const instead = `, or give the keys, one on each line: ${command} - < keys.txt`;
    const listed = await listObjects(world, project, parsedPrefix, "--prefix", instead);
    if (isFault(listed)) return listed;
    if (listed.size === 0) return noObject(parsedPrefix);
    for (const key of listed.keys()) {
      const object = { bucket: parsedPrefix.bucket, key };
      add({ ...object, input: objectNameOf(buckets, object) });
    }
  }
  if (world.interrupted.aborted) {
    return { fault: "interrupted before anything was asked: everything is left, so run it again" };
  }
  return { objects, invalid };
}

/**
 * Reads the lines of a stream, as they come. A byte order mark, a CR at the end and empty lines are left out, spaces
 * are not. What is not UTF-8 has U+FFFD in it. (The line reader of Node.js also ends a line at U+2028, which a key may
 * have.)
 * @param signal ends the stream
 */
export async function* readLines(stream: Readable, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      const lines = (rest + decoder.decode(Buffer.from(chunk), { stream: true })).split("\n");
      rest = lines.pop()?.slice(0, MAX_LINE_LENGTH) ?? "";
      yield* nonEmptyLines(lines);
    }
    yield* nonEmptyLines([rest + decoder.decode()]);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function nonEmptyLines(lines: readonly string[]): string[] {
  const texts = lines.map((line) => line.slice(0, MAX_LINE_LENGTH).replace(/\r$/, ""));
  return texts.filter((text) => text !== "");
}

/** Returns whether a text is a public URL or its path. No key begins like this: it would have an empty segment. */
export function isUrl(text: string): boolean {
  return /^(?:https?:\/\/|\/)/i.test(text);
}

/** Removes the signature of a signed URL: it is a credential. A key that only looks signed stays as it is. */
function withoutSignature(input: string): string {
  return isUrl(input) || /[?&]exp=\d+&kid=/.test(input) ? withoutSignatures(input) : input;
}

/** @param reason may repeat the input */
export function refuseInput(input: string, reason: string): CommandFault {
  const safe = withoutSignature(input);
  const text = safe === input ? reason : withoutSignatures(reason);
  return { fault: `${JSON.stringify(safe)}: ${text}` };
}

/** Creates a function that parses a name or a public URL of this Vitrine. */
export function createInputParser({ folder }: World, project: Project) {
  const siteUrls = ownUrlsOf(folder, project);
  return (input: string): SelectedObject | CommandFault => {
    if (isUrl(input)) return parsePublicUrl(project.config, siteUrls, input);
    const object = parseObjectName(project.config.buckets, input);
    if (isFault(object)) return refuseInput(input, object.fault);
    return { ...object, input: withoutSignature(input) };
  };
}

function parsePublicUrl(config: Config, siteUrls: OwnUrls, input: string) {
  // A path is taken as a client sends it: two slashes at its beginning do not name a host.
  const url = input.startsWith("/") ? `https://path.invalid${input}` : input;
  // A URL parser drops some of these characters, and would read another key.
  if (!URL.canParse(url) || /\p{Cc}/u.test(url)) return refuseInput(input, "is not a URL");
  const { host, pathname } = new URL(url);
  if (url === input) {
    const { hosts } = siteUrls;
    const foreign = siteUrls.refuse(input);
    if (foreign !== undefined) return refuseInput(input, foreign.fault);
    if (hosts.length > 0 && !hosts.some((pattern) => isHostOf(host, pattern))) {
      return refuseInput(input, `is not a URL of this Vitrine, which is at ${hosts.join(", ")}`);
    }
  }
  const resolved = resolveRequest(config, pathname);
  if (resolved.route === undefined) return refuseInput(input, "no route has this path");
  const { route, variantName: variant, relativeKey: key } = resolved;
  const problem = keyFault(resolved.key);
  if (problem !== undefined) return refuseInput(input, problem);
  const publicUrl = { route, variant };
  return { bucket: route.bucket, key, input: withoutSignature(input), publicUrl };
}

/** Prints the objects that failed, which can be the next input, and the reasons. @param done how many did not fail */
export function reportNotDone(
  world: World,
  title: "NOT PURGED" | "NOT WARMED",
  done: number,
  failures: ReadonlyMap<string, string>,
  invalid: number,
): Exit {
  const { stdout } = world;
  for (const input of failures.keys()) print(stdout, stdout.isTTY ? visible(input) : input);

  const advice = " Their names are on stdout: give them again.";
  return logNotDone(world, title, done, failures, invalid, advice);
}

/** Logs how many objects failed, and the reasons. @param advice what to do about it, after a space */
export function logNotDone(
  world: World,
  title: "NOT PURGED" | "NOT WARMED",
  done: number,
  failures: ReadonlyMap<string, string>,
  invalid: number,
  advice = "",
): Exit {
  const { stderr } = world;
  const warn = (text: string) => logInColour(world, "red", text);
  if (failures.size > 0) {
    const part = `${count(failures.size)} of ${counted(done + failures.size, "object")}`;
    warn(`${title}: ${part}.${advice}`);
    for (const [reason, times] of Map.groupBy(failures.values(), (reason) => reason)) {
      log(stderr, `  ${count(times.length)}: ${reason}`);
    }
  }
  if (invalid > 0) warn(`NOT SENT: ${counted(invalid, "impossible name")} (see above).`);
  if (failures.size + invalid === 0) return EXIT.done;
  return done === 0 ? EXIT.failed : EXIT.partly;
}
