// How `vitrine client` names the routes in an app's file.

import { expect, test } from "vitest";
import { nameRoutes } from "../../../src/cli/app-file/make-app-file.ts";

test("a route has a name that is an identifier, and no keyword", () => {
  for (const [path, value, type] of [
    ["/images/:preset/*", "images", "Images"],
    ["/my-photos/:preset/*", "myPhotos", "MyPhotos"],
    ["/My Photos 2/:preset/*", "myPhotos2", "MyPhotos2"],
    ["/😀/:preset/*", "root", "Root"],
    ["/2024/:preset/*", "route2024", "Route2024"],
    ["/日本/:preset/*", "日本", "日本"],
    ["/cafe\u0301/:preset/*", "caf\u00e9", "Caf\u00e9"],
    ["/await/:preset/*", "awaitImages", "AwaitImages"],
    ["/img-props/:preset/*", "imgPropsImages", "ImgPropsImages"],
    ["/x/:preset/*", "x2", "X2"],
  ] as const) {
    const taken = ["imgProps", "XVariant"];
    expect(nameRoutes([path], (name) => taken.includes(name))).toEqual([{ value, type }]);
    expect(
      () => new Function(`"use strict"; const ${value} = 1; class ${type}Preset {}`),
    ).not.toThrow();
  }
});

test("no two routes share a name, or the name of a type", () => {
  const paths = [
    "/a/:preset/*",
    "/:preset/a/*",
    "/A/:preset",
    "/a2/:preset",
    "/:preset",
    "/private",
  ];
  const names = nameRoutes([...paths, "/private/:preset"], () => false);
  expect(names.map(({ value }) => value)).toEqual([
    ...["a", "a2", "a3", "a22", "root", "privateImages", "privateImages2"],
  ]);
  expect(new Set(names.map(({ type }) => type)).size).toBe(names.length);
});
