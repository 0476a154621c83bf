// What `vitrine check` says of routes and presets names the variable where they stand: ROUTES_2, PRESETS_2.

import { expect, test } from "vitest";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { TOKEN } from "../../support/cli/login.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

const { env: _env, ...TOP } = STAGED;
const KEEP = 31_536_000;

/** What is said of each `ROUTES_2[…]` and `PRESETS_2.…`, up to its first colon or bracket. */
async function saidOf(vars: object) {
  const config = { ...TOP, vars: { ...VARS, ROUTES: VARS.ROUTES.slice(0, 1), ...vars } };
  const folder = createProject(config);
  const { err } = await vitrine(["check"], { folder });
  return { err, options: err.match(/(?:ROUTES|PRESETS)(?:_2)?(?:\[\d+\])?(?:\.\w+)*/g) ?? [] };
}

test("warnings of routes of ROUTES_2 name it (L4)", async () => {
  const { err, options } = await saidOf({
    ROUTES_2: [
      { path: "/old/:preset/*", object: "media/old/*.tiff", fallback: "media/none.tiff" },
      { path: "/for-ever/:preset/*", object: "media/*", answers: { immutable: true } },
      { path: "/long/:preset/*", object: "media/*", answers: { keep: KEEP } },
      { path: "/signed/:preset/*", object: "media/*", signed: true },
      { path: "/images/:preset/team/*", object: "media/team/*" },
    ],
  });
  expect(err).toContain("ROUTES_2[4] (/images/:preset/team/*) is never reached");
  expect(err).toContain("ROUTES_2[1] (/for-ever/:preset/*) shows without a signature");
  expect(new Set(options)).toEqual(
    new Set([
      ...["ROUTES_2[0].object", "ROUTES_2[0].fallback", "ROUTES_2[1].answers.immutable"],
      ...["ROUTES_2[2].answers.keep", "ROUTES[0]"],
      ...["ROUTES_2[0]", "ROUTES_2[1]", "ROUTES_2[2]", "ROUTES_2[3]", "ROUTES_2[4]"],
    ]),
  );
});

test("mistakes of a deploy in PRESETS_2 and ROUTES_2 name them (E6, L4)", async () => {
  const { options } = await saidOf({
    PRESETS_2: { drawn: { width: 20, draw: [{ url: "http://localhost/logo.png" }] } },
    LOCAL_ISSUER: "http://localhost:8787/.vitrine/issuer/",
    ROUTES_2: [
      {
        path: "/users/:user/:preset/*",
        object: "media/users/:user/*",
        token: {
          ...TOKEN,
          issuer: "http://localhost:8787/.vitrine/issuer/a",
          keys: "http://localhost:8787/.vitrine/issuer/jwks.json",
        },
      },
    ],
  });
  expect(new Set(options)).toEqual(
    new Set([
      ...["PRESETS_2.drawn.draw", "ROUTES_2[0].token.issuer", "ROUTES_2[0].token.keys"],
      // An open route of the first shows what this one guards.
      ...["ROUTES_2[0].token", "ROUTES[0]"],
      "ROUTES", // of .dev.vars
    ]),
  );
});
