// The contact sheet of the local run: lists the local buckets, puts and deletes pictures, and renders the page for the
// running configuration. Its pictures come from the Worker. It sends no byte of an original to the page.

import { createHmac, randomBytes } from "node:crypto";
import { type CommandFault, isFault } from "../../cli/command.ts";
import { localJwks } from "../../cli/config/local-issuer.ts";
import { readLocalKeys, replacedVars } from "../../cli/config/local-run.ts";
import { doubtfulFormatOf } from "../../cli/picture/predict-refusal.ts";
import type { Edge } from "../../emulator/create-edge.ts";
import { requireSharp } from "../../emulator/edge/sharp.ts";
import { keyFault } from "../../url/key.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isRefusal, mistakeText } from "../../worker/http/refusal.ts";
import { sniff } from "../../worker/origin/sniff.ts";
import type { ConfigWatcher } from "../config-watcher.ts";
import { listBucket, type ObjectChange, sendToS3, type Upload } from "../local-bucket.ts";
import { pageHtml } from "./page-html.ts";
import {
  addRenditions,
  firstRoute,
  type LocalConfig,
  type LocalObject,
  predictLocalRefusal,
} from "./sheet-objects.ts";
import { readSignedIn, type SignedIn, signIn, signInsOf, signOut } from "./sign-in.ts";
import { type Answer, parseTry, refuse, renderTry } from "./try-options.ts";

export type Sheet = ReturnType<typeof createSheet>;

/** What became of an object to put. Of one that visitors would not see, the warning says why. */
export type PutResult =
  | { readonly kind: "put"; readonly warning: string | undefined }
  | { readonly kind: "refused"; readonly reason: string };

/** What the bytes of an object say. */
type Identity = Pick<LocalObject, "picture" | "format">;

/** With a salt, nobody can guess from a tag the settings, which contain secrets. */
const SALT = randomBytes(32);
const EXAMPLE = "/.vitrine/objects/photos%2Ffig.jpg";
const NO_SIGN_IN = { fault: "the page has no such sign-in now: load it again" };
const NO_CHANGE = "nothing is changed in the S3 that .dev.vars names";

/**
 * @param watcher knows the configuration that the Worker runs with, and the mistakes in the files
 * @param address the URL of the local run: `http://localhost:8787`
 * @param onChange gets what visitors of the page put and delete, with the name of the bucket in wrangler.toml
 */
export function createSheet(
  watcher: Pick<ConfigWatcher, "current" | "mistakes">,
  edge: Pick<Edge, "images" | "switches">,
  address: string,
  onChange: (bucketName: string, change: ObjectChange) => void,
) {
  let lastGood: LocalConfig | undefined;
  let lastObjects: readonly LocalObject[] = [];
  let lastTry: Promise<unknown> = Promise.resolve();
  const identities = new Map<string, Promise<Identity>>();

  /** The configuration that the Worker runs with; while it has mistakes, the last configuration without any. */
  const readConfiguration = (): LocalConfig | undefined => {
    const project = watcher.current();
    const { config: written, vars, localVars } = project;
    if (written === undefined) return lastGood;
    const IMAGES = localVars["IMAGES"] === undefined ? {} : { IMAGES: edge.images };
    const config = readConfig({ ...vars, ...replacedVars(project), ...IMAGES });
    if (isRefusal(config)) throw new Error(config.mistakes.map(mistakeText).join("; "));

    lastGood = { config, vars };
    return lastGood;
  };
  // The operator's own S3 is not shown: anybody on this machine can request a try, without a signature.
  const readLocal = () => (watcher.current().hasOwnS3 ? undefined : readConfiguration());
  const readSignIns = () => signInsOf(readConfiguration()?.config.routes ?? []);
  /** Of ROUTES in .dev.vars, no issuer is replaced by the local one. */
  const readIssuersFile = (): string | undefined => {
    const routes = readConfiguration()?.config.routes ?? [];
    const hasTokens = routes.some(({ tokenRules }) => tokenRules !== undefined);
    return hasTokens && readSignIns().length === 0 ? watcher.current().devVars : undefined;
  };
  const readBuckets = () => readLocal()?.config.buckets ?? [];

  /** An AVIF is a picture as any other where the switches say that the account may have it (L1). */
  const withSwitches = ({ picture, format }: Identity): Identity => {
    const isShown = format === "AVIF" && edge.switches.avifInput;
    return { picture, format: isShown ? undefined : format };
  };

  /** Lists the buckets. If the local S3 does not answer now, it returns the last list. */
  const listObjects = async (): Promise<readonly LocalObject[]> => {
    const keys = readLocalKeys(".");
    const lists = readBuckets().map(async (bucket) => {
      const all = (await listBucket(bucket, keys)).map(async ({ key, etag = "", bytes = 0 }) => {
        const id = `${bucket.baseUrl}${key} ${etag}`;
        const identity = identities.get(id) ?? sendToS3("GET", bucket, key, keys).then(identify);
        identities.set(id, identity);
        return { key, etag, bytes, ...withSwitches(await identity) };
      });
      return Promise.all(all);
    });
    try {
      // A key that several buckets have is shown once.
      const all = (await Promise.all(lists)).flat().filter(({ key }) => !keyFault(key));
      lastObjects = [
        ...new Map(all.toReversed().map((object) => [object.key, object])).values(),
      ].reverse();
    } catch {
      identities.clear(); // the terminal says why there is no Worker
    }
    return lastObjects;
  };

  /** Hashes what the page shows, without the signatures, which change with the time. */
  const hashState = async (): Promise<string> => {
    const { vars } = watcher.current();
    const state = [vars, watcher.mistakes(), await listObjects()];
    return createHmac("sha256", SALT).update(JSON.stringify(state)).digest("base64url");
  };

  return {
    tag: hashState,
    /** The public keys of the local issuer. @throws if its file cannot be read or made */
    jwks: (): Promise<string> => localJwks("."),
    page: async (): Promise<string> => {
      const before = await hashState(); // what changes meanwhile makes the page load again
      const mistakes = watcher.mistakes();
      const local = readLocal();
      const objects = local && (await addRenditions(local, await listObjects(), Date.now()));
      const signIns = readSignIns();
      const issuersFile = readIssuersFile();
      return pageHtml({ address, tag: before, mistakes, objects, signIns, issuersFile });
    },
    /** Who is signed in, for each sign-in of the page. @param cookies the header of the request */
    signedIn: (cookies: string): Promise<readonly (SignedIn | undefined)[]> => {
      const now = Date.now();
      return Promise.all(readSignIns().map((group) => readSignedIn(".", group, cookies, now)));
    },
    /** @returns the headers `Set-Cookie` of a token, or why there is none */
    signIn: async (index: number, claims: unknown): Promise<readonly string[] | CommandFault> => {
      const group = readSignIns()[index];
      return group ? signIn(".", group, claims, Date.now()) : NO_SIGN_IN;
    },
    /** @returns the headers `Set-Cookie` that remove the token */
    signOut: async (index: number): Promise<readonly string[] | CommandFault> => {
      const group = readSignIns()[index];
      return group ? signOut(group) : NO_SIGN_IN;
    },
    /**
     * Renders a picture. One at a time: sharp takes all threads, and the rest of the local run needs some.
     * @param isClosed whether the client has disconnected
     */
    renderTry: async (query: URLSearchParams, isClosed: () => boolean): Promise<Answer> => {
      const local = readLocal();
      if (local === undefined) return refuse(503, "there is no local bucket, or it has mistakes");

      const request = parseTry(local, query);
      if (isFault(request)) return refuse(400, request.fault);

      const next = lastTry.then(() =>
        isClosed() ? refuse(503, "nobody waits") : renderTry(request),
      );
      lastTry = next.catch(() => {});
      return next;
    },
    /** Puts a picture, as own/NAME or by its whole key, where a route shows it. @throws if S3 refuses */
    put: async (name: string, upload: Upload): Promise<PutResult> => {
      const local = readLocal();
      if (local === undefined) return refused(NO_CHANGE);
      const key = name.includes("/") ? name : `own/${name}`;
      const route = routeTo(local.config, key);
      if (!route) {
        return refused(`no route leads to "${key}": add one, or write ${EXAMPLE} to name the key`);
      }
      const fault = keyFault(route.bucket.prefix + key);
      if (fault !== undefined) return refused(`a key cannot end with this name: ${fault}`);

      const { picture, format } = withSwitches(await identify(upload.body));
      if (picture === undefined && format === undefined) {
        return refused("it is no picture that the local edge reads");
      }
      if (format === "SVG" && !route.svg) return refused("an SVG needs a route with svg = true");

      const type = picture ? `image/${picture.format}` : "application/octet-stream";
      const typed = { ...upload, type: upload.type || type };
      await sendToS3("PUT", route.bucket, key, readLocalKeys("."), typed);
      const wholeKey = route.bucket.prefix + key;
      onChange(route.bucket.name, { kind: "put", key: wholeKey, body: upload.body });

      const { length: bytes } = upload.body;
      return { kind: "put", warning: predictLocalRefusal({ picture, format, bytes }, route) };
    },
    /** Deletes an object of the local buckets. Returns why not. @throws if S3 refuses it */
    remove: async (key: string): Promise<string | undefined> => {
      if (readLocal() === undefined) return NO_CHANGE;
      const buckets = readBuckets().filter(({ prefix }) => !keyFault(prefix + key));
      for (const bucket of buckets) {
        await sendToS3("DELETE", bucket, key, readLocalKeys("."));
        onChange(bucket.name, { kind: "deleted", key: bucket.prefix + key });
      }
      return undefined;
    },
  };
}

/** The first route that shows a key at any preset. */
function routeTo(config: Config, key: string): BoundRoute | undefined {
  const presets = [...config.variants.values()].map(({ preset }) => preset);
  return presets
    .map((preset) => firstRoute(config, preset, key))
    .find((route) => route !== undefined);
}

function refused(reason: string): PutResult {
  return { kind: "refused", reason };
}

/** Reads the format of an object by its bytes, and its size if this machine can: sharp knows no JPEG XL. */
async function identify(body: Uint8Array): Promise<Identity> {
  const format = doubtfulFormatOf(body);
  try {
    const head = await requireSharp()(body, { limitInputPixels: false }).metadata();
    const picture = { format: head.format, ...head.autoOrient, type: sniff(body) };
    return { picture, format };
  } catch {
    // The message of sharp would not help the user. Nobody can show a damaged SVG.
    return { picture: undefined, format: format === "SVG" ? undefined : format };
  }
}
