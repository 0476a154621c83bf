// Says in plain words what changed from one sheet to the next. No DOM.

import type { SheetData } from "../data.ts";

type Table = Readonly<Record<string, unknown>>;

/** More names than these are only counted. */
const MOST_NAMES = 3;

/** `Preset card changed.`; none if nothing changed that has a name. */
export function changesOf(before: SheetData, after: SheetData): string[] {
  return [
    ...sentences("Preset", before.presets, after.presets, "changed"),
    ...sentences("Route", routesOf(before), routesOf(after), "changed"),
    ...sentences("Object", objectsOf(before), objectsOf(after), "replaced"),
  ];
}

function routesOf({ routes }: SheetData): Table {
  return Object.fromEntries(routes.map((route) => [route.path, route]));
}

function objectsOf({ pictures }: SheetData): Table {
  return Object.fromEntries(pictures.map(({ key, at, bytes }) => [key, [at, bytes]]));
}

/** @param other the verb for what is there before and after, but not the same */
function sentences(what: string, before: Table, after: Table, other: string): string[] {
  const isIn = (table: Table) => (name: string) => Object.hasOwn(table, name);
  const isSame = (name: string) => JSON.stringify(before[name]) === JSON.stringify(after[name]);
  const both = Object.keys(after).filter(isIn(before));
  const cases = [
    ["added", Object.keys(after).filter((name) => !isIn(before)(name))],
    [other, both.filter((name) => !isSame(name))],
    ["removed", Object.keys(before).filter((name) => !isIn(after)(name))],
  ] as const;
  return cases.flatMap(([verb, names]) => {
    if (names.length === 0) return [];
    if (names.length > MOST_NAMES) return [`${names.length} ${what.toLowerCase()}s ${verb}.`];
    return [`${what}${names.length > 1 ? "s" : ""} ${names.join(", ")} ${verb}.`];
  });
}
