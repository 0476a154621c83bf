// What the steps of one request share.

/** Lets work go on after the answer. */
export type Context = Pick<ExecutionContext, "waitUntil">;

export type RequestScope = {
  readonly context: Context;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
};
