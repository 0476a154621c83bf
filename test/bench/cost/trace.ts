// What happens to a site, second by second: views and replacements. It does not depend on what a cache does, so all runs of
// a site have the same, and their figures can be compared.

import { seeded } from "../random.ts";
import {
  BROWSER_COUNT,
  createViews,
  DATA_CENTERS,
  type Site,
  VARIANTS,
  type View,
} from "./site.ts";

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const MONTH = 30 * DAY;

/** The first second: 0 would be no time for Workers Cache. */
const START = 1;

type Step = {
  /** In seconds. */
  readonly now: number;
  /** The object that is replaced before the view. */
  readonly replaced: number | undefined;
  readonly view: View;
};

export type Trace = {
  next(): Step;
  /** The same, without replacements. */
  nextUnchanged(): Step;
};

export function createTrace(site: Site, seed: number): Trace {
  const { views, objects, replacements } = site;
  const random = seeded(seed);
  const nextView = createViews(site, random);

  // Replacements come at even distances.
  const interval = Math.floor(views / replacements);
  let number = 0;
  const step = (replaced: number | undefined): Step => {
    const now = timeAt(number, site);
    number += 1;
    return { now, replaced, view: nextView() };
  };
  return {
    next() {
      const isReplacing = (number % views) % interval === 0;
      return step(isReplacing ? Math.floor(random() * objects) : undefined);
    },
    nextUnchanged: () => step(undefined),
  };
}

/** @param number of the view, from 0 */
function timeAt(number: number, { views }: Site): number {
  const month = Math.floor(number / views);
  const index = number % views;
  return START + month * MONTH + Math.floor((index / views) * MONTH);
}

/** Views of a month that no cache can have: of renditions that nobody has asked for since the object was replaced. */
export type FirstViews = {
  readonly views: number;
  /** Nobody anywhere has: S3 and the edge are asked. */
  readonly anywhere: number;
  /** Nobody at this data centre has, but somebody else: the upper tier is asked. */
  readonly inPlace: number;
};

/** Counts the first views of the last one of some months. */
export function countFirstViews(site: Site, seed: number, months: number): FirstViews {
  const trace = createTrace(site, seed);
  const keys = site.objects * VARIANTS.length * BROWSER_COUNT;
  const versions = new Uint16Array(site.objects).fill(1);
  const seen = new Uint16Array(keys);
  const seenIn = new Uint16Array(keys * DATA_CENTERS);

  let anywhere = 0;
  let inPlace = 0;
  for (let number = 0; number < months * site.views; number++) {
    const { replaced, view } = trace.next();
    if (replaced !== undefined) versions[replaced] = (versions[replaced] ?? 0) + 1;

    const { object, variant, browser, dataCenter } = view;
    const key = (object * VARIANTS.length + variant) * BROWSER_COUNT + browser;
    const keyIn = dataCenter * keys + key;
    const version = versions[object] ?? 0;
    const isCounted = number >= (months - 1) * site.views;
    if (isCounted && seen[key] !== version) anywhere += 1;
    else if (isCounted && seenIn[keyIn] !== version) inPlace += 1;
    seen[key] = version;
    seenIn[keyIn] = version;
  }
  return { views: site.views, anywhere, inPlace };
}
