// Reads which objects an operator means: by names or public URLs, as arguments or lines of stdin, or by what their
// keys begin with. What is ambiguous is refused, never guessed. No signature leaves this file.

import { addAbortSignal, type Readable } from "node:stream";
import { keyFault } from "../../url/key.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { withoutSignatures } from "../../worker/log/without-signatures.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { EXIT, type Exit, type Fault, isFault, paint, print, say, type World } from "../command.ts";
import { type OwnUrls, ownUrlsOf, type Project } from "../config/project.ts";
import { isHostOf } from "../config/site-url.ts";
import { listObjects, noObject } from "../objects/list-objects.ts";
import { type Found, nameOf, readObject, readPrefix } from "../objects/parse-object-name.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";

/** The rest of a longer line is not kept in memory: it is no key (A10) and no URL of one. Characters. */
const MAX_LINE_LENGTH = 8_192;

/** `given`: without the signature. `place`: what its public URL names, if that was given. */
export type GivenObject = Found & {
  readonly given: string;
  readonly place?: { readonly route: BoundRoute; readonly variant: string };
};

/** Each object once, by BUCKET/key, and how many of those that were given cannot be objects. */
export type GivenObjects = {
  readonly objects: ReadonlyMap<string, GivenObject>;
  readonly impossible: number;
};

/**
 * Gathers the objects that a command is given. Prints at once what cannot be an object.
 * @param names `-` stands for the lines of stdin
 * @param prefix what the names of more objects begin with
 * @param command the command that takes names in place of a prefix
 */
export async function gatherObjects(
  world: World,
  project: Project,
  names: readonly string[],
  prefix: string | undefined,
  command: string,
): Promise<GivenObjects | Fault> {
  const { buckets } = project.config;
  const own = ownUrlsOf(world.folder, project);
  const objects = new Map<string, GivenObject>();
  let impossible = 0;
  const take = (object: GivenObject | Fault) => {
    if (isFault(object)) {
      impossible += 1;
      say(world.stderr, paint(world, world.stderr, "yellow", visible(object.fault)));
      return;
    }
    const name = `${object.bucket.name}/${object.key}`;
    if (!objects.has(name)) objects.set(name, object);
  };
  for (const name of new Set(names)) {
    const lines = name === "-" ? linesOf(world.stdin, world.interrupted) : [name];
    for await (const line of lines) {
      const isText = !line.includes("\ufffd"); // else it would be the key of another object
      take(isText ? readGiven(project, own, line) : refuseGiven(line, "is not UTF-8"));
    }
  }
  if (prefix !== undefined) {
    const beginning = readPrefix(buckets, prefix);
    if (isFault(beginning)) return { fault: `--prefix ${prefix}: ${beginning.fault}` };
    const instead = `, or give the keys, one on each line: ${command} - < keys.txt`;
    const listed = await listObjects(world, project, beginning, "--prefix", instead);
    if (isFault(listed)) return listed;
    if (listed.size === 0) return noObject(beginning);
    const { bucket } = beginning;
    for (const key of listed.keys()) take({ bucket, key, given: nameOf(buckets, { bucket, key }) });
  }
  if (world.interrupted.aborted) return { fault: "interrupted before anything was asked" };
  return { objects, impossible };
}

/**
 * The lines of a stream, as they come. Spaces are kept; a byte order mark, a CR at the end and empty lines are left
 * out. What is not UTF-8 has U+FFFD in it. (The line reader of Node.js also ends a line at U+2028, which a key may
 * have.)
 * @param stop ends them
 */
export async function* linesOf(input: Readable, stop: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of addAbortSignal(stop, input)) {
      const lines = (rest + decoder.decode(Buffer.from(chunk), { stream: true })).split("\n");
      rest = lines.pop()?.slice(0, MAX_LINE_LENGTH) ?? "";
      yield* readLines(lines);
    }
    yield* readLines([rest + decoder.decode()]);
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function readLines(lines: readonly string[]): string[] {
  const texts = lines.map((line) => line.slice(0, MAX_LINE_LENGTH).replace(/\r$/, ""));
  return texts.filter((text) => text !== "");
}

/** Returns whether a text is a public URL or its path. No key begins like this: it would have an empty segment. */
export function isUrl(given: string): boolean {
  return /^(?:https?:\/\/|\/)/i.test(given);
}

/** Removes the signature of a signed URL: it is a credential. A key that looks as if it had one stays as it is. */
function withoutSignature(given: string): string {
  return isUrl(given) || /[?&]exp=\d+&kid=/.test(given) ? withoutSignatures(given) : given;
}

/** Why a text names no object. @param reason may repeat what was given */
export function refuseGiven(given: string, reason: string): Fault {
  const safe = withoutSignature(given);
  const text = safe === given ? reason : withoutSignatures(reason);
  return { fault: `${JSON.stringify(safe)}: ${text}` };
}

export function readGiven(project: Project, own: OwnUrls, given: string): GivenObject | Fault {
  if (isUrl(given)) return readUrl(project, own, given);
  const object = readObject(project.config.buckets, given);
  if (isFault(object)) return refuseGiven(given, object.fault);
  return { ...object, given: withoutSignature(given) };
}

function readUrl({ config }: Project, own: OwnUrls, given: string): GivenObject | Fault {
  // A path is taken as a client sends it: two slashes at its beginning do not name a host.
  const text = given.startsWith("/") ? `https://path.invalid${given}` : given;
  // A URL parser drops some of these characters, and would read another key.
  if (!URL.canParse(text) || /\p{Cc}/u.test(text)) return refuseGiven(given, "is not a URL");
  const { host, pathname } = new URL(text);
  if (text === given) {
    const { hosts } = own;
    const foreign = own.refuse(given);
    if (foreign !== undefined) return refuseGiven(given, foreign.fault);
    if (hosts.length > 0 && !hosts.some((one) => isHostOf(host, one))) {
      return refuseGiven(given, `is not a URL of this Vitrine, which is at ${hosts.join(", ")}`);
    }
  }
  const resolved = resolveRequest(config, pathname);
  if (resolved.route === undefined) return refuseGiven(given, "no route has this path");
  const { route, name: variant, object: key } = resolved;
  const problem = keyFault(resolved.key);
  if (problem !== undefined) return refuseGiven(given, problem);
  const { bucket } = route;
  return { given: withoutSignature(given), bucket, key, place: { route, variant } };
}

/** Prints the objects that are left, so that they can be given again, and why. @param done how many are not left */
export function reportNotDone(
  world: World,
  title: "NOT PURGED" | "NOT WARMED",
  done: number,
  left: ReadonlyMap<string, string>,
  impossible: number,
): Exit {
  const { stdout, stderr } = world;
  const warn = (text: string) => say(stderr, paint(world, stderr, "red", text));
  for (const given of left.keys()) print(stdout, stdout.isTTY ? visible(given) : given);
  if (left.size > 0) {
    const part = `${count(left.size)} of ${counted(done + left.size, "object")}`;
    warn(`${title}: ${part}. Their names are on stdout: give them again.`);
    for (const [reason, times] of Map.groupBy(left.values(), (reason) => reason)) {
      say(stderr, `  ${count(times.length)}: ${visible(reason)}`);
    }
  }
  if (impossible > 0) warn(`NOT SENT: ${counted(impossible, "impossible name")} (see above).`);
  if (left.size + impossible === 0) return EXIT.done;
  return done === 0 ? EXIT.failed : EXIT.partly;
}
