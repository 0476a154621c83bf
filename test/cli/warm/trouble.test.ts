// What vitrine warm does if a Vitrine does not show what it is asked for.

import { PassThrough } from "node:stream";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { visible } from "../../../src/cli/terminal/shell.ts";
import type { Given } from "../../support/cli/vitrine.ts";
import { arrange, site, some, warm } from "../../support/cli/warming.ts";
import { network } from "../../support/stand.ts";

test("it names failures", async () => {
  const one = ["--preset", "hero@640w", "--accept", "avif"];
  const answers: Record<string, () => Response> = {
    "0": () => new HttpResponse("Not found", { status: 404 }),
    "1": () => HttpResponse.html("<b>Sign in</b>"),
    "2": () => HttpResponse.error(),
    "3": () => new HttpResponse("Not available", { status: 502 }),
    "4": () => HttpResponse.redirect("https://images.example/elsewhere"),
    "5": () => new HttpResponse("Not found", { status: 404 }),
    "6": () => new HttpResponse("Wait", { status: 429 }),
  };
  arrange((path) => answers[/(\d+)\.jpg$/.exec(path)?.[1] ?? ""]?.());
  const keys = [...some(10), "a//b.jpg", "https://images.example/none", "https://a.example/"];
  const ended = await warm(keys, one);
  expect(ended.code).toBe(1);
  expect(ended.out).toBe(`Images                      3  3,000 bytes
  avif                      3  3,000 bytes
Failures                   10
  200 text/html             1  photos/1.jpg
  302                       1  photos/4.jpg
  404                       2  photos/0.jpg, photos/5.jpg
  429                       1  photos/6.jpg
  502                       1  photos/3.jpg
  no answer: fetch failed   1  photos/2.jpg
  not asked for             3  "a//b.jpg", "https://images.example/none", "https://a.example/"
`);
  for (const [at, key] of keys.slice(0, 7).entries()) {
    const missing = at === 0 || at === 5;
    const of = missing ? `404  ${key}  hero@640w, and perhaps others` : `  ${key}  hero@640w  avif`;
    expect(ended.err).toContain(`${of}\n`);
  }
  // A missing object is named once, however many variants it has.
  arrange(() => new HttpResponse("Not found", { status: 404 }));
  const all = await warm(["none.jpg"], ["--preset", "card"]);
  expect(all.err.split("none.jpg")).toHaveLength(2);
});

test("a local run that does not answer is asked for nothing", async () => {
  const asked: string[] = [];
  const none = http.all("*", ({ request }) => {
    asked.push(request.url);
    return HttpResponse.error();
  });
  network.resetHandlers(none);
  const url = ["--url", "http://localhost:8787"]; // in place of the other one
  const ended = await warm(some(3), url);
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(asked).toEqual(["http://localhost:8787/healthz"]);
  expect(ended.err).toBe(
    "http://localhost:8787 does not answer. Is the local run started there? Start it: npx vitrine dev\n",
  );
  const dry = await warm(some(1), [...url, "--dry-run", "--preset", "card"]);
  expect([dry.code, asked.length]).toEqual([0, 1]);
});

test("it prints no signature and nothing that moves the cursor", async () => {
  const signature = "kJ2u8Zq0Jx3m1Yt5bN7cV9wE4rT6yU8iO0pA2sD4fG0";
  const query = `?exp=1795600000&kid=k&sig=${signature}`;
  arrange((path) =>
    path.includes("example") || path.endsWith("/ok.jpg")
      ? undefined
      : new HttpResponse("No", { headers: { "content-type": "text/\u009b2J; charset=x" } }),
  );
  const keys = [
    `https://a.example/private/card/a.jpg${query}`,
    `https://images.example/none${query}&x=\u001b[2J`,
    `images.example/a.jpg${query}`,
    `b.jpg${query}`,
    "a//\u009b\u202e",
    "\u202egpj.exe",
    "ok.jpg",
  ];
  const ended = await warm(keys, ["--preset", "hero@640w", "--accept", "avif"]);
  expect(ended.code).toBe(1);
  expect(ended.out).toMatch(/\n {2}200 text\/\\u009b2J +2 {2}b\.jpg\?\S+…, \\u202egpj\.exe\n/);
  const told = ended.out + ended.err;
  expect(told).toContain('"https://a.example/private/card/a.jpg?exp=1795600000&kid=k&…": is');
  expect(told).not.toContain(signature);
  expect(told).toBe(visible(told));
});

test("it waits as long as an answer asks, unless that is long", async () => {
  const busy = (after: string, status: number) =>
    new HttpResponse("Wait", { status, headers: { "retry-after": after } });
  arrange((_path, index) =>
    index === 2 ? busy("60", 429) : index === 4 ? busy("1", 503) : undefined,
  );
  const began = Date.now();
  const args = ["--preset", "hero@640w", "--accept", "avif"];
  const waited = await warm(some(10), args);
  expect(waited).toMatchObject({
    code: 0,
    out: expect.stringContaining("Images    10  10,000 bytes"),
  });
  expect(site.asked).toHaveLength(12);
  expect(Date.now() - began).toBeGreaterThan(60_000);

  // The quota of the month is spent.
  arrange(() => busy("3600", 503));
  const late = Date.now();
  const ended = await warm(some(100), args);
  expect(ended.code).toBe(2);
  expect(site.asked.length).toBeLessThan(26);
  expect(Date.now() - late).toBeLessThan(60_000);
  expect(ended.err).toContain(
    "Stopped before the end: the last 20 requests failed, the last one with 503. Check the log",
  );
  expect(ended.err).toContain("To continue, run it again. ");
});

test("it stops if everything fails, but not if objects are missing", async () => {
  const args = ["--preset", "hero@640w", "--accept", "avif"];
  arrange(() => HttpResponse.error());
  const stdin = new PassThrough();
  stdin.write(`${some(10_000).join("\n")}\n`); // and more may come
  expect(await warm([], args, { stdin })).toMatchObject({ code: 2 });
  expect(site.asked.length).toBeLessThan(26 * 3);
  expect(stdin.destroyed).toBe(true);
  // A sign-in page in front of Vitrine.
  arrange(() => HttpResponse.redirect("https://sign-in.example/"));
  expect(await warm(some(50), args)).toMatchObject({
    code: 2,
    err: expect.stringContaining("the last 20 requests failed, the last one with 302"),
  });
  expect(site.asked.length).toBeLessThan(26);
  arrange(() => new HttpResponse("Not found", { status: 404 }));
  expect(await warm(some(50), args)).toMatchObject({ code: 2 });
  expect(site.asked).toHaveLength(50);
});

test.each<[string, args: string[], given: Given, code: number, said: RegExp]>([
  [
    "a terminal",
    [],
    { stdin: Object.assign(new PassThrough(), { isTTY: true }) },
    3,
    /^Keys come on stdin, one on each line: npx vitrine warm --url \S+ < keys\.txt\n$/,
  ],
  [
    "a terminal, and options",
    ["--accept", "webp,none", "--preset", "card@2x", "--preset", "-x", "--concurrency", "9"],
    { stdin: Object.assign(new PassThrough(), { isTTY: true }) },
    3,
    / --preset card@2x --preset=-x --accept webp,none --concurrency 9 < keys\.txt\n$/,
  ],
  ["an object as an argument", ["photos/fig.jpg"], { stdin: "" }, 3, /^Keys come on stdin, /],
  ["no key", [], { stdin: "" }, 0, /^0 keys: 0 requests/],
  [
    "no such preset",
    ["--preset", "cart"],
    {},
    2,
    /^no preset or variant cart is shown. Known: thumbnail, /,
  ],
  [
    "no such density",
    ["--preset", "card@3x"],
    {},
    2,
    /^no preset or variant card@3x is shown: the edge makes no density over 2\. Known: /,
  ],
  ["no such route", ["--route", "/x"], {}, 2, /^there is no route \/x. Known: \/images/],
  ["no such format", ["--accept", "avif,jxl"], {}, 3, /It must be some of avif, webp, none/],
  ["a format twice", ["--accept", "avif,avif"], {}, 3, /It must be some of/],
  ["too much at once", ["--concurrency", "101"], {}, 3, /It must be a whole number from 1 to 100/],
  ["no URL", ["--url", "images.example"], {}, 2, /is not a URL such as/],
])("%s: it says so, and requests nothing", async (_what, args, given, code, said) => {
  const ended = await warm(["a.jpg"], args, given);
  expect([ended.code, ended.err]).toEqual([code, expect.stringMatching(said)]);
  expect(site.asked).toEqual([]);
});

test("Ctrl-C while it reads keys: it requests nothing", async () => {
  const interrupt = new AbortController();
  const stdin = new PassThrough();
  stdin.write("a.jpg\n");
  const ended = warm([], [], { stdin, interrupted: interrupt.signal });
  await vi.waitFor(() => expect(stdin.readableLength).toBe(0));
  interrupt.abort();
  expect(await ended).toMatchObject({ code: 130 });
  expect(site.asked).toEqual([]);
});
