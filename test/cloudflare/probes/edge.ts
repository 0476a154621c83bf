// What the image edge takes from a Worker, and what reaches the origin (E1 to E13).

import { type Texts, USER_AGENT } from "../operation.ts";
import { codeOf, isTransformed, listOf, outcomeOf, type Probe, probe, unseen } from "../probe.ts";
import {
  createOrigin,
  doorTo,
  type OriginSource,
  probeOrigin,
  probeSource,
  putPicture,
  reachOf,
  SHARE,
  s3Url,
  transformS3,
} from "../sources.ts";

/** The headers that open an origin (E1), and some that do not reach it. */
const SHARED = [
  ...["authorization", "cookie", "x-amz-content-sha256", "x-amz-date", "x-ms-date", "x-ms-version"],
  ...["x-sa-date", "cf-access-client-id", "cf-access-client-secret"],
];
const DROPPED = ["x-amz-security-token", "x-probe", "referer", "origin"];
const DENIED = ["9408", "9519"]; // R2 answers 400 to a request without authorization
const NOWHERE = "https://vitrine-probe.invalid/picture.jpg";
const ORIGIN = "the Worker's own path";
const IMAGE = { width: 8 };

const headersOf = (names: readonly string[]): Texts =>
  Object.fromEntries(names.map((name) => [name, `probe=${name}`]));

/** Sends all headers to an own origin. @returns the answer, and those that came, if it was fetched */
async function sendHeaders({ transform, requests }: OriginSource, image: object) {
  const all = [...SHARED, ...DROPPED];
  const reply = await transform(image, { headers: headersOf(all) });
  const [first] = await requests();
  const names = first && all.filter((name) => first.names.includes(name));
  return { reply, names, detail: names ? `these came: ${listOf(names)}` : "not fetched" };
}

export const EDGE: readonly Probe[] = [
  probe("E1", "share-publicly passes nine headers on", async (world) => {
    const { s3, reachesS3 } = await reachOf(world);
    const image = { ...IMAGE, ...SHARE };
    const { reply, names, detail } = await sendHeaders(await createOrigin(world), image);
    return [
      [names && `${names}` === `${SHARED}`, ORIGIN, reply, detail],
      [reachesS3 ? isTransformed(s3) : undefined, "R2, signed", s3],
    ];
  }),
  probe("E2", "without it none is passed on", async (world) => {
    const { reachesS3 } = await reachOf(world);
    const { reply, names, detail } = await sendHeaders(await createOrigin(world), IMAGE);
    const image = { ...IMAGE, "origin-auth": undefined };
    const s3 = await transformS3(world, await putPicture(world), image);
    const isDenied = isTransformed(s3) ? false : DENIED.includes(codeOf(s3) ?? "") || undefined;
    return [
      [names && names.length === 0, ORIGIN, reply, detail],
      [reachesS3 ? isDenied : undefined, "R2, signed", s3],
    ];
  }),
  probeOrigin("E3", "the edge has its own via and accept", async (create) => {
    const { transform, requests } = await create();
    const headers = { accept: "image/x-probe", "accept-encoding": "identity" };
    const reply = await transform(IMAGE, { headers });
    const [first] = await requests();
    const isOwn = `${first?.via}`.includes("1.1 image-resizing-proxy");
    const detail = `via ${first?.via}, accept ${first?.accept}, encoding ${first?.encoding}`;
    return [[first && isOwn && first.accept !== headers.accept, ORIGIN, reply, detail]];
  }),
  probeOrigin("E4", "HEAD, conditions and User-Agent (open)", async (create) => {
    const conditions = { range: "bytes=0-9999", "if-none-match": '"probe"' };
    const [source, headSource] = [await create(), await create()];
    const headers = { ...conditions, "user-agent": USER_AGENT };
    const reply = await source.transform(IMAGE, { headers });
    const head = await headSource.transform(IMAGE, { method: "HEAD" });
    const [[first], [asHead]] = [await source.requests(), await headSource.requests()];
    const passed = Object.keys(conditions).filter((name) => first?.names.includes(name));
    if (first?.isOurAgent) passed.push("user-agent");
    return [
      [first && "open", "range, if-none-match, user-agent", reply, `came: ${listOf(passed)}`],
      [asHead && "open", "a HEAD", head, `came as ${asHead?.method}`],
    ];
  }),
  probeSource("E5", "only sources of the zone, and only the first URL", async (_create, world) => {
    const { origin, reachesOrigin } = await reachOf(world);
    const foreign = await world.send({ type: "fetch", url: NOWHERE, cf: { image: IMAGE } });
    const isRefused = codeOf(foreign) === "9401";
    const redirect = { status: 302, headers: { location: NOWHERE } };
    const { transform } = await createOrigin(world, redirect);
    const redirected = await transform(IMAGE);
    const isFollowed = reachesOrigin && isRefused ? codeOf(redirected) !== "9401" : undefined;
    return [
      // Anything else: the zone may allow any origin, or nothing was attempted (R2).
      [
        isTransformed(foreign) ? false : isRefused || undefined,
        "a host that is no source",
        foreign,
      ],
      [isTransformed(origin) || undefined, ORIGIN, origin],
      [isFollowed, "a redirect to that host", redirected],
    ];
  }),
  probeSource("E6", "https, without spaces", async (create, { send }) => {
    const { url } = await create();
    const transformUrl = (address: string) =>
      send({ type: "fetch", url: address, cf: { image: IMAGE } });
    const plain = await transformUrl(url.replace("https:", "http:"));
    const spaced = await transformUrl(url.replace(".jpg", " .jpg"));
    return [
      [codeOf(plain) === "9406" && plain.status === 403, "http", plain],
      // The runtime may encode a space before the edge sees it.
      [(codeOf(spaced) === "9419" && spaced.status === 403) || undefined, "a space", spaced],
    ];
  }),
  probeOrigin("E7", "redirects are followed", async (create) => {
    const redirect = (location: string) => create({ status: 302, headers: { location } });
    const destination = await create();
    const { transform, isCached } = await redirect(destination.url);
    const headers = headersOf(["authorization"]);
    const followed = await transform({ ...IMAGE, ...SHARE }, { headers });
    const [first] = await destination.requests();
    const auth = first?.names.includes("authorization") ? "sent on" : "not sent on";
    const cached = await isCached({ width: 9, ...SHARE }, { headers });
    const many = await (await redirect("?again")).transform(IMAGE); // to itself
    const ftp = await (await redirect("ftp://vitrine-probe.invalid/picture.jpg")).transform(IMAGE);
    return [
      [isTransformed(followed), "a redirect", followed, `open: the headers of E1 were ${auth}`],
      [cached, `it is ${cached ? "kept" : "not kept"}`],
      [codeOf(many) === "9421", "redirects without end", many],
      [codeOf(ftp) === "9420", "a redirect to ftp:", ftp],
    ];
  }),
  probeSource("E8", "a loop is refused", async (create) => {
    const headers = { via: "1.1 image-resizing-proxy" };
    const reply = await (await create()).transform(IMAGE, { headers });
    const isRefused = codeOf(reply) === "9403" && reply.status === 508;
    return [[isRefused, "image-resizing in via", reply]];
  }),
  probeSource("E9", "no transformation between Workers", async (_create, world) => {
    const { path } = await createOrigin(world);
    const { otherUrl, send } = world;
    if (otherUrl === undefined)
      return [[undefined, "it needs a second Worker on a host of the zone"]];
    const reply = await send({ type: "fetch", url: otherUrl + path, cf: { image: IMAGE } });
    const isOriginal = reply.status === 200 && reply.headers["cf-resized"] === undefined;
    return [[isTransformed(reply) ? false : isOriginal || undefined, "another Worker", reply]];
  }),
  probe("E10", "the side door", async (world) => {
    const { url, requests } = await createOrigin(world);
    const headers = headersOf(["authorization", "cookie"]);
    const open = await world.fetchAsVisitor(doorTo(url), { headers });
    if (codeOf(open) === undefined && !isTransformed(open))
      return `the URL interface is off or blocked: ${outcomeOf(open)}`;
    const all = await requests("");
    const names = all.flatMap((one) => one.names).filter((name) => name in headers);
    const closed = await world.fetchAsVisitor(doorTo(s3Url(world, await putPicture(world))));
    const key = await putPicture(world);
    await transformS3(world, key, IMAGE);
    const cached = await world.fetchAsVisitor(
      doorTo(s3Url(world, key), "width=8,origin-auth=share-publicly"),
    );
    return [
      [isTransformed(open), ORIGIN, open],
      [
        all.length > 0 ? names.length === 0 : undefined,
        `credentials that came to the origin: ${listOf(names)}`,
      ],
      [codeOf(closed) === "9401" ? undefined : !isTransformed(closed), "a private object", closed],
      [undefined, "open: a private object that is kept", cached],
    ];
  }),
  unseen("E11", "9401 after the plan was bought", "nobody can buy a plan for a test"),
  unseen("E12", "url_transformations", "the wrangler of this project does not know the key"),
  unseen("E13", "transformation flows", "a flow is a setting of the whole zone"),
];
