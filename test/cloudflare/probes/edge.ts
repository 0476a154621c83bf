// What the image edge takes from a Worker, and what reaches the origin (E1 to E13).

import {
  type Claim,
  codeOf,
  conclude,
  createOriginSource,
  createPicture,
  doorTo,
  getS3,
  isTransformed,
  listOf,
  originUrl,
  outcomeOf,
  putPicture,
  reachOf,
  seenFromEdge,
  transformOrigin,
  withOrigin,
  withSource,
} from "../claims.ts";
import { type Texts, USER_AGENT } from "../operation.ts";
import {
  createOrigin,
  notSeen,
  type Probe,
  readSeen,
  s3Url,
  signS3,
  transformS3,
  unseen,
  type Verdict,
  type World,
} from "../probe.ts";

/** The headers that open an origin (E1), and some that do not reach it. */
const SHARED = [
  ...["authorization", "cookie", "x-amz-content-sha256", "x-amz-date", "x-ms-date", "x-ms-version"],
  ...["x-sa-date", "cf-access-client-id", "cf-access-client-secret"],
];
const DROPPED = ["x-amz-security-token", "x-probe", "referer", "origin"];
const SHARE = { width: 8, "origin-auth": "share-publicly" };
const DENIED = ["9408", "9519"]; // R2 answers 400 to a request without authorization
const NOWHERE = "https://vitrine-probe.invalid/picture.jpg";
const ORIGIN = "the Worker's own path";

const headersOf = (names: readonly string[]): Texts =>
  Object.fromEntries(names.map((name) => [name, `probe=${name}`]));

/** Which of the headers that were sent came to an own origin. */
async function namesThatCame(world: World, image: object) {
  const all = [...SHARED, ...DROPPED];
  const id = await createPicture(world);
  const reply = await transformOrigin(world, id, image, { headers: headersOf(all) });
  const [seen] = await seenFromEdge(world, id);
  return { reply, names: seen && all.filter((name) => seen.names.includes(name)) };
}

async function sharesHeaders(world: World): Promise<Verdict> {
  const { direct, s3, reachesS3 } = await reachOf(world);
  const { reply, names } = await namesThatCame(world, SHARE);
  const lost = SHARED.filter((name) => !names?.includes(name));
  const extra = DROPPED.filter((name) => names?.includes(name));
  const isRight = names && lost.length === 0 && extra.length === 0;
  const detail = names ? `missing: ${listOf(lost)}, others: ${listOf(extra)}` : "not fetched";
  const claims: Claim[] = [
    [isRight, ORIGIN, reply, detail],
    [
      reachesS3 ? isTransformed(s3) : undefined,
      "R2, signed",
      s3,
      `${direct.status} without the edge`,
    ],
  ];
  if (reachesS3 && isTransformed(s3)) {
    // With a token that no key of R2 has, a request is refused, unless the edge drops it.
    const headers = { "x-amz-security-token": "probe" };
    const alone = await getS3(world, await putPicture(world), { headers });
    const withToken = await transformS3(world, await putPicture(world), { width: 8 }, { headers });
    const isDropped = alone.status >= 400 ? isTransformed(withToken) : undefined;
    claims.push([isDropped, "with a session token", withToken, `${alone.status} without the edge`]);
  }
  return conclude(claims);
}

async function sharesNothing(world: World): Promise<Verdict> {
  const { reachesS3 } = await reachOf(world);
  const { reply, names } = await namesThatCame(world, { width: 8 });
  const key = await putPicture(world);
  const s3 = await transformS3(world, key, { width: 8, "origin-auth": undefined });
  const isDenied = isTransformed(s3) ? false : DENIED.includes(codeOf(s3) ?? "") || undefined;
  const detail = names ? `headers that came: ${listOf(names)}` : "not fetched";
  return conclude([
    [names && names.length === 0, ORIGIN, reply, detail],
    [reachesS3 ? isDenied : undefined, "R2, signed", s3],
  ]);
}

async function hasItsOwnHeaders(world: World): Promise<Verdict> {
  const { reachesS3, reachesOrigin } = await reachOf(world);
  const accept = "image/x-probe";
  const id = await createPicture(world);
  const headers = { accept, "accept-encoding": "identity" };
  let reply = await transformOrigin(world, id, { width: 8 }, { headers });
  if (!reachesOrigin) reply = await world.visit(doorTo(originUrl(world, id)), { headers });
  const [seen] = await seenFromEdge(world, id);
  const isOwn = seen?.via?.includes("1.1 image-resizing-proxy") === true && seen.accept !== accept;
  const detail = `via ${seen?.via}, accept ${seen?.accept}, accept-encoding ${seen?.encoding}`;
  const key = await putPicture(world);
  const alone = await getS3(world, key, { signed: { accept } });
  const signed = await signS3(world, s3Url(world, key), { accept });
  const through = await transformS3(world, key, { width: 8 }, { headers: signed });
  const isRefused = reachesS3 && alone.status === 200 ? codeOf(through) === "9408" : undefined;
  return conclude([
    [seen && isOwn, ORIGIN, reply, seen ? detail : "not fetched"],
    [isRefused, "R2, accept is signed", through, `${alone.status} without the edge`],
  ]);
}

async function passesConditions(world: World): Promise<Verdict> {
  return withOrigin(world, async () => {
    const conditions = {
      range: "bytes=0-9999",
      "if-none-match": '"probe"',
      "user-agent": USER_AGENT,
    };
    const id = await createPicture(world);
    const reply = await transformOrigin(world, id, { width: 8 }, { headers: conditions });
    const [seen] = await seenFromEdge(world, id);
    const headId = await createPicture(world);
    const head = await transformOrigin(world, headId, { width: 8 }, { method: "HEAD" });
    const [seenHead] = await seenFromEdge(world, headId);
    const passed = ["range", "if-none-match"].filter((name) => seen?.names.includes(name));
    if (seen?.isOurAgent) passed.push("user-agent");
    return [
      [seen && true, "open: of range, if-none-match, user-agent", reply, `came: ${listOf(passed)}`],
      [seenHead && true, "open: a HEAD", head, `came as ${seenHead?.method}`],
    ];
  });
}

async function checksSources(world: World): Promise<Verdict> {
  return withSource(world, async () => {
    const { s3, origin, reachesOrigin } = await reachOf(world);
    const foreign = await world.send({ type: "fetch", url: NOWHERE, cf: { image: { width: 8 } } });
    const isRefused = codeOf(foreign) === "9401";
    // Another code: the zone may allow any origin. Without one: it is not refused, which is open.
    const holds = isTransformed(foreign)
      ? false
      : codeOf(foreign) === undefined || isRefused || undefined;
    const claims: Claim[] = [
      [holds, "a host that is no source", foreign],
      [isTransformed(origin) || undefined, ORIGIN, origin],
      [codeOf(s3) === "9401" || undefined, "R2's host", s3],
    ];
    if (!reachesOrigin || !isRefused) return claims;
    const id = await createOrigin(world, { status: 302, headers: { location: NOWHERE } });
    const redirected = await transformOrigin(world, id, { width: 8 });
    return [...claims, [codeOf(redirected) !== "9401", "a redirect to that host", redirected]];
  });
}

async function checksUrls(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { url } = await create();
    const ask = (to: string) => world.send({ type: "fetch", url: to, cf: { image: { width: 8 } } });
    const plain = await ask(url.replace("https:", "http:"));
    const spaced = await ask(url.replace(".jpg", " .jpg"));
    return [
      [codeOf(plain) === "9406" && plain.status === 403, "http", plain],
      // The runtime may encode a space before the edge sees it.
      [(codeOf(spaced) === "9419" && spaced.status === 403) || undefined, "a space", spaced],
    ];
  });
}

async function followsRedirects(world: World): Promise<Verdict> {
  return withOrigin(world, async () => {
    const to = (location: string) => ({
      ...{ status: 302, headers: { location, "cache-control": "public, max-age=3600" } },
    });
    const target = await createPicture(world);
    const redirect = await createOriginSource(world, to(originUrl(world, target)));
    const headers = headersOf(["authorization"]);
    const followed = await redirect.ask(SHARE, { headers });
    const [seen] = await seenFromEdge(world, target);
    const auth = seen?.names.includes("authorization") ? "sent on" : "not sent on";
    const isCached = await redirect.isCached({ ...SHARE, width: 9 }, { headers });
    const loop = await createOrigin(world, to("?again")); // to itself
    const many = await transformOrigin(world, loop, { width: 8 });
    const wrong = await createOrigin(world, to("ftp://vitrine-probe.invalid/picture.jpg"));
    const unfetchable = await transformOrigin(world, wrong, { width: 8 });
    return [
      [isTransformed(followed), "a redirect", followed, `open: the headers of E1 were ${auth}`],
      [isCached, `it is ${isCached ? "kept" : "not kept"}`],
      [codeOf(many) === "9421", "redirects without end", many],
      [codeOf(unfetchable) === "9420", "a redirect to ftp:", unfetchable],
    ];
  });
}

async function refusesLoops(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const headers = { via: "1.1 image-resizing-proxy" };
    const id = await createPicture(world);
    await world.visit(new URL(originUrl(world, id)).pathname, { headers });
    const isForged = (await seenFromEdge(world, id)).length > 0;
    const reply = await (await create()).ask({ width: 8 }, { headers });
    return [
      [codeOf(reply) === "9403" && reply.status === 508, "image-resizing in via", reply],
      [isForged, `a visitor's via ${isForged ? "reaches" : "does not reach"} the Worker`],
    ];
  });
}

async function doesNotTransformWorkers(world: World): Promise<Verdict> {
  const { other } = world;
  if (other === undefined) return notSeen("it needs a second Worker on a host of the zone");
  return withSource(world, async () => {
    const url = originUrl({ url: other }, await createPicture(world));
    const reply = await world.send({ type: "fetch", url, cf: { image: { width: 8 } } });
    const isOriginal = reply.status === 200 && reply.headers["cf-resized"] === undefined;
    return [[isTransformed(reply) ? false : isOriginal || undefined, "another Worker", reply]];
  });
}

async function hasSideDoor(world: World): Promise<Verdict> {
  const id = await createPicture(world);
  const headers = headersOf(["authorization", "cookie"]);
  const open = await world.visit(doorTo(originUrl(world, id)), { headers });
  const [seen, ...more] = await readSeen(world, id);
  const isShut = codeOf(open) === undefined && !isTransformed(open);
  if (isShut) return notSeen(`the URL interface is off or blocked: ${outcomeOf(open)}`);
  const names = seen?.names.filter((name) => name in headers);
  const closed = await world.visit(doorTo(s3Url(world, await putPicture(world))), { headers });
  const cachedKey = await putPicture(world);
  await transformS3(world, cachedKey, { width: 8 });
  const options = "width=8,origin-auth=share-publicly";
  const cached = await world.visit(doorTo(s3Url(world, cachedKey), options));
  return conclude([
    [isTransformed(open) && more.length === 0, ORIGIN, open],
    [names && names.length === 0, `credentials that came to the origin: ${listOf(names)}`],
    [!isTransformed(closed), "a private object", closed],
    [undefined, "open: a private object that is kept", cached],
  ]);
}

export const EDGE: readonly Probe[] = [
  { rule: "E1", title: "share-publicly passes nine headers on", run: sharesHeaders },
  { rule: "E2", title: "without it none is passed on", run: sharesNothing },
  { rule: "E3", title: "the edge has its own via and accept", run: hasItsOwnHeaders },
  { rule: "E4", title: "HEAD, conditions and User-Agent (open)", run: passesConditions },
  { rule: "E5", title: "only sources of the zone, and only the first URL", run: checksSources },
  { rule: "E6", title: "https, without spaces", run: checksUrls },
  { rule: "E7", title: "redirects are followed", run: followsRedirects },
  { rule: "E8", title: "a loop is refused", run: refusesLoops },
  { rule: "E9", title: "no transformation between Workers", run: doesNotTransformWorkers },
  { rule: "E10", title: "the side door", run: hasSideDoor },
  unseen("E11", "9401 after the plan was bought", "nobody can buy a plan for a test"),
  unseen("E12", "url_transformations", "the wrangler of this project does not know the key"),
  unseen("E13", "transformation flows", "a flow is a setting of the whole zone"),
];
