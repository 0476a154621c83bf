// S3, and the image edge that reads it. An object is there, missing or denied, and each change begins its next epoch. S3
// itself may be in fault: nobody gets an answer then, or each gets that of a fault.

import { ORIGINAL_LENGTH, originalHead, type Picture, rendition } from "./picture.ts";
import type { Effect } from "./scheduler.ts";

export type ObjectState = "there" | "missing" | "denied";

/**
 * - "refused": no connection
 * - "busy": 503 SlowDown
 * - "silent": no answer ever comes
 * - "dead": S3 does not know the key
 */
export type Fault = "none" | "refused" | "busy" | "silent" | "dead";

type S3Object = { readonly epoch: number; readonly state: ObjectState };

export type S3Model = ReturnType<typeof createS3>;

/** When the objects were last written. Two of one second have the same date. */
const LAST_MODIFIED = "Tue, 24 Nov 2026 09:00:00 GMT";

export function createS3(keys: readonly string[]) {
  const objects = new Map<string, S3Object>();
  for (const key of keys) objects.set(key, { epoch: 1, state: "there" });
  let fault: Fault = "none";
  const faults = new Map<string, Fault>();

  function object(key: string): S3Object {
    return objects.get(key) ?? { epoch: 0, state: "missing" };
  }

  function change(key: string, state: ObjectState): void {
    objects.set(key, { epoch: object(key).epoch + 1, state });
  }

  /** The fault of one object goes before that of all. */
  function faultOf(key: string): Fault {
    return faults.get(key) ?? fault;
  }

  /**
   * A GET of an object's first bytes.
   * @param plantedEpoch what S3 is to answer in place of what it has
   */
  function get(key: string, plantedEpoch?: number): Effect<Response> {
    if (plantedEpoch !== undefined) return answerWith({ key, epoch: plantedEpoch });

    const faulty = answerInFault(faultOf(key));
    if (faulty) return faulty;

    const { epoch, state } = object(key);
    if (state === "missing") return refuse(404, "NoSuchKey", true);
    if (state === "denied") return refuse(403, "AccessDenied", true);

    return answerWith({ key, epoch });
  }

  /** The edge fetches the original when the request takes effect, so it shows what S3 has then. */
  function render(key: string, show = (picture: Picture) => picture): Effect<Response> {
    const currentFault = faultOf(key);
    if (currentFault === "refused" || currentFault === "silent") return edgeError(504, 9504);
    if (currentFault === "busy") return edgeError(502, 9509);

    const { epoch, state } = object(key);
    if (currentFault === "dead" || state === "denied") return edgeError(403, 9408);
    if (state === "missing") return edgeError(404, 9404);
    return renderPicture({ key, epoch }, show({ key, epoch }));
  }

  return {
    ...{ get, render, object, change },
    setFault: (next: Fault, key?: string) => {
      if (key === undefined) fault = next;
      else faults.set(key, next);
    },
    hasFault: (key: string) => faultOf(key) !== "none",
    describe: () => JSON.stringify([[...objects], fault, [...faults]]),
  };
}

function answerWith(picture: Picture): Effect<Response> {
  const { key, epoch } = picture;
  const value = () => {
    const headers = {
      etag: etagOf(picture),
      "content-type": "image/jpeg",
      "content-range": `bytes 0-1023/${ORIGINAL_LENGTH}`,
      "content-length": "1024",
      "last-modified": LAST_MODIFIED,
    };
    return new Response(originalHead(picture), { status: 206, headers });
  };
  return { kind: "answer", value, says: `S3 has ${key} of epoch ${epoch}` };
}

function etagOf({ key, epoch }: Picture): string {
  return `"${key}-${epoch}"`;
}

function answerInFault(fault: Fault): Effect<Response> | undefined {
  switch (fault) {
    case "none":
      return undefined;
    case "refused":
      return { kind: "error", error: new TypeError("no connection"), says: "no connection to S3" };
    case "busy":
      return refuse(503, "SlowDown");
    case "silent":
      return { kind: "never", says: "S3 does not answer" };
    case "dead":
      return refuse(403, "InvalidAccessKeyId");
  }
}

/** @param isAboutObject for the invariants: a header says so, which the Worker does not read */
function refuse(status: number, code: string, isAboutObject = false): Effect<Response> {
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;
  const headers = { "content-type": "text/xml", ...(isAboutObject && { "about-object": "yes" }) };
  const value = () => new Response(text, { status, headers });
  return { kind: "answer", value, says: `S3 says ${code}` };
}

function edgeError(status: number, code: number): Effect<Response> {
  const headers = { "cf-resized": `err=${code}`, "content-type": "text/plain" };
  const value = () => new Response(`ERROR ${code}: no image`, { status, headers });
  return { kind: "answer", value, says: `the edge says ${code}` };
}

/** A success names the original that the edge has used (R1, R4). */
function renderPicture(picture: Picture, visible: Picture): Effect<Response> {
  const bytes = rendition(visible);
  const value = () => {
    const headers = {
      "cf-resized": "internal=ok/m q=0 n=317",
      etag: `"cf${"0".repeat(42)}:${etagOf(picture).slice(1)}`,
      "content-type": "image/webp",
      "content-length": `${bytes.length}`,
      "last-modified": LAST_MODIFIED,
    };
    return new Response(bytes, { headers });
  };
  const { key, epoch } = picture;
  return { kind: "answer", value, says: `the edge renders ${key} of epoch ${epoch}` };
}
