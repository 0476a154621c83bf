// One thing that an isolate learns of while it runs: a value that changes by a pure function alone.

export type Memory<State, Event> = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => State;
  readonly learn: (event: Event) => void;
};

/** @param tell writes a line of the log */
export function createMemory<State, Event, Effect>(
  start: State,
  advance: (
    state: State,
    event: Event,
  ) => { readonly state: State; readonly effects: readonly Effect[] },
  tell: (effect: Effect) => void,
): Memory<State, Event> {
  let state = start;
  return {
    state: () => state,
    learn: (event) => {
      const next = advance(state, event);
      state = next.state;
      next.effects.forEach(tell);
    },
  };
}
