// A private S3 bucket, as strict as the real one, for msw. What S3 does wrong is a switch.

import { type HttpHandler, type HttpResponseResolver, http } from "msw";
import { answerRequest } from "./answer-request.ts";
import type { Stored } from "./send-object.ts";
import { clockOf, type S3Fault, type S3Grant, type S3Settings } from "./state.ts";

export type { S3Fault, S3Grant, S3Settings, Stored };

export type S3 = {
  readonly objects: Map<string, Stored>;
  /** The keys that open the bucket: secrets by access key id. May be changed at any time. */
  readonly keys: Map<string, string>;
  readonly faults: Set<S3Fault>;
  readonly grants: Set<S3Grant>;
  /** All requests, as they arrived: without what the edge has dropped. */
  readonly requests: Request[];
  readonly handlers: readonly HttpHandler[];
};

/** Creates an empty bucket, path-style and virtual-hosted (A4), in every region of its S3 (A5). */
export function createS3(settings: S3Settings): S3 {
  const { accessKeyId, secretAccessKey } = settings.credentials;
  const state = {
    settings,
    objects: new Map<string, Stored>(),
    keys: new Map([[accessKeyId, secretAccessKey]]),
    faults: new Set<S3Fault>(),
    grants: new Set<S3Grant>(),
  };
  const requests: Request[] = [];
  const place = placeOf(settings);
  const answer: HttpResponseResolver = async ({ request: { url, method, headers } }) => {
    const request = new Request(url, { method, headers });
    requests.push(request);
    const response = await answerRequest(request, place, state);
    if (response.type !== "error") {
      response.headers.set("date", new Date(clockOf(state)).toUTCString());
    }
    return response;
  };
  return { ...state, requests, handlers: [http.all(place, answer)] };
}

/** Matches the URLs of this S3, with the bucket in the host or not, in any region. */
function placeOf({ endpoint, region }: S3Settings): RegExp {
  const { host, protocol } = new URL(endpoint);
  const anywhere = host.split(region).map(RegExp.escape).join("([a-z0-9-]+)");
  return new RegExp(`^${protocol}//(?:(.+)\\.)?${anywhere}/`);
}
