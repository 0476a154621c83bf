// Reads a line of the Worker's log, and fails unless it names its section of docs/errors.md.

import assert from "node:assert/strict";

/** @returns the line without the name of the section */
export function readLogLine(text: string) {
  const { see, ...line } = JSON.parse(text);
  assert.equal(see, `docs/errors.md#${line.event}`);
  return line;
}
