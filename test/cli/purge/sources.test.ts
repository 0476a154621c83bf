// What vitrine purge accepts as keys.

import { PassThrough, Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { MORE } from "../../support/cli/folder.ts";
import {
  arrange,
  edit,
  env,
  linesIn,
  nameOf,
  net,
  notPurged,
  purge,
} from "../../support/cli/purging.ts";
import type { Given } from "../../support/cli/vitrine.ts";
import { SECRETS } from "../../support/env.ts";

test("it names every key once", async () => {
  const keys = [...HARD_KEYS, " spaces at both ends ", "-dash", "\u2028/a.jpg"];
  const stdin = `\uFEFF${[...keys, "", ...keys].join("\r\n")}`;
  expect(await purge(["-", "-"], { stdin })).toMatchObject({ code: 0 });
  expect(net.purged).toEqual(keys.map(nameOf));
  arrange();
  expect(await purge(["--", ...keys, ...keys])).toMatchObject({ code: 0 });
  expect(net.purged).toEqual(keys.map(nameOf));
});

test("it names and skips what cannot be a key, and purges the rest", async () => {
  const args = ["/a.jpg", "a//b.jpg", "a/../b.jpg", "a\nb.jpg", "\u001b[2J", "", "x".repeat(1020)];
  const ended = await purge([...args, "good.jpg"]);
  expect(ended).toMatchObject({ code: 1, out: "" });
  for (const key of args) expect(ended.err).toContain(`${JSON.stringify(key)}: `);
  expect(ended.err).toContain("NOT SENT: 7 impossible names");
  expect(ended.err).not.toContain("\u001b");
  expect(net.purged).toEqual([nameOf("good.jpg")]);
  const bytes = Buffer.from([0x61, 0xff, 0x0a]);
  const none = await purge(["-"], { stdin: Readable.from([bytes]) });
  expect(none).toMatchObject({ code: 2, out: "", err: expect.stringContaining("is not UTF-8") });
});

test("it purges the objects of public URLs, whatever their versions are", async () => {
  const ended = await purge([
    "https://images.example.com/images/card@2x/keys/100%25.jpg?v=no",
    "/images/card/x.jpg",
    "/nothing/x.jpg",
    "https://images.example.com/private/card/a.jpg?exp=1&kid=k&v=1.a-b_c&sig=x&facts",
    "https://images.example.com/nothing/here.jpg",
    "https://images.example.com/images/card/a%ff.jpg",
    "https://images.example.com/images/card/a//b.jpg",
    "https://elsewhere.example/images/card/a.jpg",
    "https://images.example.com/images/card/a\tb.jpg",
  ]);
  expect(ended).toMatchObject({ code: 1, out: "" });
  expect(ended.err).toContain("NOT SENT: 6 impossible names");
  expect(ended.err).toContain("is not a URL of this Vitrine, which is at images.example.com");
  expect(net.purged).toEqual(["keys/100%.jpg", "x.jpg", "private/a.jpg"].map(nameOf));
  arrange((names) => notPurged(names, "No"));
  const twice = await purge(["a.jpg", "https://images.example.com/images/card/a.jpg"]);
  expect(twice).toMatchObject({ code: 2, out: "a.jpg\n" });
});

const SIGNATURE = "kJ2u8Zq0Jx3m1Yt5bN7cV9wE4rT6yU8iO0pA2sD4fG0";

test("what was not purged can be given again, and no signature is printed", async () => {
  arrange((names) => notPurged(names, "No"));
  const query = `?exp=1795600000&kid=k&v=7&sig=${SIGNATURE}`;
  const signed = `https://images.example.com/private/card/a.jpg${query}`;
  const elsewhere = `https://elsewhere.example/private/card/a.jpg${query}`;
  const ended = await purge([signed, elsewhere, `images.example.com/a.jpg${query}`]);
  expect(ended.code).toBe(2);
  expect(ended.out).toContain("/private/card/a.jpg?exp=1795600000&kid=k&v=7&…\n");
  expect(ended.err).toContain('/private/card/a.jpg?exp=1795600000&kid=k&v=7&…": is not');
  expect(ended.out + ended.err).not.toContain(SIGNATURE);
  arrange();
  expect(await purge(["-"], { stdin: linesIn(ended.out).slice(0, 1).join() })).toMatchObject({
    code: 0,
  });
  expect(net.purged).toEqual([nameOf("private/a.jpg")]);
});

test("a terminal shows no character that hides or reorders text, and a file has keys as they are", async () => {
  const terminal = { isTTY: true, columns: 80 } as const;
  const args = ["\u202egpj.exe", "a//\u202e\u009b2J"];
  arrange((names) => notPurged(names, "No"));
  const shown = await purge(args, { terminal, env: { ...env, TERM: "dumb" } });
  expect(shown.out).toBe("\\u202egpj.exe\n");
  expect(shown.err).toContain('"a//\\u202e\\u009b2J": a control character\n');
  expect(shown.out + shown.err).not.toMatch(/[\u202e\u009b]/);
  expect((await purge(args)).out).toBe("\u202egpj.exe\n");
});

test("a key with the bucket's prefix is not taken for another one, and the right one is named", async () => {
  const given = "published/photos/fig's.jpg";
  for (const ended of [await purge([given]), await purge(["-"], { stdin: given })]) {
    expect(ended).toMatchObject({ code: 2, out: "" });
    expect(ended.err).toContain(`"${given}": begins with the bucket's prefix, which`);
    expect(ended.err).toMatch(/: write (?:photos\/fig's\.jpg|'photos\/fig'\\''s\.jpg')\./);
  }
  expect(net.calls).toEqual([]);
  const url = "https://images.example.com/images/card/published/a.jpg";
  expect(await purge(["published/b.jpg", "c.jpg", url])).toMatchObject({ code: 1 });
  expect(net.purged).toEqual([nameOf("c.jpg"), nameOf("published/a.jpg")]);
});

test.each<[string, args: string[], given: Given, code: number, said: RegExp]>([
  ["no token for a prefix", ["--prefix", "a"], { env: {} }, 2, /^PURGE_TOKEN is missing\./],
  ["this machine", ["a.jpg", "--url", "http://localhost:8787"], {}, 2, /nothing to purge/],
  ["nothing", [], { stdin: "a.jpg" }, 3, /^Name objects, or a --prefix, or - for/],
  ["no key on stdin", ["-"], {}, 0, /^Purging 0 objects/],
  [
    "half a token",
    ["a.jpg"],
    { env: { PURGE_TOKEN: `hidden\n${"x".repeat(32)}` } },
    2,
    /^PURGE_TOKEN is not 32 or more ASCII characters\n$/,
  ],
])("%s: it says so, and sends nothing", async (_what, args, given, code, said) => {
  const ended = await purge(args, given);
  expect([ended.code, ended.out, ended.err]).toEqual([code, "", expect.stringMatching(said)]);
  expect(net.calls).toEqual([]);
});

test("Ctrl-C while it reads keys: it sends nothing", async () => {
  const interrupt = new AbortController();
  const stdin = new PassThrough();
  stdin.write("a.jpg\nb.jpg");
  const ended = purge(["-"], { stdin, interrupted: interrupt.signal });
  await vi.waitFor(() => expect(stdin.readableLength).toBe(0));
  interrupt.abort();
  expect(await ended).toMatchObject({
    code: 130,
    err: expect.stringContaining("interrupted before anything was asked"),
  });
  expect(net.calls).toEqual([]);
});

test("a key that begins like the name of the only bucket is refused, with both readings", async () => {
  const { code, err } = await purge(["media/a b.jpg", "media/-1.jpg", "good.jpg"]);
  expect(code).toBe(1);
  expect(err).toMatch(/^"media\/a b\.jpg": .* Write 'a b\.jpg' or 'media\/media\/a b\.jpg'$/m);
  expect(err).toMatch(/^"media\/-1\.jpg": .* Write -- -1\.jpg or media\/media\/-1\.jpg$/m);
  expect(net.purged).toEqual([nameOf("good.jpg")]);
  const piped = await purge(["-"], { stdin: "media/a b.jpg\n" });
  expect(piped.code).toBe(2);
  expect(piped.err).toMatch(/ Write a b\.jpg or media\/media\/a b\.jpg$/m);
  arrange();
  expect(await purge(["a.jpg", "media/media/a.jpg"])).toMatchObject({ code: 0 });
  expect(net.purged).toEqual([nameOf("a.jpg"), nameOf("media/a.jpg")]);
  const prefix = await purge(["--prefix", "media/2026/"]);
  expect([prefix.code, prefix.err]).toEqual([
    2,
    expect.stringMatching(/Write --prefix 2026\/ or --prefix media\/media\/2026\/\n$/),
  ]);
});

test("with several buckets, each key begins with the name of its bucket", async () => {
  edit((text) => text.replace("[vars.PRESETS.thumbnail]", `${MORE}$&`));
  const unsaid = await purge(["a.jpg", "b.jpg"]);
  expect(unsaid).toMatchObject({ code: 2, out: "" });
  expect(unsaid.err).toBe(
    '"a.jpg": which bucket is it in? Write media/a.jpg or more/a.jpg\n' +
      '"b.jpg": which bucket is it in? Write media/b.jpg or more/b.jpg\n' +
      "Purging 0 objects of https://images.example.com.\n" +
      "NOT SENT: 2 impossible names (see above).\n",
  );
  expect(await purge(["--prefix", "a"])).toMatchObject({
    code: 2,
    err: "--prefix a: which bucket is it in? Write --prefix media/a or --prefix more/a\n",
  });
  expect(net.purged).toEqual([]);
  const url = "https://images.example.com/more/card/a.jpg";
  expect(await purge([url, "more/b.jpg", "-"], { stdin: "media/a.jpg\nc.jpg\n" })).toMatchObject({
    code: 1,
    err: expect.stringContaining('"c.jpg": which bucket'),
  });
  expect(net.purged).toEqual(["more/a.jpg", "more/b.jpg", nameOf("a.jpg")]);

  // What is listed and not purged is printed by the names that can be given again.
  arrange((names) => notPurged(names, "No"));
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
  const keyed = { ...env, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const listed = await purge(["--prefix", "media/users/"], { env: keyed });
  expect(listed).toMatchObject({ code: 2, out: "media/users/ada/avatar.png\n" });
  const again = await purge(["-"], { stdin: listed.out });
  expect(again).toMatchObject({ code: 2, out: listed.out });
});
