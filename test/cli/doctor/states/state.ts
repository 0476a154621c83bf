// A broken state of an operator, as a row of the table has it.

import type { AtHand, World } from "../../../support/cli/remedy-world.ts";

export type State = {
  readonly title: string;
  /** It is much like another state: `npm run test:long` has it. */
  readonly isLong?: true;
  /** What production has besides, while all is well. */
  readonly begin?: (world: World) => void | Promise<void>;
  readonly broken: (world: World) => void | Promise<void>;
  /** What a person would call the right cause: the checks that may name it, and what they see. */
  readonly cause: readonly [checks: string, seen: RegExp];
  /** What the operator has at hand. By default the file of secrets. */
  readonly atHand?: AtHand;
  /** Nothing was ever shown: the site has never worked. */
  readonly isFirst?: true;
  /** S3 is down: no deploy helps. */
  readonly isOutage?: true;
  /** The samples that are shown after the remedy. By default all: an object that was deleted may stay deleted. */
  readonly after?: readonly string[];
  /** What may still be found after the remedy, because it is not about the site. */
  readonly remaining?: readonly string[];
};
