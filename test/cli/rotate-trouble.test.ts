// What `vitrine rotate` says where something went wrong: whose fault it can be, and what may help.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { network } from "../edge/stand.ts";
import { run, site, URL } from "./rotating-site.ts";

test("what others wrote moves no cursor", async () => {
  const evil = "\u001b]0;evil\u0007\u001b[2Jplain\rover\u202e";
  site.during = (times) => {
    if (times === 2) {
      const headers = { "content-type": "text/x\u009b2J" };
      network.use(
        http.get(`${URL}/images/*`, () => new HttpResponse("", { headers }), { once: true }),
      );
    }
    return { says: `\u001b[31mred\u001b[0m ${evil}` };
  };
  const { code, out, err } = await run();
  expect(code).toBe(1);
  expect(err).toContain("  red ");
  expect(err).toContain("answers 200, text/x\\u009b2J");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});
