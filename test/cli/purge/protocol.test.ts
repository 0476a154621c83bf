// vitrine purge --json and --protocol: what a purge leaves in writing, and what it never gives away.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { PROTECTION } from "../../../src/worker/response/answer.ts";
import { MORE } from "../../support/cli/folder.ts";
import { vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { stopTimers } from "../../support/clock.ts";
import { network } from "../../support/emulators.ts";
import { PURGE_TOKEN, SECRETS } from "../../support/env.ts";
import { copyWithDomain, removeCopies } from "../../support/local-run.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const SITE = "https://images.example.com";
const STORE = '[vars.ANSWERS]\nstore = "RENDITIONS"\n[[r2_buckets]]\nbinding = "RENDITIONS"\n';
const SIGNED_ROUTE = `[[vars.ROUTES]]
path = "/vault/:preset/*"
object = "media/vault/*"
signed = true
max_age = 86400

`;

let folder = "";
beforeAll(() => {
  network.listen();
  folder = copyWithDomain((text) =>
    text
      .replace('object = "media/*"', 'object = "media/photos/*"')
      .replace("[640, 960, 1280, 1920]", "[640, 1920]")
      .replace("[vars.PRESETS.thumbnail]", `${SIGNED_ROUTE}$&`)
      .replace("[secrets]", `${STORE}$&`)
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
});
afterAll(() => {
  network.close();
  removeCopies();
});

const { URL_SIGNING_KEYS } = SECRETS;
const env = { PURGE_TOKEN, URL_SIGNING_KEYS };
const BEGAN = "2026-12-01T12:00:00.000Z";
const EVIL = "photos/<img src=x onerror=alert(1)>&\"'.jpg";

/** What the Worker says of a purge. */
const answerTo = (objects: readonly string[], state: string) => ({
  ok: true,
  purged: objects,
  not_purged: [],
  deleted: 3,
  left: false,
  verified: objects.map((object) => ({ object, state })),
});

/** The Worker is played: the times are those of the test alone. */
let finish: ReturnType<typeof stopTimers>;
beforeEach(() => {
  finish = stopTimers();
  vi.setSystemTime(BEGAN);
  serve("missing", () => missing());
});

const missing = (headers = {}) =>
  new HttpResponse("Not found\n", {
    status: 404,
    headers: { ...PROTECTION, "vitrine-event": "object-missing", ...headers },
  });

function serve(state: string, answerPicture: () => Response): void {
  network.use(
    http.post(`${SITE}/purge`, async ({ request }) => {
      const { objects = [] }: { objects?: readonly string[] } = JSON.parse(await request.text());
      return HttpResponse.json(answerTo(objects.length > 0 ? objects : ["media/*"], state));
    }),
    http.get(`${SITE}/*`, answerPicture),
  );
}

async function purge(args: readonly string[], world: WorldOptions = {}) {
  const { value } = await finish(vitrine(["purge", ...args], { folder, env, ...world }));
  return value;
}

type Json = Record<string, unknown>;

async function purgeJson(args: readonly string[], world: WorldOptions = {}) {
  const ended = await purge([...args, "--json"], world);
  const protocol: Json = JSON.parse(ended.out);
  return { ...ended, protocol };
}

const secondsAfter = (time: unknown, seconds: number) =>
  new Date(Date.parse(`${time}`) + seconds * 1000).toISOString();

describe("--json", () => {
  test("has the object, each answer, the store, when, and what browsers keep", async () => {
    const { code, protocol } = await purgeJson(["photos/fig.jpg", "--verify"]);
    expect(code).toBe(0);
    const { began, ended, verified, browsers, ...others } = protocol;
    expect(began).toBe(BEGAN);
    expect(Date.parse(`${ended}`) - Date.parse(BEGAN)).toBeGreaterThanOrEqual(20_000);
    expect(others).toEqual({
      site: SITE,
      ok: true,
      purged: ["media/photos/fig.jpg"],
      not_purged: [],
      impossible_names: 0,
      store: { deleted: 6, left: "nothing" },
    });
    // The timeout of a request that was on its way, and a day: the bucket has a signed route, whose URLs may have a version.
    expect(browsers).toEqual({ max_age: 3600, until: secondsAfter(ended, 20 + 86_400) });
    expect(verified).toEqual([
      {
        object: "photos/fig.jpg",
        names: ["media/photos/fig.jpg"],
        result: "proved",
        reason: "S3 says in each of 21 requests of 7 URLs that it is missing",
        s3: ["missing"],
        answers: expect.arrayContaining([
          {
            url: `${SITE}/images/card@2x/fig.jpg`,
            variant: "card@2x",
            browser: "avif",
            answer: "object-missing",
          },
        ]),
        time: expect.stringMatching(/^2026-12-01T12:0.*Z$/),
      },
    ]);
  });

  test.each([
    ["S3 has it", "there", "still there", () => missing()],
    ["S3 does not say", "unknown", "not known", () => missing()],
    ["a 404 has no reason", "missing", "not known", () => missing({ "vitrine-event": "" })],
  ])("what is not proved has its reason: %s", async (_what, state, result, answerPicture) => {
    serve(state, answerPicture);
    const { code, protocol } = await purgeJson(["photos/fig.jpg", "--verify"]);
    expect(code).toBe(1);
    expect(protocol).toMatchObject({ ok: false, verified: [{ result, s3: [state] }] });
  });

  test("of an object that still shows, no time is named when browsers forget it", async () => {
    serve("there", () => missing());
    const { protocol } = await purgeJson(["photos/fig.jpg", "--verify"]);
    expect(protocol["browsers"]).toEqual({ max_age: 3600 });
  });

  test("without --verify it says what is purged, and proves nothing", async () => {
    const { code, protocol } = await purgeJson(["photos/fig.jpg", "a//b.jpg"]);
    expect(code).toBe(1);
    expect(protocol).toMatchObject({ ok: false, impossible_names: 1 });
    expect(protocol).not.toHaveProperty("verified");
    const whole = await purgeJson(["--bucket", "media"]);
    expect([whole.code, whole.protocol]).toEqual([
      0,
      expect.objectContaining({ ok: true, purged: ["media/*"] }),
    ]);
  });

  test("what is not purged is in it, and not on stdout beside it", async () => {
    network.use(
      http.post(`${SITE}/purge`, () => {
        const not_purged = [{ object: "media/photos/fig.jpg", reason: "store: it fails" }];
        return HttpResponse.json({ ok: false, not_purged }, { status: 400 });
      }),
    );
    const { code, protocol } = await purgeJson(["photos/fig.jpg"]);
    expect(code).toBe(2);
    expect(protocol).toMatchObject({
      ok: false,
      purged: [],
      not_purged: [{ object: "media/photos/fig.jpg", reason: "store: it fails" }],
      store: { deleted: 0, left: "not known" },
    });
    expect(protocol["browsers"]).toEqual({ max_age: 3600 });
  });

  test("a store of which the Worker says nothing is not proved empty", async () => {
    network.use(
      http.post(`${SITE}/purge`, async ({ request }) => {
        const { objects }: { objects: readonly string[] } = JSON.parse(await request.text());
        const { left: _left, ...report } = answerTo(objects, "missing");
        return HttpResponse.json(report);
      }),
    );
    const { code, protocol } = await purgeJson(["photos/fig.jpg", "--verify"]);
    expect(code).toBe(1);
    expect(protocol).toMatchObject({
      store: { left: "not known" },
      verified: [{ result: "not known", reason: expect.stringContaining("store") }],
    });
  });

  test("after Ctrl-C it says how far it came", async () => {
    const interrupt = new AbortController();
    const onOutput = (screens: string) => {
      if (screens.includes("Waiting")) interrupt.abort();
    };
    const world = { interrupted: interrupt.signal, onOutput };
    const { code, protocol } = await purgeJson(["photos/fig.jpg", "--verify"], world);
    expect(code).toBe(130);
    expect(protocol).toMatchObject({ ok: false, purged: [], verified: [{ result: "not purged" }] });
  });
});

test("browsers keep what signed URLs show for longer, where the bucket has any", async () => {
  network.use(
    http.post(`${SITE}/purge`, () => HttpResponse.json({ ok: true, purged: [], not_purged: [] })),
  );
  const withMore = copyWithDomain((text) =>
    text.replace("[vars.PRESETS.thumbnail]", `${MORE}${SIGNED_ROUTE}$&`),
  );
  for (const [args, seconds] of [
    [["--everything"], 86_400],
    [["--bucket", "media"], 86_400],
    [["--bucket", "more"], 3_600],
  ] as const) {
    const { protocol } = await purgeJson(args, { folder: withMore });
    const until = secondsAfter(protocol["ended"], 20 + seconds);
    expect([args, protocol["browsers"]]).toEqual([args, { max_age: 3600, until }]);
    expect(protocol).not.toHaveProperty("store");
  }
});

test("browsers keep a picture of an immutable route for a year, unless its URL expires before", async () => {
  network.use(
    http.post(`${SITE}/purge`, () => HttpResponse.json({ ok: true, purged: [], not_purged: [] })),
  );
  const year = 31_536_000;
  for (const [signing, answers, bucket, seconds] of [
    ["", "immutable = true", "more", year],
    ["", "immutable = true", "media", 3600],
    ["", "keep = 604800\nmax_age = 7200", "more", 7200],
    ["", "max_age = 60", "more", 3600],
    ["signed = true\nmax_age = 86400\n", "immutable = true", "more", 86_400],
  ] as const) {
    const route = `[[vars.ROUTES]]
path = "/own/:preset/*"
object = "more/own/*"
${signing}
[vars.ROUTES.answers]
${answers}

`;
    const withOwn = copyWithDomain((text) =>
      text.replace("[vars.PRESETS.thumbnail]", `${MORE}${route}$&`),
    );
    const { protocol, err } = await purgeJson(["--bucket", bucket], { folder: withOwn });
    const until = secondsAfter(protocol["ended"], 20 + seconds);
    expect([answers, protocol["browsers"]]).toEqual([answers, { max_age: seconds, until }]);
    expect(err).toContain("Browsers keep what they have for max_age: ");
  }
});

describe("--protocol", () => {
  test("writes a page with the same facts, whatever the name of the object is", async () => {
    const out = createTemporaryFolder("vitrine-protocol-");
    const file = join(out, "proof.html");
    const ended = await purge([EVIL, "--verify", "--protocol", file]);
    expect(ended.code).toBe(0);
    expect(ended.err).toContain(`Wrote ${file}`);
    const page = readFileSync(file, "utf8");
    const texts = ["photos/&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;.jpg"];
    texts.push(SITE, BEGAN, "object-missing", "card@2x", "S3 says in each of 21 requests");
    texts.push("That the names above are spelt as the objects were");
    for (const text of texts) expect(page).toContain(text);
    expect(page).not.toMatch(/<img|<script|https?:[^<]*sig=|src=["']|href=["']/);
    expect(readdirSync(out)).toEqual(["proof.html"]);
  });

  test("a page that cannot be written is refused before anything is purged", async () => {
    const requests: string[] = [];
    network.use(
      http.all(`${SITE}/*`, ({ request }) => {
        requests.push(request.url);
        return HttpResponse.json({});
      }),
    );
    const file = join(createTemporaryFolder("vitrine-proof-"), `${"long".repeat(80)}.html`);
    const ended = await purge(["photos/fig.jpg", "--verify", "--protocol", file]);
    expect([ended.code, requests]).toEqual([2, []]);
    expect(ended.err).toContain("cannot be written");
  });

  test("a page of what is not proved says so first", async () => {
    serve("denied", () => missing());
    const file = join(createTemporaryFolder("vitrine-protocol-"), "proof.html");
    const { code } = await purge(["photos/fig.jpg", "--verify", "--protocol", file]);
    expect(code).toBe(1);
    const page = readFileSync(file, "utf8");
    expect(page).toMatch(/Not proved[\s\S]*S3 denies it/);
    expect(page).not.toContain("<strong>Proved");
  });

  test("a page of what is not purged names it, and the reason", async () => {
    network.use(
      http.post(`${SITE}/purge`, () => {
        const not_purged = [{ object: "media/photos/fig.jpg", reason: "store: it <b>fails" }];
        return HttpResponse.json({ ok: false, not_purged }, { status: 400 });
      }),
    );
    const file = join(createTemporaryFolder("vitrine-protocol-"), "proof.html");
    const { code } = await purge(["photos/fig.jpg", "a//b.jpg", "--protocol", file]);
    expect(code).toBe(2);
    const page = readFileSync(file, "utf8");
    for (const text of ["Not all is purged", "media/photos/fig.jpg: store: it &lt;b&gt;fails"]) {
      expect(page).toContain(text);
    }
    expect(page).toContain("<li>1 impossible name</li>");
  });

  test("a page that cannot be written any more is named, and is no success", async () => {
    const file = join(createTemporaryFolder("vitrine-protocol-"), "proof.html");
    const onOutput = () => writeFileSync(file, "somebody else's");
    const ended = await purge(["photos/fig.jpg", "--protocol", file], { onOutput });
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(`${file} is not written: `);
    expect(readFileSync(file, "utf8")).toBe("somebody else's");
  });

  test.each(["there", "no-folder/proof.html"])(
    "%s is no new file: nothing is purged",
    async (name) => {
      const out = createTemporaryFolder("vitrine-protocol-");
      const file = name === "there" ? out : join(out, name);
      let count = 0;
      network.use(
        http.post(`${SITE}/purge`, () => {
          count += 1;
          return HttpResponse.json({});
        }),
      );
      const ended = await purge(["photos/fig.jpg", "--protocol", file]);
      expect([ended.code, ended.out, count]).toEqual([2, "", 0]);
      expect(ended.err).toContain(file);
      expect(existsSync(join(out, "no-folder"))).toBe(false);
    },
  );
});

test("neither has a secret or a signature in it", async () => {
  const file = join(createTemporaryFolder("vitrine-protocol-"), "proof.html");
  const signed = `${SITE}/vault/card/fig.jpg?exp=1795600000&kid=k&v=7&sig=${"kJ2u8Zq0Jx3m1Yt5bN7cV9wE4rT6yU8iO0pA2sD4fG0"}`;
  const { code, out } = await purge([signed, "--verify", "--json", "--protocol", file]);
  expect(code).toBe(0);
  const { new: key } = JSON.parse(URL_SIGNING_KEYS);
  for (const text of [out, readFileSync(file, "utf8")]) {
    expect(text).toContain("/vault/card/fig.jpg");
    expect(text).not.toMatch(/[?&]sig=/);
    expect([PURGE_TOKEN, key, "kJ2u8Zq0"].filter((secret) => text.includes(secret))).toEqual([]);
  }
});
