// What the image edge takes from a Worker, and what reaches the origin (E1 to E13).

import {
  type Claim,
  claim,
  codeOf,
  conclude,
  createPicture,
  doorTo,
  getS3,
  isMade,
  outcomeOf,
  ownUrl,
  putPicture,
  reachOf,
  seenFromEdge,
  transformOwn,
  withOwn,
  withSource,
} from "../claims.ts";
import { type Reply, type Texts, USER_AGENT } from "../operation.ts";
import {
  createOrigin,
  notSeen,
  type Probe,
  readSeen,
  record,
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

const headersOf = (names: readonly string[]): Texts =>
  Object.fromEntries(names.map((name) => [name, `probe=${name}`]));

/** Which of the headers that were sent came to an own origin. */
async function namesThatCame(world: World, image: object) {
  const sent = [...SHARED, ...DROPPED];
  const id = await createPicture(world);
  const reply = await transformOwn(world, id, image, { headers: headersOf(sent) });
  const [seen] = await seenFromEdge(world, id);
  return { reply, names: seen && sent.filter((name) => seen.names.includes(name)) };
}

async function sharesHeaders(world: World): Promise<Verdict> {
  const { direct, s3, reachesS3 } = await reachOf(world);
  const { reply, names } = await namesThatCame(world, SHARE);
  const lost = SHARED.filter((name) => !names?.includes(name));
  const extra = DROPPED.filter((name) => names?.includes(name));
  const isRight = names && lost.length === 0 && extra.length === 0;
  const came = `the origin lacks [${lost}] and has [${extra}] besides`;
  const claims = [
    claim(isRight, names ? came : "the Worker's own path was not fetched", reply),
    claim(reachesS3 ? isMade(s3) : undefined, `signed for R2 (${direct.status} without it)`, s3),
  ];
  const records = [record("own", reply), record("R2, signed", s3)];
  if (reachesS3 && isMade(s3)) {
    // With a token that no key of R2 has, a request is refused, unless the edge drops it.
    const headers = { "x-amz-security-token": "probe" };
    const alone = await getS3(world, await putPicture(world), { headers });
    const sent = await transformS3(world, await putPicture(world), { width: 8 }, { headers });
    const isDropped = alone.status >= 400 ? isMade(sent) : undefined;
    claims.push(claim(isDropped, `with a session token (${alone.status} without the edge)`, sent));
    records.push(record("R2, with a session token", sent));
  }
  return conclude(claims, records);
}

async function sharesNothing(world: World): Promise<Verdict> {
  const { reachesS3 } = await reachOf(world);
  const { reply, names } = await namesThatCame(world, { width: 8 });
  const key = await putPicture(world);
  const s3 = await transformS3(world, key, { width: 8, "origin-auth": undefined });
  const isDenied = isMade(s3) ? false : DENIED.includes(codeOf(s3) ?? "") || undefined;
  return conclude(
    [
      claim(names && names.length === 0, names ? `[${names}] came` : "own path", reply),
      claim(reachesS3 ? isDenied : undefined, "signed for R2", s3),
    ],
    [record("own", reply), record("R2, signed", s3)],
  );
}

async function hasItsOwnHeaders(world: World): Promise<Verdict> {
  const { reachesS3, reachesOwn } = await reachOf(world);
  const accept = "image/x-probe";
  const id = await createPicture(world);
  const headers = { accept, "accept-encoding": "identity" };
  let reply = await transformOwn(world, id, { width: 8 }, { headers });
  if (!reachesOwn) reply = await world.visit(doorTo(ownUrl(world, id)), { headers });
  const [seen] = await seenFromEdge(world, id);
  const isOwn = seen?.via?.includes("1.1 image-resizing-proxy") && seen.accept !== accept;
  const came = `via ${seen?.via}, accept ${seen?.accept}, accept-encoding ${seen?.encoding}`;
  const claims: Claim[] = [claim(seen && isOwn === true, seen ? came : "own path", reply)];
  const key = await putPicture(world);
  const alone = await getS3(world, key, { signed: { accept } });
  const signed = await signS3(world, s3Url(world, key), { accept });
  const through = await transformS3(world, key, { width: 8 }, { headers: signed });
  const isRefused = reachesS3 && alone.status === 200 ? codeOf(through) === "9408" : undefined;
  claims.push(claim(isRefused, `accept is signed (${alone.status} without the edge)`, through));
  return conclude(claims, [record("own", reply), record("accept is signed", through)]);
}

async function passesConditions(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const names = ["range", "if-none-match"];
    const id = await createPicture(world);
    const sent = { range: "bytes=0-9999", "if-none-match": '"probe"', "user-agent": USER_AGENT };
    const reply = await transformOwn(world, id, { width: 8 }, { headers: sent });
    const [seen] = await seenFromEdge(world, id);
    const headId = await createPicture(world);
    const head = await transformOwn(world, headId, { width: 8 }, { method: "HEAD" });
    const [seenHead] = await seenFromEdge(world, headId);
    const came = names.filter((name) => seen?.names.includes(name));
    const agent = seen?.isOurAgent ? "came" : "did not";
    const text = `open: [${came}] of [${names}] came, the user-agent ${agent}`;
    return conclude(
      [
        claim(seen && true, text, reply),
        claim(seenHead && true, `a HEAD came as ${seenHead?.method}`, head),
      ],
      [record("GET with conditions", reply), record("HEAD", head)],
    );
  });
}

const NOWHERE = "https://vitrine-probe.invalid/picture.jpg";

async function checksSources(world: World): Promise<Verdict> {
  const { s3, own, reachesOwn } = await reachOf(world);
  const cf = { image: { width: 8 } };
  const foreign = await world.send({ type: "fetch", url: NOWHERE, cf });
  const code = codeOf(foreign);
  const isUntransformed = code === undefined && !isMade(foreign);
  const isAnyAllowed = code !== undefined && code !== "9401";
  const subject = isAnyAllowed
    ? "a host that does not exist (the zone may allow any origin)"
    : `a host that is no source${isUntransformed ? " (open: not refused)" : ""}`;
  const claims = [
    claim(isAnyAllowed ? undefined : !isMade(foreign), subject, foreign),
    claim(isMade(own) || undefined, "the Worker's own host", own),
    claim(codeOf(s3) === "9401" || undefined, "R2's host", s3),
  ];
  const records = [record("a foreign host", foreign), record("own", own), record("R2's host", s3)];
  if (reachesOwn && !isAnyAllowed) {
    const id = await createOrigin(world, { status: 302, headers: { location: NOWHERE } });
    const redirected = await transformOwn(world, id, { width: 8 });
    const isUnchecked = codeOf(redirected) !== "9401";
    claims.push(claim(isUnchecked, "a redirect to that host", redirected));
    records.push(record("a redirect to a foreign host", redirected));
  }
  return conclude(claims, records);
}

async function checksUrls(world: World): Promise<Verdict> {
  const { reachesOwn, reachesS3 } = await reachOf(world);
  if (!reachesOwn && !reachesS3) return notSeen("the edge transforms no source of this run");
  const key = await putPicture(world);
  const urls = reachesOwn
    ? [ownUrl(world, await createPicture(world)), ownUrl(world, "a picture")]
    : [s3Url(world, key), s3Url(world, "a picture")];
  const ask = (url = "") => world.send({ type: "fetch", url, cf: { image: { width: 8 } } });
  const plain = await ask(urls[0]?.replace("https:", "http:"));
  const spaced = await ask(urls[1]);
  return conclude(
    [
      claim(codeOf(plain) === "9406" && plain.status === 403, "http", plain),
      // The runtime may encode a space before the edge sees it.
      claim((codeOf(spaced) === "9419" && spaced.status === 403) || undefined, "a space", spaced),
    ],
    [record("http", plain), record("a space", spaced)],
  );
}

async function followsRedirects(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const to = (location: string) => ({
      ...{ status: 302, headers: { location, "cache-control": "public, max-age=3600" } },
    });
    const target = await createPicture(world);
    const id = await createOrigin(world, to(ownUrl(world, target)));
    const headers = headersOf(["authorization"]);
    const followed = await transformOwn(world, id, SHARE, { headers });
    const [seen] = await seenFromEdge(world, target);
    const auth = seen?.names.includes("authorization") ? "are" : "are not";
    // A cache may have several parts, so each of some tries may be the first of its part.
    let again: Reply = followed;
    let isKept = false;
    for (let width = 9; width < 12 && !isKept; width++) {
      const before = (await seenFromEdge(world, id)).length;
      again = await transformOwn(world, id, { ...SHARE, width }, { headers });
      isKept = isMade(again) && (await seenFromEdge(world, id)).length === before;
    }
    const loop = await createOrigin(world, to("?again")); // to itself
    const many = await transformOwn(world, loop, { width: 8 });
    const wrong = await createOrigin(world, to("ftp://vitrine-probe.invalid/picture.jpg"));
    const unfetchable = await transformOwn(world, wrong, { width: 8 });
    return conclude(
      [
        claim(isMade(followed), `a redirect (open: headers of E1 ${auth} sent on)`, followed),
        claim(isKept, `asked again, the redirect was ${isKept ? "kept" : "fetched"}`, again),
        claim(codeOf(many) === "9421", "redirects without end", many),
        claim(codeOf(unfetchable) === "9420", "a redirect to ftp:", unfetchable),
      ],
      [
        ...[record("a redirect", followed), record("without end", many)],
        record("to ftp:", unfetchable),
      ],
    );
  });
}

async function refusesLoops(world: World): Promise<Verdict> {
  const headers = { via: "1.1 image-resizing-proxy" };
  const id = await createPicture(world);
  const plain = await world.visit(new URL(ownUrl(world, id)).pathname, { headers });
  const isForged = (await seenFromEdge(world, id)).length > 0;
  return withSource(world, async (source) => {
    const reply = await (await source())({ width: 8 }, { headers });
    return conclude(
      [
        claim(codeOf(reply) === "9403" && reply.status === 508, "image-resizing in via", reply),
        claim(isForged, `the Worker ${isForged ? "gets" : "does not get"} a forged via`, plain),
      ],
      [record("image-resizing in via", reply)],
    );
  });
}

async function doesNotTransformWorkers(world: World): Promise<Verdict> {
  const { other } = world;
  if (other === undefined) return notSeen("it needs a second Worker on a host of the zone");
  const id = await createPicture(world);
  const cf = { image: { width: 8 } };
  const reply = await world.send({ type: "fetch", url: ownUrl({ url: other }, id), cf });
  const isOriginal = reply.status === 200 && reply.headers["cf-resized"] === undefined;
  const holds = isMade(reply) ? false : isOriginal || undefined;
  return conclude([claim(holds, "another Worker", reply)], [record("another Worker", reply)]);
}

async function hasSideDoor(world: World): Promise<Verdict> {
  const id = await createPicture(world);
  const headers = headersOf(["authorization", "cookie"]);
  const open = await world.visit(doorTo(ownUrl(world, id)), { headers });
  const [seen] = await seenFromEdge(world, id);
  const isShut = codeOf(open) === undefined && !isMade(open);
  if (isShut) return notSeen(`the URL interface is off or blocked: ${outcomeOf(open)}`);
  const names = seen?.names.filter((name) => name in headers);
  const key = await putPicture(world);
  const closed = await world.visit(doorTo(s3Url(world, key)), { headers });
  const kept = await putPicture(world);
  const made = await transformS3(world, kept, { width: 8 });
  const options = "width=8,origin-auth=share-publicly";
  const shown = await world.visit(doorTo(s3Url(world, kept), options));
  const all = await readSeen(world, id);
  return conclude(
    [
      claim(isMade(open) && all.length === 1, "anybody, for the Worker's own path", open),
      [names && names.length === 0, `of authorization and cookie [${names}] came to the origin`],
      claim(!isMade(closed), "anybody, for a private object", closed),
      claim(isMade(made) || undefined, "open: anybody, for one that the edge has kept", shown),
    ],
    [record("own", open), record("private", closed), record("private and kept", shown)],
  );
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
