// vitrine purge with a stand-in for the Worker's /purge: what it accepts as names, what it sends, and what is left.

import { Readable } from "node:stream";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { MORE } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { stopTimers } from "../../support/clock.ts";
import { createEmulators, network } from "../../support/emulators.ts";
import { BUCKET_URL, PURGE_TOKEN, SECRETS } from "../../support/env.ts";
import { copyWithDomain, editFile, removeCopies } from "../../support/local-run.ts";

const SITE = "https://images.example.com";
const env = { PURGE_TOKEN };
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
/** With a key that may list the bucket. */
const keyed = { ...env, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

/** Answers in place of the Worker; undefined: the Worker purges all. */
type Fault = (names: readonly string[], index: number) => Response | undefined;

/** The stand-ins on the network. */
const net = {
  /** The names of each request. */
  calls: [] as (readonly string[])[],
  /** When each request came: ms since 1970. */
  times: [] as number[],
  /** The names that are purged, in order. Each is purged twice. */
  purged: [] as string[],
  ...createEmulators(),
};

/** The Worker's answer that names what is not purged. */
function notPurged(names: readonly string[], reason: string): Response {
  const not_purged = names.map((object) => ({ object, reason }));
  const headers = { "retry-after": "1" };
  return HttpResponse.json({ ok: false, purged: [], not_purged }, { status: 502, headers });
}

function addPurged(names: readonly string[]): void {
  net.purged = [...new Set([...net.purged, ...names])];
}

/** Puts the Worker onto the network, with its trouble. */
function arrange(fault: Fault = () => undefined): void {
  const { calls } = Object.assign(net, createEmulators(), { calls: [], times: [], purged: [] });
  network.use(
    http.post("https://images.example.com/purge", async ({ request }) => {
      if (request.headers.get("authorization") !== `Bearer ${PURGE_TOKEN}`) {
        return new HttpResponse("Unauthorized\n", { status: 401 });
      }
      const { objects }: { objects: readonly string[] } = JSON.parse(await request.text());
      if (objects.length > 200) throw new Error("too many objects");
      net.calls.push(objects);
      net.times.push(Date.now());
      const instead = fault(objects, calls.length - 1);
      if (instead) return instead;
      addPurged(objects);
      return HttpResponse.json({ ok: true, purged: objects, not_purged: [] });
    }),
  );
}

let folder = "";

/** Changes wrangler.toml for all tests of a file. */
function edit(change: (text: string) => string): void {
  editFile(`${folder}/wrangler.toml`, change);
}

beforeAll(() => {
  network.listen();
  folder = copyWithDomain((text) =>
    text
      .replace(
        "[vars.PRESETS.thumbnail]",
        '[[vars.ROUTES]]\npath = "/private/:preset/*"\nobject = "media/private/*"\nsigned = true\n$&',
      )
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
});
afterAll(() => {
  network.close();
  removeCopies();
});
let finish: ReturnType<typeof stopTimers>;
beforeEach(() => {
  finish = stopTimers();
  arrange();
});

const purge = async (args: readonly string[], world: WorldOptions = {}) => {
  const { value } = await finish(vitrine(["purge", ...args], { folder, env, ...world }));
  return value;
};

const nameOf = (key: string) => `media/${key}`;
const linesIn = (text: string) => text.split("\n").slice(0, -1);
const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);

test("what always fails is on stdout and can be given again, and everything else is purged", async () => {
  const keys = some(1_000);
  const unlucky = new Set(keys.filter((_key, at) => at % 150 === 0).map(nameOf));
  arrange((names) => {
    const failed = names.filter((name) => unlucky.has(name));
    if (failed.length === 0) return undefined;
    addPurged(names.filter((name) => !unlucky.has(name)));
    return notPurged(failed, "cache: internal error (0)");
  });
  const ended = await purge(["-"], { stdin: keys.join("\n") });
  const failed = linesIn(ended.out);
  expect([ended.code, failed.map(nameOf).toSorted()]).toEqual([1, [...unlucky].toSorted()]);
  expect(ended.err).toContain("Purged 993 of 1,000 objects");
  expect(ended.err).toMatch(/\nNOT PURGED: 7 of 1,000 objects\..*\n {2}7: cache: internal error/);
  arrange();
  expect(await purge(["-"], { stdin: ended.out })).toMatchObject({ code: 0, out: "" });
  expect(net.purged.toSorted()).toEqual([...unlucky].toSorted());
});

test.each<[string, Fault]>([
  ["the token is revoked", () => new HttpResponse("Unauthorized\n", { status: 401 })],
  ["a firewall forbids it", () => HttpResponse.html("<b>No</b>", { status: 403 })],
  ["the Worker is out of reach", () => HttpResponse.error()],
])("it stops if %s in the middle, and names the rest", async (_what, fault) => {
  arrange((names, at) => (at < 5 ? undefined : fault(names, at)));
  const keys = some(5_000);
  const ended = await purge(["-"], { stdin: keys.join("\n") });
  expect([ended.code, net.purged.length]).toEqual([2, 1_000]);
  expect(net.calls.length).toBeLessThanOrEqual(15); // each of the two purges tries five times
  // What was purged once, too, has to be given again.
  expect(linesIn(ended.out).toSorted()).toEqual(keys.toSorted());
  expect(ended.err).toMatch(/ {2}[\d,]+: not sent, after: /);
});

test("Ctrl-C ends it, and it names what was not purged", async () => {
  const interrupt = new AbortController();
  arrange((_names, at) => {
    if (at === 5) interrupt.abort();
    return undefined;
  });
  const keys = some(5_000);
  const ended = await purge(["-"], { stdin: keys.join("\n"), interrupted: interrupt.signal });
  expect([ended.code, net.calls.length]).toEqual([130, 6]);
  expect(linesIn(ended.out).toSorted()).toEqual(keys.toSorted());
  expect(ended.err).toMatch(/: interrupted\n/);
});

describe("the second purge", () => {
  const TIMEOUT_MS = 20_000; // `timeout` of the project

  test("comes `timeout` seconds after the first one, and the command says why it waits", async () => {
    const ended = await purge(["a.jpg", "b.jpg"]);
    expect(ended).toMatchObject({ code: 0, out: "" });
    const names = ["a.jpg", "b.jpg"].map(nameOf);
    expect(net.calls).toEqual([names, names]);
    const [first = 0, second = 0] = net.times;
    expect(second - first).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect(ended.err).toContain(
      "Waiting for 20 s, to purge once more: a picture may be on its way",
    );
    expect(ended.err).toMatch(/Waiting.*\nPurged 2 of 2 objects/);
  });

  test("that fails is no success: the object is to be given again", async () => {
    arrange((names, at) => (at === 0 ? undefined : notPurged(names, "store: it fails")));
    const ended = await purge(["a.jpg"]);
    expect(ended).toMatchObject({ code: 2, out: "a.jpg\n" });
    expect(ended.err).not.toContain("Purged");
  });

  test("does not come for what the first one could not do", async () => {
    arrange((names) => notPurged(names, "store: it fails"));
    const ended = await purge(["a.jpg"]);
    expect([ended.code, ended.err.includes("Waiting")]).toEqual([2, false]);
  });

  test.each([
    [["a.jpg"], "a.jpg\n"],
    [["--everything"], ""],
  ])("is waited for until Ctrl-C: %j", async (args, out) => {
    arrangeWhole(() => ({ ok: true, purged: ["*"], not_purged: [], deleted: 0, left: false }));
    const interrupt = new AbortController();
    const onOutput = (screens: string) => {
      if (screens.includes("Waiting")) interrupt.abort();
    };
    const ended = await purge(args, { interrupted: interrupt.signal, onOutput });
    expect(ended).toMatchObject({ code: 130, out });
    expect(ended.err).not.toContain("Purged");
  });
});

/** Answers of the Worker to whole purges, and to prefixes. @returns the bodies of the requests */
function arrangeWhole(
  answerTo: (body: Record<string, unknown>, index: number) => object,
): object[] {
  const bodies: object[] = [];
  network.use(
    http.post("https://images.example.com/purge", async ({ request }) => {
      const body: Record<string, unknown> = JSON.parse(await request.text());
      bodies.push(body);
      if (Array.isArray(body["objects"])) {
        return HttpResponse.json({ ok: true, purged: body["objects"], not_purged: [] });
      }
      const report = answerTo(body, bodies.length - 1);
      const isOk = "ok" in report && report.ok === true;
      return HttpResponse.json(report, {
        status: isOk ? 200 : 503,
        headers: { "retry-after": "1" },
      });
    }),
  );
  return bodies;
}

describe("while something is left", () => {
  const left = (name: string, more: object) => {
    const not_purged = [{ object: name, reason: "store: more is left: send it again" }];
    return { ok: false, purged: [], not_purged, left: true, deleted: 20_000, ...more };
  };

  test("a bucket is purged on and on, and the count is of all", async () => {
    const done = { ok: true, purged: ["media/*"], not_purged: [], left: false, deleted: 5 };
    const bodies = arrangeWhole((_body, at) => (at < 7 ? left("media/*", {}) : done));
    const ended = await purge(["--bucket", "media"]);
    expect([ended.code, bodies.length]).toEqual([0, 9]);
    expect(ended.err).toContain("Deleted 140,010 renditions from the store.");
    expect(ended.err).toContain("A second list shows that none is left.");
  });

  test("everything goes on where the Worker says", async () => {
    const done = { ok: true, purged: ["*"], not_purged: [], left: false, deleted: 0 };
    const bodies = arrangeWhole((_body, at) => (at === 0 ? left("*", { after: "here" }) : done));
    expect((await purge(["--everything"])).code).toBe(0);
    expect(bodies).toEqual([
      { everything: true },
      { everything: true, after: "here" },
      { everything: true },
    ]);
  });

  test.each([
    ["nothing more is deleted", left("media/*", { deleted: 0 })],
    ["the answer is about another bucket", left("more/*", {})],
  ])("it ends where %s, and that is no success", async (_what, answer) => {
    const bodies = arrangeWhole(() => answer);
    const ended = await purge(["--bucket", "media"]);
    expect([ended.code, bodies.length < 40]).toEqual([2, true]);
    expect(ended.err).toContain("media/* is not purged: ");
  });

  test("a Worker that does not say what it deleted is not said to have deleted all", async () => {
    arrangeWhole(() => ({ ok: true, purged: ["*"], not_purged: [] }));
    const ended = await purge(["--everything"]);
    expect([ended.code, ended.err.includes("Deleted")]).toEqual([0, false]);
  });
});

test("every key is named once", async () => {
  const keys = [...HARD_KEYS, " spaces at both ends ", "-dash", "\u2028/a.jpg"];
  const stdin = `\uFEFF${[...keys, "", ...keys].join("\r\n")}`;
  expect(await purge(["-", "-"], { stdin })).toMatchObject({ code: 0 });
  expect(net.purged).toEqual(keys.map(nameOf));
  arrange();
  expect(await purge(["--", ...keys, ...keys])).toMatchObject({ code: 0 });
  expect(net.purged).toEqual(keys.map(nameOf));
});

test("what cannot be an object is named and skipped, and the rest is purged", async () => {
  const names = ["/a.jpg", "a//b.jpg", "a/../b.jpg", "a\nb.jpg", "\u001b[2J", "", "x".repeat(1020)];
  // It would be another object, or two: the right names are in the message.
  const ambiguous = ["published/photos/fig.jpg", "media/a b.jpg"];
  const urls = [
    ...["nothing/here.jpg", "images/card/a%ff.jpg", "images/card/a//b.jpg", "images/card/a\tb.jpg"],
  ].map((path) => `${SITE}/${path}`);
  const foreign = "https://elsewhere.example/images/card/a.jpg";
  const args = [...names, ...ambiguous, ...urls, foreign];
  const stdin = Readable.from([Buffer.from([0x61, 0xff, 0x0a])]);
  const ended = await purge([...args, "-", "good.jpg"], { stdin });
  expect(ended).toMatchObject({ code: 1, out: "" });
  for (const name of args) expect(ended.err).toContain(`${JSON.stringify(name)}: `);
  expect(ended.err).toMatch(/bucket's prefix.*: write "photos\/fig\.jpg"/);
  expect(ended.err).toContain('Write "a b.jpg" or "media/media/a b.jpg"');
  expect(ended.err).toContain("is not a URL of this Vitrine, which is at images.example.com");
  expect(ended.err).toContain("is not UTF-8");
  expect(ended.err).toContain("NOT SENT: 15 impossible names");
  expect(ended.err).not.toContain("\u001b");
  expect(net.purged).toEqual([nameOf("good.jpg")]);
});

test("the objects of public URLs are purged, and a name that says what is meant", async () => {
  const ended = await purge([
    `${SITE}/images/card@2x/keys/100%25.jpg?v=no`,
    "/images/card/x.jpg",
    `${SITE}/private/card/a.jpg?exp=1&kid=k&v=1.a-b_c&sig=x&facts`,
    `${SITE}/images/card/published/a.jpg`,
    "media/media/a.jpg",
  ]);
  expect(ended).toMatchObject({ code: 0, out: "" });
  const keys = ["keys/100%.jpg", "x.jpg", "private/a.jpg", "published/a.jpg", "media/a.jpg"];
  expect(net.purged).toEqual(keys.map(nameOf));
  arrange((names) => notPurged(names, "No"));
  const twice = await purge(["a.jpg", `${SITE}/images/card/a.jpg`]);
  expect(twice).toMatchObject({ code: 2, out: "a.jpg\n" });
});

const SIGNATURE = "kJ2u8Zq0Jx3m1Yt5bN7cV9wE4rT6yU8iO0pA2sD4fG0";

test("what was not purged can be given again, and no signature is printed", async () => {
  arrange((names) => notPurged(names, "No"));
  const query = `?exp=1795600000&kid=k&v=7&sig=${SIGNATURE}`;
  const signed = `${SITE}/private/card/a.jpg${query}`;
  const elsewhere = `https://elsewhere.example/private/card/a.jpg${query}`;
  const names = [`images.example.com/a.jpg${query}`, `media/a.jpg${query}`];
  const ended = await purge([signed, elsewhere, ...names]);
  expect(ended.code).toBe(2);
  expect(ended.out).toContain("/private/card/a.jpg?exp=1795600000&kid=k&v=7&…\n");
  expect(ended.err).toContain('/private/card/a.jpg?exp=1795600000&kid=k&v=7&…": is not');
  expect(ended.out + ended.err).not.toContain(SIGNATURE);
  arrange();
  const again = await purge(["-"], { stdin: linesIn(ended.out).slice(0, 1).join() });
  expect([again.code, net.purged]).toEqual([0, [nameOf("private/a.jpg")]]);
});

test("a terminal shows no character that hides or reorders text, and a file has keys as they are", async () => {
  const terminal = { isTTY: true, columns: 80 } as const;
  const args = ["\u202egpj.exe", "a//\u202e\u009b2J"];
  arrange((names) => notPurged(names, "No"));
  const result = await purge(args, { terminal, env: { ...env, TERM: "dumb" } });
  expect(result.out).toBe("\\u202egpj.exe\n");
  expect(result.err).toContain('"a//\\u202e\\u009b2J": a control character\n');
  expect(result.out + result.err).not.toMatch(/[\u202e\u009b]/);
  expect((await purge(args)).out).toBe("\u202egpj.exe\n");
});

test("what cannot be purged: it says so, and sends nothing", async () => {
  const half = { env: { PURGE_TOKEN: `hidden\n${"x".repeat(32)}` } };
  const results: [string, CommandResult][] = [];
  const cases: readonly (readonly [args: string[], given?: WorldOptions])[] = [
    [["a.jpg"], { env: {} }],
    [["a.jpg", "--url", "http://localhost:8787"]],
    [[], { stdin: "a.jpg" }],
    [["-"]],
    [["half a token"], half],
    [["--prefix", "media/a"]],
    [["--bucket", "acme"]],
    [["--everything", "a.jpg"]],
    [["--everything", "--bucket", "media"]],
    [["--everything", "--verify"]],
    [["a.jpg", "--dry-run", "--json"]],
    [["a.jpg", "--url", "https://evil.example"]],
  ];
  for (const [args, options] of cases) {
    const ended = await purge(args, options);
    expect([args, ended.out, net.calls]).toEqual([args, "", []]);
    results.push([args.join(" "), ended]);
  }
  await expectGolden("refused.txt", results);
});

/** Puts objects into the bucket, one of them with a key that Vitrine cannot show. */
function store(keys: readonly string[]) {
  const object = { body: new Uint8Array(), type: "image/jpeg" };
  for (const key of [...keys, "photos/"]) net.s3.objects.set(`published/${key}`, object);
  net.s3.objects.set("secret/photos/a.jpg", object);
}

describe("--dry-run", () => {
  test.each([
    [
      ["a.jpg", `${SITE}/images/card/b.jpg`],
      `a.jpg\n${SITE}/images/card/b.jpg\n`,
      /2 objects .*, by 2 requests\.\n.* 54 requests of 18 URLs/,
    ],
    [
      ["a.jpg", "--verify"],
      "a.jpg\n",
      /1 object .*, by 2 requests\.\nWould then send 27 requests of 9 URLs/,
    ],
    [
      ["-"],
      some(401)
        .map((key) => `${key}\n`)
        .join(""),
      /401 objects .*, by 6 requests/,
    ],
    [["--bucket", "media"], "media/*\n", /Would purge media\/\* .*, by 2 requests/],
    [["--everything"], "*\n", /Would purge \* .*, by 2 requests/],
  ])("of %j names what it would purge, and sends nothing", async (args, out, summary) => {
    const ended = await purge([...args, "--dry-run"], { stdin: some(401).join("\n") });
    expect(ended).toMatchObject({ code: 0, out });
    expect(ended.err).toMatch(summary);
    expect([net.calls, net.s3.requests]).toEqual([[], []]);
  });

  test("of a prefix lists the bucket, and its output can be given again", async () => {
    net.s3.objects.clear();
    store(some(3));
    const ended = await purge(["--prefix", "photos/", "--dry-run"], { env: keyed });
    expect(ended).toMatchObject({ code: 0, out: "photos/0.jpg\nphotos/1.jpg\nphotos/2.jpg\n" });
    expect(ended.err).toMatch(/\n--prefix never reaches deleted objects:.*\n$/);
    expect([net.calls, net.s3.requests.length]).toEqual([[], 1]);
  });

  test("of names of which one is impossible ends with 1, as the purge would", async () => {
    const ended = await purge(["a//b.jpg", "a.jpg", "--dry-run"]);
    expect(ended).toMatchObject({ code: 1, out: "a.jpg\n" });
    expect(net.calls).toEqual([]);
  });
});

test("--prefix purges all objects that begin with it, page by page", async () => {
  net.s3.objects.clear();
  const keys = some(2_500);
  store(keys);
  const ended = await purge(["--prefix", "photos/"], { env: keyed });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toContain("Left out: 1 object with keys that Vitrine cannot show.");
  expect(net.purged.toSorted()).toEqual(keys.map(nameOf).toSorted());
  expect(net.s3.requests).toHaveLength(3);
  expect(ended.err).toMatch(
    /\n--prefix never reaches deleted objects:.*names.*--bucket.*--everything.*\n$/,
  );
});

const SECRET_LIST = "<IsTruncated>false</IsTruncated><Contents><Key>secret/a.jpg</Key></Contents>";

/** Answers for S3 with a list. */
function serve(list: string) {
  const headers = { "content-type": "application/xml" };
  network.use(
    http.get(`${BUCKET_URL}*`, () => {
      return new HttpResponse(`<ListBucketResult>${list}</ListBucketResult>`, { headers });
    }),
  );
}

test("--prefix, and no list: it says what to do, and purges nothing", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, spoil, changed] of [
    ["the list is of other objects", () => serve(SECRET_LIST)],
    ["the list is none", () => serve("<")],
    ["the key may not list", () => net.s3.faults.add("no-list-bucket")],
    ["no key is at hand", () => {}, { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" }],
    ["the key is no key", () => {}, { AWS_ACCESS_KEY_ID: "test/tester" }],
    ["half of the key is at hand", () => {}, { AWS_SECRET_ACCESS_KEY: "" }],
    ["S3 refuses the key", () => net.s3.faults.add("other-secret")],
    ["the bucket is elsewhere", () => net.s3.faults.add("elsewhere-301")],
    ["S3 is busy", () => net.s3.faults.add("SlowDown")],
    ["S3 is out of reach", () => net.s3.faults.add("reset")],
    ["there is no such object", () => net.s3.objects.clear()],
  ] as const) {
    network.resetHandlers();
    arrange();
    spoil();
    const ended = await purge(["--prefix", "photos/"], { env: { ...keyed, ...changed } });
    expect([title, ended.code, ended.out, net.calls]).toEqual([title, 2, "", []]);
    results.push([title, ended]);
  }
  await expectGolden("lists.txt", results);
});

// The last tests: `edit` holds for all that come after it.
test("with a store it names 8 objects a request, since the store is listed for each", async () => {
  const store = '[vars.ANSWERS]\nstore = "RENDITIONS"\n[[r2_buckets]]\nbinding = "RENDITIONS"\n';
  edit((text) => `${text}\n${store}`);
  expect(await purge(["-"], { stdin: some(20).join("\n") })).toMatchObject({ code: 0 });
  expect(net.calls.map(({ length }) => length)).toEqual([8, 8, 4, 8, 8, 4]);
});

test("with several buckets, each name begins with its bucket", async () => {
  edit((text) => text.replace("[vars.PRESETS.thumbnail]", `${MORE}$&`));
  const ambiguous = await purge(["--prefix", "a"]);
  expect([ambiguous.code, ambiguous.err]).toEqual([2, expect.stringContaining('"more/a"')]);
  const names = [`${SITE}/more/card/a.jpg`, "more/b.jpg", "-"];
  const { code, err } = await purge(names, { stdin: "media/a.jpg\nc.jpg\n" });
  expect([code, err]).toEqual([1, expect.stringContaining('Write "media/c.jpg" or "more/c.jpg"')]);
  expect(net.purged).toEqual(["more/a.jpg", "more/b.jpg", "media/a.jpg"]);

  // What is listed and not purged is printed by the names that can be given again.
  arrange((objects) => notPurged(objects, "No"));
  const listed = await purge(["--prefix", "media/users/"], { env: keyed });
  expect(listed).toMatchObject({ code: 2, out: "media/users/ada/avatar.png\n" });
  expect((await purge(["-"], { stdin: listed.out })).out).toBe(listed.out);
});

test("--prefix of an R2 binding is listed by the Worker, portion by portion", async () => {
  edit((text) => `${text}\n${R2_BUCKET}`);
  const bodies = arrangeWhole(({ after }) => {
    const [name, next] =
      after === "1" ? ["fresh/2026/b.jpg", undefined] : ["fresh/2026/a.jpg", "1"];
    const more = next ? { ok: false, left: true, after: next } : { ok: true, left: false };
    return { purged: [name], not_purged: [], deleted: 1, ...more };
  });
  const ended = await purge(["--prefix", "fresh/2026/"]);
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(bodies).toEqual([
    { prefix: "fresh/2026/" },
    { prefix: "fresh/2026/", after: "1" },
    { objects: ["fresh/2026/a.jpg", "fresh/2026/b.jpg"] },
  ]);
  expect(ended.err).toMatch(/\n--prefix never reaches deleted objects:.*\n$/);
});

test("--dry-run of a prefix of an R2 binding: the Worker lists while it purges, so it is refused", async () => {
  const bodies = arrangeWhole(() => ({}));
  const ended = await purge(["--prefix", "fresh/2026/", "--dry-run"]);
  expect([ended.code, ended.out, bodies]).toEqual([2, "", []]);
  expect(ended.err).toContain("fresh");
});

test.each(["media/2026/a.jpg", "fresh/2025/a.jpg", "fresh/2026/\u001b[2J.jpg"])(
  "--prefix of an R2 binding: an answer with another name, %j, counts as none",
  async (name) => {
    arrangeWhole(() => ({ ok: true, purged: [name], not_purged: [], deleted: 1, left: false }));
    const ended = await purge(["--prefix", "fresh/2026/"]);
    expect([ended.code, ended.out]).toEqual([2, ""]);
    expect(ended.err).toContain("the Worker answers about other objects");
    expect(ended.err).not.toContain("\u001b");
  },
);

const R2_BUCKET = `
[vars.BUCKETS.fresh]
binding = "FRESH"

[[vars.ROUTES]]
path = "/fresh/:preset/*"
object = "fresh/*"

[images]
binding = "IMAGES"

[[r2_buckets]]
binding = "FRESH"
`;
