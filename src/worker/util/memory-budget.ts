// The memory that an isolate may use for originals, and for renditions that are read whole. An isolate has 128 MB for all
// of its requests, and a page with 20 new photographs would fill it. A request that finds no room looks again, every 50 ms:
// the runtime forbids a request to wait for the promise of another one.
//
// A request can end without a word: the runtime drops it, and its `finally` never runs. So what is held lapses some time
// after the deadline of its request, and a request that waits, but does not look any more, loses its turn.
//
// An isolate is a running copy of the Worker.

/** What all requests of an isolate may hold: bytes. Where bytes are copied, twice as much is alive for a moment. */
export const BUDGET_BYTES = 40_000_000;

/** For how long after its deadline a request may still hold bytes, as for a put into the store: ms. */
const LAPSE_MS = 6_000;

/** A request that waits, and has not looked for so long, is gone: ms. */
const GONE_MS = 1_000;

/** What one request holds. */
type Held = {
  readonly bytes: number;
  /** When it counts as released, if the request never releases it: ms since 1970. */
  readonly lapsesAt: number;
  /** Whether the request waited for its turn ("looked"). If not, it may have passed others that wait ("asked"). */
  readonly hasQueued: boolean;
};

/** What one request waits for. */
type Waiting = {
  readonly id: number;
  readonly bytes: number;
  /** When it last looked whether it is its turn: ms since 1970. */
  readonly lookedAt: number;
};

export type BudgetState = {
  /** By id. */
  readonly held: ReadonlyMap<number, Held>;
  /** The oldest one first. */
  readonly waiting: readonly Waiting[];
  readonly nextId: number;
};

export const EMPTY_BUDGET: BudgetState = { held: new Map(), waiting: [], nextId: 0 };

type Demand = {
  readonly id: number;
  /** How many bytes it wants to hold in all. */
  readonly bytes: number;
  readonly lapsesAt: number;
};

export type BudgetEvent =
  /** A request that can wait looks whether it is its turn, and there is room. */
  | ({ readonly type: "looked" } & Demand)
  /** A request that cannot wait, or holds something already, asks whether there is room. */
  | ({ readonly type: "asked" } & Demand)
  /** A request holds nothing any more, and does not wait. */
  | { readonly type: "released"; readonly id: number }
  /** A request does not wait any more. */
  | { readonly type: "gave-up"; readonly id: number };

type Advanced = {
  readonly state: BudgetState;
  /** Whether the request now holds all bytes that it demanded. Always false after "released" and "gave-up". */
  readonly isHeld: boolean;
};

/** @param now ms since 1970 */
export function advanceBudget(state: BudgetState, event: BudgetEvent, now: number): Advanced {
  const current = withoutLapsed(state, now);
  const { id } = event;

  switch (event.type) {
    case "looked": {
      // No request passes another that has waited for longer. Otherwise small ones could pass a large one for ever.
      const [oldest] = current.waiting;
      const isItsTurn = oldest === undefined || oldest.id === id;
      if (isItsTurn && hasRoom(current, event)) {
        return { state: withoutWaiting(hold(current, event, true), id), isHeld: true };
      }
      return { state: wait(current, event, now), isHeld: false };
    }

    case "asked": {
      if (!hasRoom(current, event) || wouldStarve(current, event)) {
        return { state: current, isHeld: false };
      }
      const hasQueued = current.held.get(id)?.hasQueued ?? false;
      return { state: hold(current, event, hasQueued), isHeld: true };
    }

    case "released": {
      const held = new Map(current.held);
      held.delete(id);
      return { state: withoutWaiting({ ...current, held }, id), isHeld: false };
    }

    case "gave-up":
      return { state: withoutWaiting(current, id), isHeld: false };
  }
}

/** Limits a demand to the whole budget. A request for more gets the whole budget, and then no other request holds bytes. */
function limit(bytes: number): number {
  return Math.min(bytes, BUDGET_BYTES);
}

/** Returns whether a request can hold what it wants, in place of what it holds. Less than it holds always fits. */
function hasRoom(state: BudgetState, { id, bytes }: Demand): boolean {
  const current = state.held.get(id)?.bytes ?? 0;
  const next = limit(bytes);
  if (next <= current) return true;

  const otherBytes = heldBytes(state) - current;
  return otherBytes + next <= BUDGET_BYTES;
}

/**
 * Returns whether a request that did not queue would take the room that the oldest waiting request needs. All requests that
 * did not queue must together leave so much room. A request that has queued may grow: it ends soon, and the waiting
 * requests cannot go on before it ends.
 */
function wouldStarve({ held, waiting }: BudgetState, { id, bytes }: Demand): boolean {
  const [oldest] = waiting;
  if (!oldest || held.get(id)?.hasQueued) return false;

  let unqueuedBytes = limit(bytes);
  for (const [otherId, other] of held) {
    if (otherId !== id && !other.hasQueued) unqueuedBytes += other.bytes;
  }
  return unqueuedBytes + limit(oldest.bytes) > BUDGET_BYTES;
}

function hold(state: BudgetState, demand: Demand, hasQueued: boolean): BudgetState {
  const { id, bytes, lapsesAt } = demand;
  const held = new Map(state.held);
  held.set(id, { bytes: limit(bytes), lapsesAt, hasQueued });
  return { ...state, held };
}

/** Remembers that a request has looked. Its turn stays. */
function wait(state: BudgetState, { id, bytes }: Demand, now: number): BudgetState {
  const waiter = { id, bytes, lookedAt: now };
  const index = state.waiting.findIndex((other) => other.id === id);
  if (index < 0) return { ...state, waiting: [...state.waiting, waiter] };
  return { ...state, waiting: state.waiting.with(index, waiter) };
}

function withoutWaiting(state: BudgetState, id: number): BudgetState {
  return { ...state, waiting: state.waiting.filter((waiter) => waiter.id !== id) };
}

function withoutLapsed(state: BudgetState, now: number): BudgetState {
  const held = [...state.held].filter(([, { lapsesAt }]) => lapsesAt > now);
  const waiting = state.waiting.filter(({ lookedAt }) => Math.abs(now - lookedAt) < GONE_MS);
  return { ...state, held: new Map(held), waiting };
}

/** Returns how many bytes are held. */
export function heldBytes({ held }: Pick<BudgetState, "held">): number {
  let sum = 0;
  for (const { bytes } of held.values()) sum += bytes;
  return sum;
}

/** The budget of this isolate. */
let budget = EMPTY_BUDGET;

function learn(event: BudgetEvent): boolean {
  const { state, isHeld } = advanceBudget(budget, event, Date.now());
  budget = state;
  return isHeld;
}

/** What one request holds: nothing, at first. */
export type Reservation = {
  readonly id: number;
  /** When it lapses if nobody releases it: ms since 1970. */
  readonly lapsesAt: number;
};

/**
 * Opens a reservation that holds nothing yet. The caller releases it, whatever happens.
 * @param deadline of the request: ms since 1970
 */
export function openReservation(deadline: number): Reservation {
  const id = budget.nextId;
  budget = { ...budget, nextId: id + 1 };
  return { id, lapsesAt: deadline + LAPSE_MS };
}

/** After how long a request that waits looks again: ms. */
export const LOOK_MS = 50;

/**
 * Waits until a reservation may hold so many bytes in all: in turn, or, if it holds some already, before all others.
 * @param until when to give up: ms since 1970
 * @returns whether it holds them. If not, it holds what it held before
 */
export async function reserve(
  reservation: Reservation,
  bytes: number,
  until: number,
): Promise<boolean> {
  const { id } = reservation;
  const type = budget.held.has(id) ? "asked" : "looked";

  while (!learn({ type, bytes, ...reservation })) {
    if (Date.now() + LOOK_MS >= until) {
      learn({ type: "gave-up", id });
      return false;
    }
    await scheduler.wait(LOOK_MS); // a global of the Workers runtime
  }
  return true;
}

/** Lets a reservation hold so many bytes in all, if there is room at once. @returns whether it holds them */
export function tryReserve(reservation: Reservation, bytes: number): boolean {
  return learn({ type: "asked", bytes, ...reservation });
}

/** Ends a reservation. To do so twice is the same as once. */
export function release({ id }: Reservation): void {
  learn({ type: "released", id });
}
