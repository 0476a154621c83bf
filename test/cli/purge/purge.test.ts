// vitrine purge with a stand-in for the Worker's /purge.

import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import {
  arrange,
  edit,
  linesIn,
  nameOf,
  net,
  notPurged,
  purge,
  some,
  type Trouble,
} from "../../support/cli/purging.ts";

test("what always fails is on stdout and can be given again, and everything else is purged", async () => {
  const keys = some(2_000);
  const unlucky = new Set(keys.filter((_key, at) => at % 150 === 0).map(nameOf));
  arrange((names) => {
    const left = names.filter((name) => unlucky.has(name));
    if (left.length === 0) return undefined;
    net.purged.push(...names.filter((name) => !unlucky.has(name)));
    return notPurged(left, "cache: internal error (0)");
  });
  const ended = await purge(["-"], { stdin: keys.join("\n") });
  const left = linesIn(ended.out);
  expect([ended.code, left.map(nameOf).toSorted()]).toEqual([1, [...unlucky].toSorted()]);
  expect(ended.err).toContain("Purged 1,986 of 2,000 objects");
  expect(ended.err).toMatch(/\nNOT PURGED: 14 of 2,000 objects\..*\n {2}14: cache: internal error/);
  arrange();
  expect(await purge(["-"], { stdin: ended.out })).toMatchObject({ code: 0, out: "" });
  expect(net.purged.toSorted()).toEqual([...unlucky].toSorted());
});

test.each<[string, Trouble]>([
  ["the token is revoked", () => new HttpResponse("Unauthorized\n", { status: 401 })],
  ["a firewall forbids it", () => HttpResponse.html("<b>No</b>", { status: 403 })],
  ["the Worker is out of reach", () => HttpResponse.error()],
])("it stops if %s in the middle, and names the rest", async (_what, trouble) => {
  arrange((names, at) => (at < 5 ? undefined : trouble(names, at)));
  const keys = some(10_000);
  const ended = await purge(["-"], { stdin: keys.join("\n") });
  expect([ended.code, net.purged.length]).toEqual([1, 1_000]);
  expect(net.calls.length).toBeLessThanOrEqual(10);
  const all = [...net.purged, ...linesIn(ended.out).map(nameOf)];
  expect(all.toSorted()).toEqual(keys.map(nameOf).toSorted());
  expect(ended.err).toMatch(/ {2}[\d,]+: not sent, after: /);
});

test("Ctrl-C ends it, and it names what was not purged", async () => {
  const interrupt = new AbortController();
  arrange((_names, at) => {
    if (at === 5) interrupt.abort();
    return undefined;
  });
  const keys = some(5_000);
  const given = { stdin: keys.join("\n"), interrupted: interrupt.signal };
  const ended = await purge(["-"], given);
  expect([ended.code, net.calls.length]).toEqual([130, 6]);
  const all = new Set([...net.purged, ...linesIn(ended.out).map(nameOf)]);
  expect([...all].toSorted()).toEqual(keys.map(nameOf).toSorted());
  expect(ended.err).toMatch(/: interrupted\n/);
});

test("with a store it names 20 objects a request, since S3 is asked for each", async () => {
  edit(
    (text) => `${text}
[vars.ANSWERS]
store = "RENDITIONS"

[[r2_buckets]]
binding = "RENDITIONS"
`,
  );
  expect(await purge(["-"], { stdin: some(50).join("\n") })).toMatchObject({ code: 0 });
  expect(net.calls.map(({ length }) => length)).toEqual([20, 20, 10]);
});
