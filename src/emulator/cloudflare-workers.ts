// In place of the runtime's module "cloudflare:workers" where the Worker runs in Node.js.

/** The base class of an entrypoint: it stores the context and the `env` of one run. */
export abstract class WorkerEntrypoint<Env = unknown, Context = unknown> {
  protected readonly ctx: Context;
  protected readonly env: Env;

  constructor(ctx: Context, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}
