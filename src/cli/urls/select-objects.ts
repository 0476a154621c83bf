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

export type SelectedObject = BucketKey & {
  /** The name or URL as the operator gave it, without its signature. */
  readonly input: string;
  /** The route and the variant, if the input is a URL. */
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
  const parseInput = createInputParser(world, project);
  const objects = new Map<string, SelectedObject>();
  let invalid = 0;

  const add = (object: SelectedObject | CommandFault): void => {
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
      // Bytes that are not UTF-8 would become the key of another object.
      const isUtf8 = !line.includes("\ufffd");
      add(isUtf8 ? parseInput(line) : refuseInput(line, "is not UTF-8"));
    }
  }

  if (prefix !== undefined) {
    const listed = await listPrefix(world, project, prefix, command);
    if (isFault(listed)) return listed;

    for (const object of listed) add(object);
  }

  if (world.interrupted.aborted) {
    return { fault: "interrupted before anything was asked: everything is left, so run it again" };
  }

  return { objects, invalid };
}

/** Lists the objects whose names begin with a prefix. @param command the command line for names in its place */
async function listPrefix(
  world: World,
  project: Project,
  prefix: string,
  command: string,
): Promise<readonly SelectedObject[] | CommandFault> {
  const { buckets } = project.config;
  const parsed = parsePrefix(buckets, prefix);
  if (isFault(parsed)) return { fault: `--prefix ${prefix}: ${parsed.fault}` };

  const instead = `, or give the keys, one on each line: ${command} - < keys.txt`;
  const listed = await listObjects(world, project, parsed, "--prefix", instead);
  if (isFault(listed)) return listed;
  if (listed.size === 0) return noObject(parsed);

  const { bucket } = parsed;
  const objects: SelectedObject[] = [];
  for (const key of listed.keys()) {
    objects.push({ bucket, key, input: objectNameOf(buckets, { bucket, key }) });
  }
  return objects;
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
      const text = decoder.decode(Buffer.from(chunk), { stream: true });
      const lines = `${rest}${text}`.split("\n");

      // The last line goes on in the next chunk.
      const [unfinished = ""] = lines.splice(-1);
      rest = unfinished.slice(0, MAX_LINE_LENGTH);
      yield* nonEmptyLines(lines);
    }

    const lastLine = rest + decoder.decode();
    yield* nonEmptyLines([lastLine]);
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
  const isSigned = isUrl(input) || /[?&]exp=\d+&kid=/.test(input);
  return isSigned ? withoutSignatures(input) : input;
}

/** @param reason may repeat the input */
export function refuseInput(input: string, reason: string): CommandFault {
  const safeInput = withoutSignature(input);
  const safeReason = safeInput === input ? reason : withoutSignatures(reason);
  return { fault: `${JSON.stringify(safeInput)}: ${safeReason}` };
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

function parsePublicUrl(
  config: Config,
  siteUrls: OwnUrls,
  input: string,
): SelectedObject | CommandFault {
  // A path is taken as a client sends it: two slashes at its beginning do not name a host.
  const isPath = input.startsWith("/");
  const text = isPath ? `https://path.invalid${input}` : input;

  // A URL parser drops some control characters, and would read another key.
  if (!URL.canParse(text) || /\p{Cc}/u.test(text)) return refuseInput(input, "is not a URL");

  const url = new URL(text);
  const foreign = isPath ? undefined : foreignReason(siteUrls, input, url.host);
  if (foreign !== undefined) return refuseInput(input, foreign);

  const resolved = resolveRequest(config, url.pathname);
  if (resolved.route === undefined) return refuseInput(input, "no route has this path");

  const fault = keyFault(resolved.key);
  if (fault !== undefined) return refuseInput(input, fault);

  const { route, variantName, relativeKey } = resolved;
  return {
    bucket: route.bucket,
    key: relativeKey,
    input: withoutSignature(input),
    publicUrl: { route, variant: variantName },
  };
}

/** Returns why a URL is not one of this Vitrine. */
function foreignReason({ hosts, refuse }: OwnUrls, url: string, host: string): string | undefined {
  const refused = refuse(url);
  if (refused !== undefined) return refused.fault;

  // Without a known host, no URL can be told from one of this Vitrine.
  if (hosts.length === 0) return undefined;

  const isOfSite = hosts.some((pattern) => isHostOf(host, pattern));
  if (isOfSite) return undefined;
  return `is not a URL of this Vitrine, which is at ${hosts.join(", ")}`;
}

/** Prints the objects that failed, which can be the next input, and the reasons. @param done how many did not fail */
export function reportNotDone(
  world: World,
  title: "NOT PURGED" | "NOT WARMED",
  done: number,
  failures: ReadonlyMap<string, string>,
  invalid: number,
): Exit {
  printInputs(world, failures.keys());

  const advice = " Their names are on stdout: give them again.";
  return logNotDone(world, title, done, failures, invalid, advice);
}

/** Prints inputs, one on each line, to be given again. Only on a terminal, they must do no harm. */
export function printInputs({ stdout }: World, inputs: Iterable<string>): void {
  for (const input of inputs) print(stdout, stdout.isTTY ? visible(input) : input);
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
  const failed = count(failures.size);
  const all = counted(done + failures.size, "object");

  if (failures.size > 0) {
    logInColour(world, "red", `${title}: ${failed} of ${all}.${advice}`);

    const byReason = Map.groupBy(failures.values(), (reason) => reason);
    for (const [reason, { length }] of byReason) log(stderr, `  ${count(length)}: ${reason}`);
  }

  if (invalid > 0) {
    const impossible = counted(invalid, "impossible name");
    logInColour(world, "red", `NOT SENT: ${impossible} (see above).`);
  }

  if (failures.size === 0 && invalid === 0) return EXIT.done;
  return done === 0 ? EXIT.failed : EXIT.partly;
}
