// The contact sheet of the local run: renders its page for the running configuration, puts and deletes pictures, and
// signs visitors in. Its pictures come from the Worker. It sends no byte of an original to the page.

import { createHmac, randomBytes } from "node:crypto";
import { type CommandFault, isFault } from "../../cli/command.ts";
import { localJwks } from "../../cli/config/local-issuer.ts";
import { readLocalKeys, replacedVars } from "../../cli/config/local-run.ts";
import type { Edge } from "../../emulator/create-edge.ts";
import type { Switches } from "../../emulator/edge/switches.ts";
import { keyFault } from "../../url/key.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isRefusal, mistakeText } from "../../worker/http/refusal.ts";
import type { ConfigWatcher } from "../config-watcher.ts";
import { type ObjectChange, sendToS3, type Upload } from "../local-bucket.ts";
import { createObjectList, identify, withSwitches } from "./list-objects.ts";
import { pageHtml, type SheetView } from "./page-html.ts";
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

/** Gets what visitors of the page put and delete. */
type OnChange = (bucketName: string, change: ObjectChange) => void;

/** With a salt, nobody can guess from a tag the settings, which contain secrets. */
const SALT = randomBytes(32);
const NO_SIGN_IN = { fault: "the page has no such sign-in now: load it again" };
const NO_CHANGE = "nothing is changed in the S3 that .dev.vars names";

/**
 * @param watcher knows the configuration that the Worker runs with, and the mistakes in the files
 * @param onChange gets the name of the bucket in wrangler.toml
 */
export function createSheet(
  watcher: Pick<ConfigWatcher, "current" | "mistakes">,
  edge: Pick<Edge, "images" | "switches">,
  onChange: OnChange,
) {
  const listObjects = createObjectList(edge.switches);
  let lastGood: LocalConfig | undefined;
  let lastTry: Promise<unknown> = Promise.resolve();

  /** The configuration that the Worker runs with; while it has mistakes, the last configuration without any. */
  function readConfiguration(): LocalConfig | undefined {
    const project = watcher.current();
    if (project.config === undefined) return lastGood;

    const { vars, localVars } = project;
    const images = localVars["IMAGES"] !== undefined && { IMAGES: edge.images };
    const config = readConfig({ ...vars, ...replacedVars(project), ...images });
    if (isRefusal(config)) throw new Error(config.mistakes.map(mistakeText).join("; "));

    lastGood = { config, vars };
    return lastGood;
  }

  /** The operator's own S3 is not shown: anybody on this machine can request a try, without a signature. */
  function readLocal(): LocalConfig | undefined {
    if (watcher.current().hasOwnS3) return undefined;
    return readConfiguration();
  }

  function listLocal(): Promise<readonly LocalObject[]> {
    const buckets = readLocal()?.config.buckets ?? [];
    return listObjects(buckets);
  }

  function readRoutes(): readonly BoundRoute[] {
    return readConfiguration()?.config.routes ?? [];
  }

  /** Names the file whose ROUTES have issuers: the local issuer replaces none of them, so nobody can sign in here. */
  function readIssuersFile(): string | undefined {
    const routes = readRoutes();
    const hasTokens = routes.some(({ tokenRules }) => tokenRules !== undefined);
    if (!hasTokens || signInsOf(routes).length > 0) return undefined;
    return watcher.current().devVars;
  }

  /** Hashes what the page shows, without the signatures, which change with the time. */
  async function hashState(): Promise<string> {
    const { vars } = watcher.current();
    const state = [vars, watcher.mistakes(), await listLocal()];
    return createHmac("sha256", SALT).update(JSON.stringify(state)).digest("base64url");
  }

  return {
    tag: hashState,

    /** The public keys of the local issuer. @throws if its file cannot be read or made */
    jwks: (): Promise<string> => localJwks("."),

    async page(view: SheetView): Promise<string> {
      // What changes after this makes the page load again.
      const tag = await hashState();
      const mistakes = watcher.mistakes();

      let objects: Awaited<ReturnType<typeof addRenditions>> | undefined;
      const local = readLocal();
      if (local !== undefined) objects = await addRenditions(local, await listLocal(), Date.now());

      const signIns = signInsOf(readRoutes());
      const issuersFile = readIssuersFile();
      return pageHtml({ ...view, tag, mistakes, objects, signIns, issuersFile });
    },

    /** Who is signed in, for each sign-in of the page. @param cookies the header of the request */
    signedIn(cookies: string): Promise<readonly (SignedIn | undefined)[]> {
      const now = Date.now();
      const signIns = signInsOf(readRoutes());
      return Promise.all(signIns.map((group) => readSignedIn(".", group, cookies, now)));
    },

    /** @returns the headers `Set-Cookie` of a token, or why there is none */
    async signIn(index: number, claims: unknown): Promise<readonly string[] | CommandFault> {
      const group = signInsOf(readRoutes())[index];
      if (group === undefined) return NO_SIGN_IN;
      return signIn(".", group, claims, Date.now());
    },

    /** @returns the headers `Set-Cookie` that remove the token */
    async signOut(index: number): Promise<readonly string[] | CommandFault> {
      const group = signInsOf(readRoutes())[index];
      if (group === undefined) return NO_SIGN_IN;
      return signOut(group);
    },

    /**
     * Renders a picture. One at a time: sharp takes all threads, and the rest of the local run needs some.
     * @param isClosed whether the client has disconnected
     */
    async renderTry(query: URLSearchParams, isClosed: () => boolean): Promise<Answer> {
      const local = readLocal();
      if (local === undefined) return refuse(503, "there is no local bucket, or it has mistakes");

      const request = parseTry(local, query);
      if (isFault(request)) return refuse(400, request.fault);

      const rendering = lastTry.then(() => {
        if (isClosed()) return refuse(503, "nobody waits");
        return renderTry(request);
      });
      // The next try waits for this one, also if it fails.
      lastTry = rendering.catch(() => {});
      return rendering;
    },

    /** Puts a picture, as own/NAME or by its whole key, where a route shows it. @throws if S3 refuses */
    async put(name: string, upload: Upload): Promise<PutResult> {
      const local = readLocal();
      if (local === undefined) return refused(NO_CHANGE);
      return putPicture(local.config, edge.switches, name, upload, onChange);
    },

    /** Deletes an object of the local buckets. Returns why not. @throws if S3 refuses it */
    async remove(key: string): Promise<string | undefined> {
      const local = readLocal();
      if (local === undefined) return NO_CHANGE;

      for (const bucket of local.config.buckets) {
        const wholeKey = bucket.prefix + key;
        if (keyFault(wholeKey) !== undefined) continue;

        await sendToS3("DELETE", bucket, key, readLocalKeys("."));
        onChange(bucket.name, { kind: "deleted", key: wholeKey });
      }
      return undefined;
    },
  };
}

async function putPicture(
  config: Config,
  switches: Switches,
  name: string,
  upload: Upload,
  onChange: OnChange,
): Promise<PutResult> {
  const key = name.includes("/") ? name : `own/${name}`;
  const route = routeTo(config, key);
  if (route === undefined) {
    return refused(
      `no route leads to "${key}": add one, or write /.vitrine/objects/photos%2Ffig.jpg to name the key`,
    );
  }

  const { bucket, svg } = route;
  const wholeKey = bucket.prefix + key;
  const fault = keyFault(wholeKey);
  if (fault !== undefined) return refused(`a key cannot end with this name: ${fault}`);

  const { picture, format } = withSwitches(await identify(upload.body), switches);
  if (picture === undefined && format === undefined) {
    return refused("it is no picture that the local edge reads");
  }
  if (format === "SVG" && !svg) return refused("an SVG needs a route with svg = true");

  const identifiedType = picture ? `image/${picture.format}` : "application/octet-stream";
  const type = upload.type || identifiedType;
  await sendToS3("PUT", bucket, key, readLocalKeys("."), { ...upload, type });
  onChange(bucket.name, { kind: "put", key: wholeKey, body: upload.body });

  const bytes = upload.body.length;
  return { kind: "put", warning: predictLocalRefusal({ picture, format, bytes }, route) };
}

/** The first route that shows a key at any preset. */
function routeTo(config: Config, key: string): BoundRoute | undefined {
  for (const { preset } of config.variants.values()) {
    const route = firstRoute(config, preset, key);
    if (route !== undefined) return route;
  }
  return undefined;
}

function refused(reason: string): PutResult {
  return { kind: "refused", reason };
}
