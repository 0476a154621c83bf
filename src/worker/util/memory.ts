// What an isolate learns while it runs: a state that changes by a pure function alone. Nothing is shared with other
// isolates.

export type Memory<State, Event> = {
  /** Returns the state as it is now. Call it again after each `await`: meanwhile, other requests may change the state. */
  readonly state: () => State;
  /** Changes the state as the event says, and logs what follows from it. */
  readonly learn: (event: Event) => void;
};

/** What follows from an event: the next state, and lines for the log. */
type Advanced<State, Notice> = { readonly state: State; readonly effects: readonly Notice[] };

/** @param advanceState returns what follows from an event */
export function createMemory<State, Event, Notice>(
  start: State,
  advanceState: (state: State, event: Event) => Advanced<State, Notice>,
  log: (notice: Notice) => void,
): Memory<State, Event> {
  let state = start;

  function learn(event: Event): void {
    const next = advanceState(state, event);
    state = next.state;

    for (const notice of next.effects) log(notice);
  }

  return { state: () => state, learn };
}
