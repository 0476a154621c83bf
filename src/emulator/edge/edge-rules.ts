// What each switch and each setting of the edge may be.

import {
  call,
  count,
  flag,
  host,
  isHost,
  listOf,
  oneOf,
  optional,
  type Rule,
  type RulesOf,
  table,
} from "../check.ts";
import { BINDING_TROUBLES, type BindingSwitches } from "./binding-switches.ts";
import { type Fault, isFault } from "./faults.ts";
import type { EdgeSettings } from "./settings.ts";
import type { Switches } from "./switches.ts";

const marks = oneOf("marked", "unmarked");

const trouble: Rule<Fault | undefined> = {
  what: "a failure of the edge, such as { code: 9522, status: 503 }",
  test: (value): value is Fault | undefined => value === undefined || isFault(value),
};

const sources = listOf("hosts, each with or without a path, such as *.example/photos", (entry) => {
  const [, name] = /^(?:\*\.)?([^/]+)(?:\/.*)?$/s.exec(`${entry}`) ?? [];
  return typeof entry === "string" && isHost(name);
});

const BINDING_RULES = {
  bindingAllowed: flag,
  bindingBytes: count,
  bindingMetadata: oneOf("dropped", "copyright", "kept"),
  bindingAnimation: oneOf("original", "error"),
  bindingSmaller: oneOf("original", "rendition"),
  bindingAvif: oneOf("original", "error", "webp"),
  bindingSame: oneOf("call", "bytes"),
  bindingFault: oneOf(...BINDING_TROUBLES),
} satisfies RulesOf<BindingSwitches>;

export const SWITCH_RULES = {
  transformations: flag,
  workersDev: oneOf("original", "transformed"),
  sources,
  foreignSources: oneOf("refused", "untransformed"),
  sourcePaths: oneOf("segments", "characters"),
  urlTransformations: oneOf("on", "off", "off-for-workers-too"),
  firewall: flag,
  keptForAll: flag,
  quota: count,
  trouble,
  authAfterRedirect: flag,
  svg: marks,
  avifTooLarge: oneOf("webp", "jpeg", "passed-through"),
  animationTooLarge: marks,
  originalIsSmaller: table<Switches["originalIsSmaller"]>({
    of: oneOf("bytes", "sides"),
    sent: oneOf("original", "rendition"),
  }),
  originalFormat: oneOf("type", "name"),
  originalSides: oneOf("stored", "upright"),
  factsBilled: oneOf("apart", "with-rendition"),
  formatAuto: oneOf("refused", "first-come"),
  conditions: oneOf("kept", "passed-on"),
  namesOriginal: flag,
  originHeaders: oneOf("kept", "leaked"),
  overlayAuth: flag,
  qualities: table<Switches["qualities"]>({
    ...{ high: count, "medium-high": count, "medium-low": count, low: count },
  }),
  avifInput: flag,
  limits: table<Switches["limits"]>({ bytes: count, pixels: count, side: count, animation: count }),
  cache: flag,
  queryInKey: flag,
  denialsKept: count,
  patience: count,
  plain: listOf("hosts, without http:// and without a path", isHost),
  unplayable: oneOf("refused", "left-out"),
  ...BINDING_RULES,
} satisfies RulesOf<Switches>;

type Workers = NonNullable<EdgeSettings["workers"]>;

const workers: Rule<Workers> = {
  what: "a table of functions by the hosts that they answer for",
  test: (value): value is Workers =>
    Object.entries(Object(value)).every(
      ([name, worker]) => isHost(name) && typeof worker === "function",
    ),
};

export const SETTING_RULES = {
  zone: host,
  fetch: call<EdgeSettings["fetch"]>(),
  now: optional(call<() => number>()),
  workers: optional(workers),
} satisfies Record<Exclude<keyof EdgeSettings, keyof Switches>, Rule>;
