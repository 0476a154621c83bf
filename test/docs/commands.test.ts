// The commands that the documents name are commands of `vitrine`, or scripts of package.json, and those that are
// printed as a whole work.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, onTestFinished, test } from "vitest";
import { judgeDoor } from "../../src/cli/zone/door-rule.ts";
import { PROTECTION } from "../../src/worker/response/answer.ts";
import { ROOT } from "../support/built.ts";
import { AWS, emptyFolder, init, readProject } from "../support/cli/run-init.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { stopTimers } from "../support/clock.ts";
import { createEmulators, network } from "../support/emulators.ts";
import { PURGE_TOKEN, SECRETS } from "../support/env.ts";
import { copyWithDomain, editFile, removeCopies } from "../support/local-run.ts";
import { listPages, readPage } from "./pages.ts";

const SITE = "https://images.example.com";
const { out } = await vitrine(["--help"]);
const COMMANDS = [...out.matchAll(/^ {2}(?!help\b)([a-z|]+)(?: [[<]| {2})/gm)].flatMap(
  ([, names = ""]) => names.split("|"),
);
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
/** Pages for those who have the repository. */
const OF_REPOSITORY = [
  ...["AGENTS.md", "CONTRIBUTING.md"],
  ...["docs/README.md", "docs/development.md", "docs/upgrade.md"],
];
/** What npm runs without `run`. */
const SHORT = ["start", "test"];
/** CHANGELOG.md also names what is gone. */
const PAGES = listPages().filter((page) => page !== "CHANGELOG.md");

/** The words that follow `beginning` in a page. */
const namedAfter = (page: string, beginning: string) =>
  [...readPage(page).matchAll(new RegExp(`\\b${beginning} ([a-z][\\w:]*)`, "g"))].map(
    ([, name = ""]) => name,
  );

test("docs/README.md lists every command of vitrine", () => {
  const rows = [...readPage("docs/README.md").matchAll(/^\| `npx vitrine ([a-z]+)`/gm)];
  expect(rows.map(([, name]) => name).sort()).toEqual(COMMANDS.toSorted());
});

test("the commands that the pages name are there", () => {
  const isMissing = (name: string) => !Object.hasOwn(scripts, name);
  const missing = PAGES.flatMap((page) => [
    ...namedAfter(page, "npx vitrine").filter((name) => !COMMANDS.includes(name)),
    ...namedAfter(page, "npm run").filter(isMissing),
    ...SHORT.filter((one) => readPage(page).includes(`npm ${one}`)).filter(isMissing),
  ]);
  expect(missing).toEqual([]);
});

/** By them npm asks its registry for our name, which anybody may publish there. */
const REGISTRY_COMMANDS = [
  /\b(?:npm|pnpm|yarn|bun) (?:install|i|add|exec|dlx|create)(?: -[\w-]+)* vitrine(?![\w./-])/,
  /\b(?:npx|bunx)(?: -[\w-]+)* vitrine@/,
  /"vitrine": "[\^~*\d]/,
];
const HANDED_OUT = [
  ...["package.json", "README.md", "src/index.ts"].map((file) => `fixtures/template/${file}`),
  "fixtures/github/workflows/vitrine.yml",
];

test("no command that is handed out asks npm for our name", () => {
  for (const page of [...PAGES, ...HANDED_OUT]) {
    for (const form of REGISTRY_COMMANDS)
      expect([page, readPage(page).match(form)]).toEqual([page, null]);
  }
});

const REPOSITORY_SCRIPT = /\bnpm (?:start|run (?:check|client|deploy|types|vitrine))\b/;

test("no page for users names a script that a project does not have", () => {
  for (const page of PAGES.filter((one) => !OF_REPOSITORY.includes(one))) {
    // Who tries Vitrine has cloned the repository.
    const text = readPage(page).replace(/npm (?:ci|install)\nnpm start\n/g, "");
    expect([page, REPOSITORY_SCRIPT.exec(text)?.[0]]).toEqual([page, undefined]);
  }
});

/** What asks npm for a package of this name. As long as Vitrine is not published there, it is somebody else's. */
const FROM_NPM =
  /npx vitrine init\b(?!`[^\n]*\|)|npm (?:install|i|add)(?: -\S+)* vitrine\b|(?<!uses: OWNER\/)\bvitrine@/;

test("no page has anybody install Vitrine from npm", () => {
  const all = [...listPages(), "docs/llms.txt"];
  // Who packs is in the clone, where npx runs the clone's own program.
  const textOf = (page: string) => readPage(page).replaceAll("npm pack\nnpx vitrine init", "");
  expect(all.filter((page) => FROM_NPM.test(textOf(page)))).toEqual([]);
});

test("the staging of docs/environments.md suits a project of init, which stays right (S6)", async () => {
  const page = readPage("docs/environments.md");
  const [, staging = ""] = /```toml\n(.*?)```/s.exec(page) ?? [];
  const folder = emptyFolder();
  await init(folder, [...AWS, "--host", "images.example.com"]);
  editFile(join(folder, "wrangler.toml"), (text) => `${text}\n${staging}`);
  for (const env of [[], ["--env", ""], ["--env", "staging"]]) {
    expect(await vitrine(["check", ...env], { folder })).toMatchObject({ code: 0, err: "" });
  }
  const deploys = [...page.matchAll(/npx vitrine deploy (.*)$/gm)].map(([, args = ""]) => args);
  const options = new Set(deploys.flatMap((args) => args.match(/--[a-z-]+/g) ?? []));
  expect(options).toEqual(new Set(["--dry-run", "--env", "--secrets-file", "--setup"]));
  const { out } = await vitrine(["deploy", "--help"]);
  for (const option of options) expect(out).toContain(option);
});

const DEPLOY = readPage("docs/deploy.md").replace(/ \\\n\s*/g, " ");
const ZONE = readPage("docs/zone.md");

test("each project of docs/deploy.md is right as init writes it", async () => {
  const lines = [...DEPLOY.matchAll(/^npx vitrine init \S+ (?<args>.*)$/gm)];
  const workers = [];
  for (const { groups } of lines) {
    const folder = emptyFolder("acme-images");
    expect(await init(folder, `${groups?.["args"]}`.split(" "))).toMatchObject({ code: 0 });
    expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
    const { worker, patterns, requiredSecrets } = readProject(folder);
    workers.push({ worker, patterns, secrets: requiredSecrets });
  }

  const secrets = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
  expect(workers).toEqual([
    { worker: "acme-images", patterns: ["images.example.com"], secrets },
    { worker: "acme-images", patterns: [], secrets: [] },
  ]);
});

test.each([
  ["deploy", DEPLOY + ZONE],
  ["doctor", DEPLOY],
])("the options of vitrine %s that both pages name are there", async (command, text) => {
  const named = text.match(new RegExp(`(?<=npx vitrine ${command} [^\`\\n]*)--[a-z-]+`, "g"));
  const { out } = await vitrine([command, "--help"]);
  for (const option of named ?? expect.unreachable()) expect(out).toContain(`${option} `);
});

test("the rule that docs/zone.md has its reader write shuts the side door of every host (E10)", () => {
  const [, expression = ""] = /### The rule\n.*?\n```\n(.*?)\n```/s.exec(ZONE) ?? [];
  const rule = { id: "1", action: "block", description: "by hand", expression };
  const ruleset = { id: "2", rules: [{ ...rule, isEnabled: true, skipsOthers: false }] };
  const need = { hosts: ["images.example.com"], origins: [["acme.s3.example"]], isZoneWide: true };
  expect(judgeDoor(ruleset, need, "vitrine", 5)).toMatchObject({ kind: "shut" });
});

test("the commands of docs/purge-and-warm.md work as they stand there", async () => {
  const lines = readPage("docs/purge-and-warm.md").matchAll(
    /^npx vitrine ((?:purge|warm) .*?)(?: [<>] .*)?$/gm,
  );
  const commands = Array.from(lines, ([, command = ""]) => command);
  expect(commands.length).toBeGreaterThan(5);
  network.listen();
  onTestFinished(() => {
    network.close();
    removeCopies();
  });
  const folder = copyWithDomain();
  const finish = stopTimers(); // a purge waits before it purges once more
  for (const command of commands) {
    const { s3 } = createEmulators();
    const body = new Uint8Array();
    s3.objects.set("published/photos/2026/a.jpg", { body, type: "image/jpeg" });
    network.use(
      http.get(`${SITE}/*`, ({ request: { headers } }) => {
        if (!command.includes("--verify")) {
          return new HttpResponse("", { headers: { "content-type": "image/avif" } });
        }
        const event = headers.has("authorization") ? { "vitrine-event": "object-missing" } : {};
        return new HttpResponse("", { status: 404, headers: { ...PROTECTION, ...event } });
      }),
      http.post(`${SITE}/purge`, async ({ request }) => {
        const { verify } = JSON.parse(await request.text());
        const verified = verify && [{ object: "media/photos/fig.jpg", state: "missing" }];
        return HttpResponse.json({ ok: true, not_purged: [], verified });
      }),
    );
    const env = { ...SECRETS, PURGE_TOKEN };
    const running = vitrine(command.split(" "), { folder, env, stdin: "photos/fig.jpg\n" });
    const { value: ended } = await finish(running);
    const out = command.includes("--verify") ? expect.stringMatching(/^proved: /) : "";
    expect([command, ended]).toMatchObject([command, { code: 0, out }]);
  }
});
