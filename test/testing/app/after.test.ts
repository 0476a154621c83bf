// An app's test with createVitrine. The same without it: before.test.ts.

import { expect, test } from "vitest";
import { createVitrine } from "../../../src/testing/index.ts";
import { file } from "../../support/emulators.ts";
import { expectPromises } from "./promises.ts";
import { APP_VARS } from "./vars.ts";

test("with createVitrine, an app's test has all promises around it", async () => {
  const picture = file("made/key.jpg");
  const objects = { "photos/fig.jpg": picture, "private/fig.jpg": picture };
  const vitrine = await createVitrine({ vars: APP_VARS, objects });
  const { media } = vitrine.buckets;

  await expectPromises({
    fetch: (path) => vitrine.fetch(path),
    signedPath: async () => {
      // The open route shows this object, too.
      const url = await vitrine.url("private/fig.jpg", "card", { route: "/private/:preset/*" });
      return url.slice(vitrine.origin.length);
    },
    breakS3: () => void media?.s3?.faults.add("InternalError"),
    repairS3: () => void media?.s3?.faults.clear(),
    replace: async () => media?.replace("photos/fig.jpg", file("made/rotated-gps.jpg")),
    advance: (days) => vitrine.clock.advance({ days }),
  });
  expect(vitrine.edge.refusals).toEqual([]);
});
