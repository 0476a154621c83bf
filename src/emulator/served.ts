// The strict edge as it is offered, and what runs on a port of this machine.

import type { EdgeCore } from "./edge/settings.ts";
import type { ImagesBinding, ImagesService } from "./images/types.ts";

/**
 * A server on 127.0.0.1.
 * @example
 * const served: Served = await serveEdge(edge);
 * afterAll(() => served.close());
 */
export type Served = {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Stops it, and cuts its connections. */
  close(): Promise<void>;
};

/**
 * Cloudflare's image edge, as strict as in production.
 * @example
 * const edge: Edge = createEdge({ zone: "images.example", fetch: s3.fetch });
 * vi.stubGlobal("fetch", edge.fetch);
 * edge.switches.transformations = false;
 */
export type Edge = Omit<EdgeCore, "quota"> & {
  /** The unique transformations, which are billed once a month (L2). */
  readonly transformations: ReadonlySet<string>;
  /** The Images binding, `env.IMAGES`. It has the same switches and the same quota. */
  readonly images: ImagesBinding;
  /** What the binding posts its forms to: `…/transform` and `…/info`. */
  readonly answerImages: ImagesService;
};

/**
 * What `serveEdge` serves of an edge: its `fetch`, and the Images binding if it is there.
 * @example
 * const edge: ServedEdge = { fetch: (url, init) => createEdge(settings).fetch(url, init) };
 */
export type ServedEdge = Pick<Edge, "fetch"> & Partial<Pick<Edge, "answerImages">>;
