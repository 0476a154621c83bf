// What runs on a port of this machine.

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
