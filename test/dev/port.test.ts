// Which ports the local run may have, and what its user reads if it cannot have one.

import { expect, test } from "vitest";
import { portFault, readPort, uploadPortFault } from "../../src/dev/port.ts";

test("PORT is a whole number from 1 to 65535, or left out", () => {
  for (const text of ["http", "0", "65536", "80.5", "-1"]) {
    const fault = `PORT is "${text}". It must be a number from 1 to 65535.`;
    expect(readPort(text, false)).toEqual({ fault });
    expect(readPort(text, true)).toEqual({ fault });
  }
  expect([readPort(undefined, false), readPort("80", true)]).toEqual([8787, 80]);
});

test("with uploads, the last port is refused, because they need the next one", () => {
  expect(readPort("65535", false)).toBe(65_535);
  expect(readPort("65534", true)).toBe(65_534);
  expect(readPort("65535", true)).toEqual({
    fault: expect.stringMatching(/^PORT is 65535, .*: PORT=8787 npx vitrine dev --uploads$/),
  });
});

test.each([
  [portFault, 8787, "EADDRINUSE", /^Port 8787 is in use\. Stop .* PORT=8797 before the same/],
  [portFault, 65_535, "EADDRINUSE", /^Port 65535 is in use\. .* PORT=8787 /],
  [portFault, 80, "EACCES", /^Port 80 needs a right .* PORT=8787 /],
  [portFault, 8787, "EPERM", /^Port 8787 cannot be used \(EPERM\)\. .* PORT=8797 /],
  [uploadPortFault, 8788, "EADDRINUSE", /^Port 8788 is in use\. Uploads .* Stop .* PORT=8798 /],
  [uploadPortFault, 65_525, "EADDRINUSE", / PORT=8787 /],
  [uploadPortFault, 65_524, "EADDRINUSE", / PORT=65534 /],
])(
  "%o says of port %i and %s what is wrong, and names a port to try",
  (fault, port, code, text) => {
    expect(fault(port, code)).toEqual({ fault: expect.stringMatching(text) });
  },
);
