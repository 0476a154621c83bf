// vitrine purge --verify: what counts as a proof that an object is gone, and what does not. The whole Worker answers.

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { PROTECTION } from "../../../src/worker/response/answer.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { hurry, purge, SITE, serveSite, site } from "../../support/cli/purged-site.ts";
import type { CommandResult, WorldOptions } from "../../support/cli/vitrine.ts";
import { network } from "../../support/emulators.ts";
import { SECRETS } from "../../support/env.ts";
import { get, put, stage } from "../../support/run-worker.ts";

const PRIVATE_ROUTES = `[[vars.ROUTES]]
path = "/vault/:preset/*"
object = "media/vault/*"
signed = true

[[vars.ROUTES]]
path = "/members/:user/:preset/*"
object = "media/members/:user/*"
token = { issuer = "https://login.example/", audience = "images", keys = "https://login.example/jwks", claims = { sub = ":user" } }

`;

// An unsigned route of the same objects would show them without a signature.
serveSite((text) =>
  text
    .replace('object = "media/*"', 'object = "media/photos/*"')
    .replace("[640, 960, 1280, 1920]", "[640, 1920]")
    .replace("[vars.PRESETS.thumbnail]", `${PRIVATE_ROUTES}$&`)
    .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
);

const { URL_SIGNING_KEYS } = SECRETS;
const env = { URL_SIGNING_KEYS };
const PHOTO = "photos/fig.jpg";
const SECRET = "vault/fig.jpg";
const DAY_MS = 86_400_000;

const verify = (object: string, world: WorldOptions = {}) =>
  purge([object, "--verify"], { env, ...world });

beforeEach(() => {
  hurry();
  stage.s3.objects.delete(`published/${PHOTO}`);
  stage.s3.objects.delete(`published/${SECRET}`);
});

/** Answers pictures in place of the Worker. */
function answerPictures(
  answer: (request: { readonly url: string; readonly headers: Headers }) => Response | undefined,
): void {
  network.use(http.get(`${SITE}/*`, ({ request }) => answer(request)));
}

/** A picture out of the store. */
function picture(): Response {
  const headers = { "content-type": "image/avif", "server-timing": "cache;desc=stored" };
  return new HttpResponse("an image", { headers });
}

test.each([PHOTO, SECRET])("%s is proved gone by S3's own word in every answer", async (object) => {
  const ended = await verify(object);
  expect(ended.code).toBe(0);
  const urls = new Set(site.urls.map((url) => new URL(url).pathname));
  // Each is sent as a visitor, and once more for the reason.
  const answers = `${site.urls.length / 2} requests of ${urls.size} URLs`;
  expect(ended.out).toMatch(
    new RegExp(`^proved: ${object}: .*${answers}.*, \\d{4}-.*T.*\\.\\d{3}Z\n$`),
  );
  expect(ended.err).toMatch(/\nProved: 1 object\.\n$/);
  expect([site.urls.length, urls.size]).toEqual([42, 7]);
});

describe("no answer but S3's own is a proof", () => {
  const other = (keys: object) => ({ env: { URL_SIGNING_KEYS: JSON.stringify(keys) } });
  const clock = (ahead: number) => ({ now: () => Date.now() + ahead });
  const notFound = (headers: Record<string, string> = {}) =>
    new HttpResponse("Not found\n", { status: 404, headers });
  type Case = [title: string, object: string, spoil: () => void, world?: WorldOptions];
  const cases: Case[] = [
    ["other keys of this name", SECRET, () => {}, other({ new: "s".repeat(40) })],
    ["a key of another name", SECRET, () => {}, other({ staging: "s".repeat(40) })],
    ["no keys at hand", SECRET, () => {}, { env: {} }],
    ["a clock a day behind", SECRET, () => {}, clock(-DAY_MS)],
    ["a clock eight days ahead", SECRET, () => {}, clock(8 * DAY_MS)],
    ["the Worker has no such route", PHOTO, () => changeEnv("ROUTES", withoutPhotos)],
    ["the Worker has no such preset", PHOTO, () => changeEnv("PRESETS", withoutHero)],
    ["S3 denies the object", PHOTO, () => stage.s3.faults.add("no-list-bucket")],
    ["a 404 of something in front", PHOTO, () => answerPictures(() => notFound())],
    [
      "an event that nobody knows",
      PHOTO,
      () => answerPictures(() => notFound({ "vitrine-event": "\u009b2Jobject-missing" })),
    ],
    [
      "a page",
      PHOTO,
      () =>
        answerPictures(() =>
          HttpResponse.html("Hello", { headers: { "vitrine-event": "object-missing" } }),
        ),
    ],
    [
      "a redirect",
      PHOTO,
      () => answerPictures(() => HttpResponse.redirect("https://evil.example/")),
    ],
    ["nothing", PHOTO, () => answerPictures(() => HttpResponse.error())],
    [
      "one variant fails",
      PHOTO,
      () =>
        answerPictures(({ url }) =>
          url.includes("card@2x") ? new HttpResponse("", { status: 502 }) : undefined,
        ),
    ],
    ["S3 is busy", PHOTO, () => stage.s3.faults.add("SlowDown")],
    ["no route shows it", "other/a.jpg", () => {}],
    ["only a token opens its route", "members/alice/a.jpg", () => {}],
  ];
  const results: [string, CommandResult][] = [];

  test.each<Case>(cases)("%s", async (title, object, spoil, world = {}) => {
    spoil();
    const { code, out, err } = await verify(object, world);
    expect([title, code]).toEqual([title, 1]);
    expect(out).toMatch(/^not known: .*\n$/);
    expect(out + err).not.toMatch(/proved gone|nothing comes|[\u0080-\u009f]|sig=/i);
    results.push([title, { code, out: out.replace(/\d{4}-\d\d-\d\dT[\d:.]*Z/, "TIME"), err: "" }]);
  });

  test("the reasons say what to do", async () => {
    await expectGolden("not-known.txt", results);
  });
});

function changeEnv(name: string, change: (value: object) => object): void {
  const { [name]: value } = site.env;
  if (typeof value !== "object" || value === null) throw new Error(name);
  site.env = { ...site.env, [name]: change(value) };
}

const withoutPhotos = (routes: object) =>
  Object.values(routes).filter(({ object }) => !object.startsWith("media/photos/"));
const withoutHero = (presets: object) => {
  return Object.fromEntries(Object.entries(presets).filter(([name]) => name !== "hero"));
};

describe("an object that is still there", () => {
  test.each([PHOTO, SECRET])(
    "%s: S3 has it, so no picture is made, and one line says so",
    async (object) => {
      put(object, new Uint8Array(8));
      const ended = await verify(object);
      expect(ended.code).toBe(1);
      expect(ended.out).toMatch(new RegExp(`^still there: ${object}: .*\n$`));
      expect([site.urls.length, stage.edgeRequests.length]).toEqual([0, 0]);
      expect(ended.err).toContain("Browsers keep what they have for max_age: 3,600 s.");
    },
  );

  test("one picture is enough: no other one is asked for", async () => {
    let count = 0;
    answerPictures(() => {
      count += 1;
      return picture();
    });
    const ended = await verify(PHOTO);
    expect([ended.code, count]).toEqual([1, 1]);
    expect(ended.out).toMatch(/^still there: photos\/fig\.jpg: \/images\/.* comes .*stored.*\n$/);
  });

  test("after a rendition that the Worker may have made, no other one is asked for", async () => {
    let count = 0;
    answerPictures(() => {
      count += 1;
      const headers = { ...PROTECTION, "vitrine-event": "timed-out" };
      return new HttpResponse("", { status: 504, headers });
    });
    const ended = await verify(PHOTO);
    // as a visitor, and once more for the reason
    expect([ended.code, count]).toEqual([1, 2]);
    expect(ended.out).toMatch(/^not known: photos\/fig\.jpg: .*504 timed-out.*\n$/);
  });

  test("a picture that comes last is still there, whatever is not known", async () => {
    answerPictures(({ url }) => {
      const isLast = url.includes("/hero@640w/");
      return isLast ? picture() : new HttpResponse("", { status: 403 });
    });
    const { code, out } = await verify(PHOTO);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^still there: photos\/fig\.jpg: \/images\/hero@640w\/fig\.jpg comes.*stored.*\n$/,
    );
  });
});

test("of several objects, each has its line, and one that is not proved is enough for 1", async () => {
  put("photos/there.jpg", new Uint8Array(8));
  const ended = await purge([PHOTO, SECRET, "photos/there.jpg", "--verify"], {
    env: { URL_SIGNING_KEYS: JSON.stringify({ new: "s".repeat(40) }) },
  });
  expect(ended.code).toBe(1);
  expect(ended.out.match(/^[^:]+: [^:]+/gm)).toEqual([
    `proved: ${PHOTO}`,
    `not known: ${SECRET}`,
    "still there: photos/there.jpg",
  ]);
  expect(ended.err).toContain("NOT PROVED: 2 of 3 objects");
});

test("an object that is not purged is not proved, and no picture of it is asked for", async () => {
  network.use(
    http.post(`${SITE}/purge`, () => {
      const not_purged = [{ object: `media/${PHOTO}`, reason: "store: it fails" }];
      return HttpResponse.json({ ok: false, not_purged }, { status: 400 });
    }),
  );
  const { code, out } = await verify(PHOTO);
  expect(code).toBe(2);
  expect(out).toMatch(/^not purged: photos\/fig\.jpg: store: it fails, .*\n$/);
  expect(site.urls).toEqual([]);
});

test("of two objects, one that is not purged has its line, and the other one is proved", async () => {
  network.use(
    http.post(`${SITE}/purge`, async ({ request }) => {
      const { objects }: { objects: readonly string[] } = JSON.parse(await request.text());
      if (objects.includes(`media/${SECRET}`)) {
        const not_purged = [{ object: `media/${SECRET}`, reason: "store: it fails" }];
        return HttpResponse.json({ ok: false, not_purged }, { status: 400 });
      }
      const verified = objects.map((object) => ({ object, state: "missing" }));
      return HttpResponse.json({ ok: true, purged: objects, not_purged: [], verified });
    }),
  );
  const { code, out, err } = await purge([PHOTO, SECRET, "--verify"], { env });
  expect([code, out.match(/^[^:]+: [^:]+/gm)]).toEqual([
    1,
    [`proved: ${PHOTO}`, `not purged: ${SECRET}`],
  ]);
  expect(err).toContain("NOT PURGED: 1 of 2 objects.\n");
});

test("the token goes to an answer of Vitrine alone: no redirect, and no other app at that path", async () => {
  const tokens = new Set<string | null>();
  const elsewhere: string[] = [];
  network.use(
    http.all("https://evil.example/*", ({ request }) => {
      elsewhere.push(request.url);
      return HttpResponse.json({});
    }),
  );
  const others = [
    () => HttpResponse.redirect("https://evil.example/"),
    () => new HttpResponse("Not found", { status: 404 }),
  ];
  for (const answer of others) {
    answerPictures(({ headers }) => {
      tokens.add(headers.get("authorization"));
      return answer();
    });
    await verify(PHOTO);
  }
  expect([[...tokens], elsewhere]).toEqual([[null], []]);
});

test("a picture that a cache in front shows to visitors alone is still there", async () => {
  answerPictures(({ headers }) => (headers.has("authorization") ? undefined : picture()));
  const { code, out } = await verify(PHOTO);
  expect([code, out]).toEqual([1, expect.stringMatching(/^still there: /)]);
});

test("a visitor's own answer has no event", async () => {
  const answer = await get(`${SITE}/images/card/${PHOTO}`, {}, site.env);
  expect([answer.status, answer.headers.get("vitrine-event")]).toEqual([404, null]);
});
