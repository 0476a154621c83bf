// What Tab shows in the shells of Debian, each at a terminal of tmux, which renders the screen as a terminal does.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { localBucketName, readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { ROOT } from "../../support/built.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

type Case = {
  /** What is typed before Tab. */
  readonly typed: string;
  /** What the screen then shows, besides what was typed. */
  readonly shows: readonly string[];
  readonly hides?: readonly string[];
};

const CASES: readonly Case[] = [
  { typed: "npx vitrine ", shows: ["init", "check", "deploy", "rotate", "purge", "sign"] },
  { typed: "npx vitrine dep", shows: ["npx vitrine deploy"] },
  { typed: "npx vitr", shows: ["npx vitrine"] },
  { typed: "npx vitrine url --p", shows: ["npx vitrine url --preset"] },
  {
    typed: "npx vitrine url --preset card",
    shows: ["card@1x", "card@2x"],
    hides: ["hero", "thumbnail", "card@1x  --"],
  },
  {
    typed: "npx vitrine check --env ",
    shows: ["production", "staging"],
    hides: ["stolen", "red", "second line"],
  },
  {
    typed: "npx vitrine deploy --env staging --secrets-file sec",
    shows: ["npx vitrine deploy --env staging --secrets-file secrets.env"],
  },
  { typed: "npx vitrine rotate --bucket me", shows: ["npx vitrine rotate --bucket media"] },
  {
    typed: "npx vitrine explain --env staging photos/f",
    shows: ["photos/fig.jpg", "photos/fog.jpg"],
    hides: ["photos/sea.jpg", "photos/f$(", "photos/f;"],
  },
  {
    typed: "npx vitrine url $(touch stolen) > stolen --pre",
    shows: ["npx vitrine url $(touch stolen) > stolen --preset"],
  },
  {
    typed: "npx vitrine url --p$(>stolen)=",
    shows: ["npx vitrine url --p$(>stolen)="],
  },
  {
    typed: "npx vitrine client --o$(>stolen)=o",
    shows: ["npx vitrine client --o$(>stolen)=o"],
  },
  { typed: "npx vitrine client out", shows: ["npx vitrine client out\\$\\(touch\\ stolen\\).ts"] },
  { typed: "vitrine complete f", shows: ["vitrine complete fish"] },
];

const KEYS = ["photos/fig.jpg", "photos/fog.jpg", "photos/sea.jpg"];

/** A shell that expands what it completes would run the command in a key. */
const HOSTILE_KEYS = [
  "photos/f$(touch stolen).jpg",
  "photos/f;touch stolen.jpg",
  "photos/f`touch stolen`",
];

/** Names of environments in a file of a stranger. */
const HOSTILE_ENVIRONMENTS = [
  "$(touch stolen)",
  "`touch stolen`",
  "a;touch stolen",
  "a'touch stolen",
  'a"touch stolen',
  "a\u001b[31mred",
  "a\nsecond line",
];

/** Each shell reads its settings and the script from `.zshrc` of its home. */
const SHELLS = {
  bash: {
    start: (home: string) => `bash --noprofile --rcfile ${home}/.zshrc -i`,
    settings: `. /usr/share/bash-completion/bash_completion
bind 'set show-all-if-ambiguous on'
bind 'set completion-query-items 0'
bind 'set page-completions off'
PS1='ready> '
`,
  },
  zsh: {
    start: (home: string) => `env ZDOTDIR=${home} zsh -d -i`,
    // By its usual binding, zsh itself runs `$(…)` at a Tab, of all commands.
    settings: `autoload -Uz compinit && compinit -u -D
bindkey '^I' complete-word
PS1='ready> '
`,
  },
  fish: {
    start: (home: string) => `fish --no-config -i -C 'source ${home}/.zshrc'`,
    settings: "function fish_prompt; echo -n 'ready> '; end\n",
  },
} as const;

const socket = `vitrine-${process.pid}`;
const tmux = (...args: readonly string[]) =>
  execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });

let folder: string;
let port: number;
let localS3: Server;

beforeAll(async () => {
  const { env, ...top } = STAGED;
  const hostile = Object.fromEntries(HOSTILE_ENVIRONMENTS.map((name) => [name, {}]));
  const config = { ...top, env: { ...env, production: env.staging, ...hostile } };
  folder = createProject(config, "wrangler.toml", {
    "secrets.env": "",
    "out$(touch stolen).ts": "",
    ".dev.vars": `URL_SIGNING_KEYS='${SECRETS.URL_SIGNING_KEYS}'\n`,
  });
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(join(ROOT, "src/cli/vitrine.js"), join(folder, "node_modules/.bin/vitrine"));

  // The S3 of a local run, which lists this bucket.
  const bucket = localBucketName("acme-staging", readLocalKeys(folder));
  localS3 = createServer(({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const isBucket = pathname === `/cdn-cgi/local/r2/s3/${bucket}/`;
    const prefix = searchParams.get("prefix") ?? "";
    response.writeHead(isBucket ? 200 : 404, { "content-type": "application/xml" });
    response.end(listOf(prefix));
  });
  localS3.listen(0, "localhost");
  await once(localS3, "listening");
  port = Number(Object(localS3.address()).port);
});

afterAll(() => {
  tmux("kill-server");
  localS3.close();
});

function listOf(prefix: string): string {
  const keys = [...KEYS, ...HOSTILE_KEYS].map((key) => `published/${key}`);
  const contents = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`);
  return `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
<Prefix>${encodeURIComponent(prefix)}</Prefix>${contents.join("")}</ListBucketResult>`;
}

describe.each(Object.entries(SHELLS))("Tab in %s", (shell, { start, settings }) => {
  beforeAll(async () => {
    const { out } = await vitrine(["complete", shell], { folder });
    const home = createTemporaryFolder(`vitrine-${shell}-`);
    writeFileSync(join(home, ".zshrc"), settings + out);

    const path = `node_modules/.bin:${process.env["PATH"]}`;
    const size = ["-x", "150", "-y", "50"];
    const env = ["-e", `PORT=${port}`, "-e", `HOME=${home}`, "-e", `PATH=${path}`];
    tmux("new-session", "-d", "-s", shell, ...size, ...env, "-c", folder, start(home));
    await waitForScreen(shell, (screen) => screen.includes("ready>"));
  });

  test.each(CASES)("after `$typed` shows $shows", async ({ typed, shows, hides = [] }) => {
    rmSync(join(folder, "stolen"), { force: true });
    tmux("send-keys", "-t", shell, "C-u");
    tmux("send-keys", "-t", shell, "C-l");
    await waitForScreen(shell, (screen) => screen.trim() === "ready>");

    tmux("send-keys", "-t", shell, "-l", typed);
    tmux("send-keys", "-t", shell, "Tab");

    const screen = await waitForScreen(shell, (text) => shows.every((part) => text.includes(part)));

    // What is typed next comes to the screen when the Tab is done.
    tmux("send-keys", "-t", shell, "-l", " done");
    await waitForScreen(shell, (text) => text.includes(" done"));
    expect(hides.filter((part) => screen.includes(part))).toEqual([]);
    expect(existsSync(join(folder, "stolen"))).toBe(false);
  });
});

test.each([
  { shell: "bash", before: "", setAfterNpx: "__vitrine_after_npx=1" },
  {
    shell: "zsh",
    before: "autoload -Uz compinit && compinit -u -D",
    setAfterNpx: "__vitrine_after_npx=1",
  },
  { shell: "fish", before: "", setAfterNpx: "set __vitrine_after_npx 1" },
])("a Tab after `vitrine` in $shell runs that of PATH, in whatever folder", async (example) => {
  const { out: script } = await vitrine(["complete", example.shell]);
  const mine = createTemporaryFolder("vitrine-mine-");
  const stranger = createTemporaryFolder("vitrine-stranger-");
  mkdirSync(join(stranger, "node_modules/.bin"), { recursive: true });
  writeProgram(join(mine, "vitrine"), "mine");
  writeProgram(join(stranger, "node_modules/.bin/vitrine"), "stranger");

  const text = `${example.before}\n${script}\n__vitrine_run\n${example.setAfterNpx}\n__vitrine_run\n`;
  const env = { ...process.env, PATH: `${mine}:${process.env["PATH"]}`, HOME: mine };
  const output = execFileSync(example.shell, ["-c", text], {
    cwd: stranger,
    env,
    encoding: "utf8",
  });

  expect(output.trim().split("\n")).toEqual(["mine", "stranger"]);
});

function writeProgram(file: string, text: string): void {
  writeFileSync(file, `#!/bin/sh\necho ${text}\n`, { mode: 0o755 });
}

/** Reads the screen until it shows what a test waits for. @returns the screen */
function waitForScreen(shell: string, isReady: (screen: string) => boolean): Promise<string> {
  return vi.waitFor(
    () => {
      const screen = tmux("capture-pane", "-p", "-t", shell);
      if (!isReady(screen)) throw new Error(`The screen of ${shell}:\n${screen}`);
      return screen;
    },
    { timeout: 30_000, interval: 50 },
  );
}
