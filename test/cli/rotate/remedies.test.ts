// All that `vitrine rotate` advises is done at a strict site: after each change, what visitors got before still
// comes, and the command goes on. `adviceWithoutRow` finds the advice in the source: what has no row fails the last test.

import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readVars } from "../../../src/cli/config/environment-config.ts";
import { replaceFile } from "../../../src/cli/files/write-file.ts";
import { fileOf } from "../../../src/cli/rotate/record.ts";
import { refuse } from "../../../src/emulator/s3/refuse.ts";
import { adviceWithoutRow, wordsOf } from "../../support/cli/advice.ts";
import {
  ALIKE,
  addBucket,
  current,
  file,
  ID,
  KEY,
  keepRecord,
  known,
  NEW,
  NEXT,
  next,
  OLD,
  QUESTIONS,
  RECORD,
  revoke,
  run,
  SECRET,
  site,
  THIRD,
  typing,
  URL,
} from "../../support/cli/rotating-site.ts";
import { recordOf } from "../../support/cli/run-rotation.ts";
import {
  keyFile,
  type Next,
  OF_OLD,
  readTold,
  SHOWN,
  type Told,
  visit,
} from "../../support/cli/told-rotation.ts";
import { type Ended, vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, HEALTH_TOKEN } from "../../support/env.ts";
import { SESSION } from "../../support/issuer.ts";
import { copyProject, editFile } from "../../support/local-run.ts";
import { keepNothing, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

type Step = (told: Told) => Promise<Next | undefined> | Next | undefined;
type Row = {
  /** Parts of the source's texts that are printed. */
  readonly says: readonly string[];
  readonly broken: () => unknown;
  readonly options?: Next;
  /** In place of one run of the command. */
  readonly ran?: () => Promise<Ended>;
  /** Each does what the last run says. The command runs after each. */
  readonly done: readonly Step[];
  /** Its last exit code, where there is nothing left to do for it. */
  readonly ends?: number;
};

keepNothing(); // what was kept would hide that nothing serves
beforeEach(() => {
  isWrong = true;
  stage.edge.switches.cache = false;
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const NEW_KEY = { id: ID, secret: SECRET };
const { HEALTH_TOKEN: _token, ...OLD_KEY } = OLD;
const toml = () => join(site.folder, "wrangler.toml");
/** What `npx vitrine deploy` does: the secrets stay. */
const deploy = () => {
  const read = readVars(site.folder);
  if ("fault" in read) throw new Error(read.fault);
  site.vars = { ...site.vars, ...read.deployed };
  site.deployed = { ...site.deployed };
};
/** Sets what the folder and the Worker have for OTHER, and for AWS. */
const withOther = (key: typeof THIRD) => {
  addBucket("other", "OTHER");
  editFile(toml(), (text) =>
    text
      .replace('credentials = "OTHER"', '$&\ncanary = "key.jpg"')
      .replace(
        "[[vars.ROUTES]]",
        `[[vars.ROUTES]]\npath = "/other/:preset/*"\nobject = "other/*"\n\n$&`,
      ),
  );
  deploy();
  const other = { OTHER_ACCESS_KEY_ID: key.id, OTHER_SECRET_ACCESS_KEY: key.secret };
  site.deployed = { ...OLD, ...other };
};
/** S3 forgets the new key at this change of the secrets. */
const forgets = (at: number) => () => {
  site.during = (times) => {
    if (times === at) stage.s3.keys.delete(ID);
    return {};
  };
};
/** Makes a third key, and does what is printed after some words. */
const another =
  (after: string, options: Next["options"] = {}): Step =>
  async (told) => {
    known(THIRD);
    keyFile(THIRD);
    return { options: { ...(await told.rotates(after)), ...options } };
  };
const again =
  (after: string): Step =>
  async (told) => ({ options: await told.rotates(after) });
const FIXED = "When this is fixed, continue with: ";
const RESTART = "Or start again: ";
const AT_FILE = { keyFile: "key.json" } as const;

type Asked = Pick<Request, "headers" | "method">;
/** Something that is wrong until it is corrected. */
let isWrong = true;
const mend = () => {
  isWrong = false;
};
const wrongly = (path: string | RegExp, answer: (request: Asked) => Response | undefined) =>
  network.use(http.all(path, ({ request }) => (isWrong ? answer(request) : undefined)));
/** S3 denies an object to a key. */
const denies = (object: string, id: string) =>
  wrongly(new RegExp(`amazonaws\\.com/published/${object}`), (request) =>
    request.headers.get("authorization")?.includes(id)
      ? refuse(request, { status: 403, code: "AccessDenied" })
      : undefined,
  );
const wranglerSays = (says: string) => () => {
  site.during = () => (isWrong ? { code: 1, says } : {});
};
const toldHealth = (answer: () => Response) => () => wrongly(`${URL}/healthz`, answer);
const bind = () => {
  editFile(toml(), (text) =>
    `${text}\n[images]\nbinding = "IMAGES"\n`.replace(
      'bucket = "acme-media"',
      '$&\nengine = "binding"',
    ),
  );
  deploy();
  site.vars = { ...site.vars, IMAGES: stage.edge.images };
};
const giveSession = () => {
  const { accessKeyId, secretAccessKey, sessionToken } = SESSION;
  stage.sessions.set(accessKeyId, { secretAccessKey, sessionToken, expires: Infinity });
  const [AccessKeyId, SecretAccessKey, SessionToken] = [accessKeyId, secretAccessKey, sessionToken];
  file(JSON.stringify({ Credentials: { AccessKeyId, SecretAccessKey, SessionToken } }));
};

const ROWS: Readonly<Record<string, Row>> = {
  // Before it begins
  "another one runs": {
    says: ["Wait until it ends. If there is no such process, remove"],
    broken: () => replaceFile(join(site.folder, fileOf(TOP, "lock")), `${process.ppid}\n`),
    done: [
      (told) =>
        told.does(fileOf(TOP, "lock"), () => rmSync(join(site.folder, fileOf(TOP, "lock")))),
    ],
  },
  "no terminal": {
    says: ["Use --yes to continue without questions"],
    broken: () => {},
    options: { options: { yes: undefined } },
    done: [() => ({ options: { yes: true } })],
  },
  "no terminal, and no key": {
    says: ["Name a file: --key-file"],
    broken: () => {},
    options: { options: { keyFile: undefined } },
    done: [() => ({ options: AT_FILE })],
  },
  "no token on this machine": {
    says: [". Put it into ", "(docs/doctor.md, “Health”)"],
    broken: () => {},
    options: { setting: { env: {} } },
    done: [(told) => told.does("the environment", () => {})],
  },
  "no token in the file": {
    says: [". Put it into "],
    broken: () => writeFileSync(join(site.folder, "secrets.env"), ""),
    options: { options: { secretsFile: "secrets.env" }, setting: { env: {} } },
    done: [
      async (told) => {
        const text = `HEALTH_TOKEN='${HEALTH_TOKEN}'\n`;
        await told.does("the file of --secrets-file", () =>
          writeFileSync(join(site.folder, "secrets.env"), text),
        );
        return { options: { secretsFile: "secrets.env" }, setting: { env: {} } };
      },
    ],
  },
  "several keys": {
    says: [". Choose one, such as --credentials "],
    broken: () => withOther(OF_OLD),
    done: [
      ({ text }) => {
        const [, credentials] = /--credentials (\w+)/.exec(text) ?? [];
        return { options: { credentials } };
      },
    ],
  },
  "no canary: one is added": {
    says: [". Add a canary (docs/doctor.md, “Health”), or name an image: --key"],
    broken: () => {
      editFile(toml(), (text) => text.replace(/^canary = .*\n/m, ""));
      deploy();
    },
    done: [
      async (told) => {
        await told.does("Add a canary", () => {
          editFile(toml(), (text) =>
            text.replace('prefix = "published/"', '$&\ncanary = "key.jpg"'),
          );
        });
      },
    ],
  },
  "no canary: an image is named": {
    says: ["or name an image: --key"],
    broken: () => {
      editFile(toml(), (text) => text.replace(/^canary = .*\n/m, ""));
      deploy();
    },
    done: [() => ({ options: { key: ["key.jpg"] } })],
  },
  "a bucket that is not deployed": {
    says: ['". Deploy this '],
    broken: () => {
      const { vars } = site;
      addBucket("extra", "AWS");
      site.vars = vars;
    },
    done: [(told) => told.does("wrangler.toml first", deploy)],
  },
  "an older Worker": {
    says: ["Deploy this version of Vitrine first"],
    broken: toldHealth(() => {
      const media = { bucket: "media", edge: "on", slots: [{ slot: "current", state: "ok" }] };
      return HttpResponse.json({ buckets: [media] });
    }),
    done: [(told) => told.does("Deploy this version", mend)],
  },
  "another token": {
    says: ["docs/doctor.md, “Health”"],
    broken: () => {},
    options: { setting: { env: { HEALTH_TOKEN: "the token of another Worker" } } },
    done: [() => undefined],
  },
  "a broken configuration": {
    says: ["its log says how: npx wrangler tail"],
    broken: () => {
      site.deployed = { HEALTH_TOKEN };
    },
    done: [
      async (told) => {
        expect(JSON.stringify(stage.logged)).toContain("AWS_ACCESS_KEY_ID");
        await told.set(OLD_KEY);
      },
    ],
  },
  "the record of another rotation: it is finished": {
    says: ["Finish it first, or discard it with --restart"],
    broken: () => {
      withOther(NEW_KEY);
      keepRecord({ ...RECORD, word: "OTHER", step: 6, told: true });
    },
    options: { options: { credentials: "AWS" } },
    done: [
      async () => {
        expect((await run({ credentials: "OTHER", keyFile: undefined })).code).toBe(0);
        return { options: { credentials: "AWS" } };
      },
    ],
  },
  "the record of another rotation: it is discarded": {
    says: ["Finish it first, or discard it with --restart"],
    broken: () => {
      withOther(NEW_KEY);
      keepRecord({ ...RECORD, word: "OTHER", step: 3 });
    },
    options: { options: { credentials: "AWS" } },
    done: [() => ({ options: { credentials: "AWS", restart: true } })],
  },
  "two keys that end alike": {
    says: ["Start again with another key: --restart"],
    broken: () => {
      known(ALIKE);
      site.deployed = { ...current(ALIKE), ...NEXT };
      keepRecord({ ...RECORD, step: 4, old: RECORD.new });
    },
    done: [
      () => {
        known(THIRD);
        keyFile(THIRD);
        return { options: { restart: true } };
      },
    ],
  },
  "a record that is none": {
    says: ["See at /healthz which key each slot holds, then start again with --restart"],
    broken: () => {
      site.deployed = { ...OLD, ...NEXT };
      keepRecord({ ...RECORD, step: 9 });
    },
    done: [() => ({ options: { restart: true } })],
  },
  "an outage of S3": {
    says: [" Wait until S3 works again"],
    broken: () => stage.s3.faults.add("ServiceUnavailable"),
    done: [(told) => told.does("Wait", () => stage.s3.faults.delete("ServiceUnavailable"))],
  },
  "images that fail for another reason": {
    says: ["S3 accepts the keys in the slots. Fix this first"],
    broken: () => {
      stage.edge.switches.transformations = false;
    },
    done: [
      (told) =>
        told.does("answers 502", () => {
          stage.edge.switches.transformations = true;
        }),
    ],
  },

  // The slots as they are found
  "a next slot of another folder": {
    says: ["If a rotation is under way in another folder, continue it there."],
    broken: () => {
      site.deployed = { ...OLD, ...NEXT };
    },
    done: [
      async (told) => {
        const folder = copyProject();
        for (const name of ["wrangler.toml", "key.json"]) {
          cpSync(join(site.folder, name), join(folder, name));
        }
        replaceFile(join(folder, fileOf(TOP)), JSON.stringify({ ...RECORD, step: 3 }));
        await told.does("continue it there", () => run({}, { folder }));
        await told.does("", revoke);
        await told.does("", () => run({ keyFile: undefined }, { folder }));
        expect(recordOf(folder)).toBeUndefined();
        return undefined;
      },
    ],
    ends: 2, // nothing to rotate
  },
  "a next slot that may be replaced": {
    says: ["If the key in the next slot may be replaced: "],
    broken: () => {
      known(THIRD);
      site.deployed = { ...OLD, ...next(THIRD) };
    },
    done: [again("may be replaced")],
  },
  "a next slot that alone serves is promoted": {
    says: ["If that key works, promote it: give the same key, "],
    broken: () => {
      revoke();
      site.deployed = { ...OLD, ...NEXT };
    },
    done: [again("give the same key, …TKEY, to ")],
  },
  "a next slot that alone serves is promoted by hand, and emptied": {
    says: ["Or put it into the current slot by hand:"],
    broken: () => {
      revoke();
      site.deployed = { ...OLD, ...NEXT };
    },
    done: [
      (told) => told.types(NEW_KEY),
      again("may be replaced: "),
      (told) => told.types(NEW_KEY), // deletes
    ],
    ends: 2, // nothing to rotate
  },
  "a full next slot, where nothing is to be rotated": {
    says: ["  If the next slot is still full, empty it:"],
    broken: () => {
      site.deployed = { ...NEW, ...NEXT };
    },
    options: { options: { restart: true } },
    done: [(told) => told.types(NEW_KEY)],
    ends: 2, // nothing to rotate
  },
  "another key than the one that it began with: the first one": {
    says: ["Give the first one, or start again with --restart"],
    broken: () => {
      known(THIRD);
      keyFile(THIRD);
      site.deployed = { ...OLD, ...NEXT };
      keepRecord({ ...RECORD, step: 3 });
    },
    done: [(told) => told.does("Give the first one", () => keyFile(NEW_KEY))],
  },
  "another key than the one that it began with: from the beginning": {
    says: ["Give the first one, or start again with --restart"],
    broken: () => {
      known(THIRD);
      keyFile(THIRD);
      site.deployed = { ...OLD, ...NEXT };
      keepRecord({ ...RECORD, step: 3 });
    },
    done: [() => ({ options: { restart: true } })],
  },
  "--restart, where the rotation that is under way serves": {
    says: ["Continue the rotation that put it there"],
    broken: () => {
      known(THIRD);
      revoke();
      keyFile(THIRD);
      site.deployed = { ...OLD, ...NEXT };
      keepRecord({ ...RECORD, step: 3, worked: false });
      writeFileSync(
        join(site.folder, "first.env"),
        `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=${SECRET}\n`,
      );
    },
    options: { options: { restart: true } },
    done: [
      async (told) => {
        const { keyFile: _none, ...options } = await told.rotates("that put it there");
        expect(_none).toBeUndefined(); // it has another key
        return { options: { ...options, keyFile: "first.env" } };
      },
    ],
  },
  "a current slot with the right id and another secret": {
    says: ["put its id and its secret into the current slot. No rotation is needed:"],
    broken: () => {
      site.deployed = { ...NEW, AWS_SECRET_ACCESS_KEY: "half" };
    },
    done: [(told) => told.types(NEW_KEY)],
    ends: 2, // nothing to rotate
  },
  "a new key that ends like the one that serves": {
    says: ["Delete the new one, and make one that ends differently: "],
    broken: () => {
      known(ALIKE);
      site.deployed = current(ALIKE);
    },
    done: [
      (told) =>
        told.does("aws iam create-access-key", () => {
          stage.s3.keys.delete(ID);
          known(THIRD);
          keyFile(THIRD);
        }),
    ],
  },
  "keys whose ids are too short": {
    says: ["Rotate by hand: docs/rotate.md"],
    broken: () => {
      const old = { id: "old-id", secret: "the-secret-of-the-old" };
      const made = { id: "new-id", secret: "the-secret-of-the-new" };
      known(old, made);
      site.deployed = current(old);
      keyFile(made);
    },
    done: [
      async ({ set, does }) => {
        await set({ AWS_ACCESS_KEY_ID_NEXT: "new-id" });
        await set({ AWS_SECRET_ACCESS_KEY_NEXT: "the-secret-of-the-new" });
        await set({ AWS_ACCESS_KEY_ID: "new-id" });
        await set({ AWS_SECRET_ACCESS_KEY: "the-secret-of-the-new" });
        await set({ AWS_ACCESS_KEY_ID_NEXT: null });
        await set({ AWS_SECRET_ACCESS_KEY_NEXT: null });
        await does("docs/rotate.md", () => stage.s3.keys.delete("old-id"));
        return undefined;
      },
    ],
    ends: 2, // the same command, after it is done
  },

  // The new key
  "a file that is no key": {
    says: ["has no key: neither the output of create-access-key"],
    broken: () => file("AWS_ACCESS_KEY_ID=x"),
    done: [(told) => told.does("output of create-access-key", () => keyFile(NEW_KEY))],
  },
  "session credentials": {
    says: ["docs/rotate.md, “Session credentials”"],
    broken: () => {
      bind();
      giveSession();
    },
    done: [
      async ({ set, does }) => {
        const { accessKeyId, secretAccessKey, sessionToken } = SESSION;
        for (const slot of ["_NEXT", ""]) {
          await set({
            [`AWS_ACCESS_KEY_ID${slot}`]: accessKeyId,
            [`AWS_SECRET_ACCESS_KEY${slot}`]: secretAccessKey,
            [`AWS_SESSION_TOKEN${slot}`]: sessionToken,
          });
        }
        await does("at once", revoke);
        return undefined;
      },
    ],
    ends: 2, // it puts permanent keys only
  },
  "session credentials for the edge": {
    says: ["Make a permanent key: "],
    broken: giveSession,
    done: [(told) => told.does("aws iam create-access-key", () => keyFile(NEW_KEY))],
  },
  "an inactive new key": {
    says: ["Is it complete, active, and of the right account?"],
    broken: () => stage.s3.keys.delete(ID),
    done: [(told) => told.does("active", () => known(NEW_KEY))],
  },
  "a new key that may not read": {
    says: ["docs/deploy.md, step 4"],
    broken: () => denies("key\\.jpg", ID),
    done: [(told) => told.does("its policy", mend)],
  },
  "a new key that S3 forgets": {
    says: ["If this does not change, make another key, and start again: "],
    broken: () => {
      stage.s3.keys.delete(ID);
      site.deployed = { ...OLD, ...NEXT };
      keepRecord({ ...RECORD, step: 3 });
    },
    done: [another("make another key, and start again: ")],
  },

  // wrangler
  "wrangler: the latest version is not the deployed one": {
    says: ["Check out the commit that is live, and deploy it: npx vitrine deploy"],
    broken: wranglerSays("[code: 10215]"),
    done: [
      async (told) => {
        await told.does("npx vitrine deploy", () => {
          deploy();
          mend();
        });
        return { options: await told.rotates("Continue with: ") };
      },
    ],
  },
  "wrangler: not logged in": {
    says: ["Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN"],
    broken: wranglerSays("Authentication error"),
    done: [
      async (told) => {
        await told.does("npx wrangler login", mend);
        return { options: await told.rotates("Continue with: ") };
      },
    ],
  },
  "wrangler: no such Worker": {
    says: ["Check the account, and name in wrangler.toml"],
    broken: wranglerSays("This Worker does not exist [code: 10007]"),
    done: [
      async (told) => {
        await told.does("Check the account", mend);
        return { options: await told.rotates("Continue with: ") };
      },
    ],
  },

  // On the way
  "a key that is to be made": {
    says: [
      "Make one beside the old one, and paste it below:",
      "aws iam create-access-key --user-name ",
    ],
    broken: () => stage.s3.keys.delete(ID),
    ran: () => {
      const answers = [...KEY, [QUESTIONS[0], "n"] as const];
      return typing(answers, {}, (left) => {
        if (left === answers.length - 1) known(NEW_KEY);
      });
    },
    done: [
      async (told) => ({
        options: { ...(await told.rotates("Continue with: ")), ...AT_FILE, yes: true },
      }),
    ],
  },
  "stopped between two steps": {
    says: [" Continue with: "],
    broken: () => {},
    options: {
      setting: {
        heard: (said, interrupt) => {
          if (said.includes("Done 4 of 6")) interrupt();
        },
      },
    },
    done: [again("Continue with: ")],
  },
  "all steps, printed": {
    says: ["Do this, and nothing else:", "npx wrangler secret ", ". When that is done: "],
    broken: () => {},
    options: { options: { print: true } },
    done: [
      ...[1, 2, 3].map(
        (): Step => async (told) => {
          await told.types(NEW_KEY);
          return { options: await told.rotates("When that is done: ") };
        },
      ),
      async (told) => {
        await told.runsAws("Inactive");
        return { options: await told.rotates("When that is done: ") };
      },
    ],
  },
  "commands that nobody ran": {
    says: ["Did you run the commands? "],
    broken: () => run({ print: true }),
    options: { options: { print: true } },
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: ID });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: SECRET });
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
  "the old key": {
    says: [
      "aws iam update-access-key --user-name ",
      "Do this, and nothing else:",
      ". When that is done: ",
    ],
    broken: () => {},
    done: [
      async (told) => {
        await told.runsAws("Inactive");
        return { options: await told.rotates("When that is done: ") };
      },
    ],
  },
  "the old key, at the end": {
    says: [
      "A day later, delete it:",
      "aws iam delete-access-key --user-name ",
      "aws iam list-access-keys --user-name ",
      "remove that file",
    ],
    broken: async () => {
      await run();
      revoke();
    },
    options: { options: { keyFile: undefined } },
    done: [
      async (told) => {
        await told.runsAws("delete");
        await told.does("remove that file", () => rmSync(join(site.folder, "key.json")));
        return undefined;
      },
    ],
    ends: 2, // it would be a new rotation
  },
  "another bucket with the old key": {
    says: [". If it is the same key, rotate that one first: "],
    broken: () => withOther(OF_OLD),
    options: { options: { credentials: "AWS", url: URL } },
    done: [
      async (told) => {
        const first = await told.rotates("rotate that one first: ");
        await told.does("", () => run({ ...first, ...AT_FILE, yes: true }));
        await told.runsAws("Inactive");
        return { options: { ...first, keyFile: undefined, restart: undefined } };
      },
    ],
  },

  // Where a step went wrong
  "no health": {
    says: ["The state of the slots is unknown. Leave them as they are.", FIXED],
    broken: () => {
      isWrong = false;
      wrongly(`${URL}/healthz`, () => HttpResponse.error());
      site.during = (times) => {
        isWrong = times === 3;
        return {};
      };
    },
    done: [
      async (told) => {
        await told.does("Leave them", mend);
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
  "an outage on the way": {
    says: [" Leave the slots as they are."],
    broken: () => {
      site.during = (times) => {
        if (times === 3) stage.s3.faults.add("ServiceUnavailable");
        return {};
      };
    },
    done: [
      async (told) => {
        await told.does("Leave the slots", () => stage.s3.faults.delete("ServiceUnavailable"));
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
  "images that fail on the way": {
    says: [" Look for another cause: "],
    broken: () => {
      site.during = (times) => {
        if (times === 3) stage.edge.switches.transformations = false;
        return {};
      };
    },
    done: [
      async (told) => {
        const [command = ""] = /npx vitrine doctor .*/.exec(told.text) ?? [];
        const args = wordsOf(command).slice(2);
        const doctor = await vitrine(args, { folder: site.folder, env: { HEALTH_TOKEN } });
        await told.does("", () => {
          expect(doctor.out + doctor.err).toContain("Transformations"); // its remedy
          stage.edge.switches.transformations = true;
        });
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
  "another Worker got the secrets": {
    says: ["Is the Worker at "],
    broken: () => {
      site.during = () => ({ ...(isWrong && { elsewhere: true }) });
    },
    done: [
      async (told) => {
        await told.does("the one of wrangler.toml?", mend);
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
  "a next slot that somebody emptied": {
    says: [RESTART],
    broken: () => keepRecord({ ...RECORD, step: 3 }),
    done: [again(RESTART)],
  },
  "images that fail since step 4": {
    says: [
      "put the old key back into the current slot while the next one serves. When S3 accepts it there, empty the next slot.",
    ],
    broken: () => denies("photos", ID),
    options: { options: { key: ["photos/fig.jpg"] } },
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID: OF_OLD.id });
        await told.set({ AWS_SECRET_ACCESS_KEY: OF_OLD.secret });
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: null });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: null });
        return { options: await told.rotates(FIXED) };
      },
      another(RESTART),
    ],
  },
  "images that fail since step 6": {
    says: ["activate the old key: "],
    broken: async () => {
      await run({ key: ["photos/fig.jpg"] });
      revoke();
      wrongly(/amazonaws\.com\/published\/photos/, (request) =>
        stage.s3.keys.has(OF_OLD.id)
          ? undefined
          : refuse(request, { status: 403, code: "AccessDenied" }),
      );
    },
    options: { options: { key: ["photos/fig.jpg"], keyFile: undefined } },
    done: [
      async (told) => {
        await told.runsAws("Active");
        return { options: { key: ["photos/fig.jpg"], keyFile: undefined } };
      },
    ],
  },
  "no slot works after step 2": {
    says: ["No slot of a bucket works: ", "make another key, and start again: "],
    broken: () => {
      revoke();
      forgets(1)();
    },
    done: [another("make another key, and start again: ")],
  },
  "no slot works after step 4": {
    says: ["put the old key back into the current slot."],
    broken: forgets(2),
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID: OF_OLD.id });
        await told.set({ AWS_SECRET_ACCESS_KEY: OF_OLD.secret });
        expect(await visit()).toEqual(SHOWN);
        return { options: await told.rotates(FIXED) };
      },
      another("make another key, and start again: "),
    ],
  },
  "no slot works after step 5": {
    says: ["put the old key into the next slot. It serves while S3 refuses the current one."],
    broken: forgets(3),
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: OF_OLD.id });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: OF_OLD.secret });
        expect(await visit()).toEqual(SHOWN);
        return { options: await told.rotates(FIXED) };
      },
      another(RESTART),
      (told) => told.types(OF_OLD),
      () => ({ options: { restart: true } }),
    ],
  },
  "no slot works after step 6": {
    says: ["Activate it first: "],
    broken: async () => {
      await run();
      revoke();
      stage.s3.keys.delete(ID);
    },
    options: { options: { keyFile: undefined } },
    done: [
      async (told) => {
        await told.runsAws("Active");
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: OF_OLD.id });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: OF_OLD.secret });
        expect(await visit()).toEqual(SHOWN);
        return { options: await told.rotates(FIXED) };
      },
      another(RESTART, AT_FILE),
      (told) => told.types(OF_OLD),
      () => ({ options: { restart: true } }),
    ],
  },
  "a half-written current slot": {
    says: ["To go back, "],
    broken: () => {
      site.deployed = { ...NEW, AWS_SECRET_ACCESS_KEY: "half", ...NEXT };
      keepRecord({ ...RECORD, step: 5 });
    },
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID: OF_OLD.id });
        await told.set({ AWS_SECRET_ACCESS_KEY: OF_OLD.secret });
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: null });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: null });
        return { options: await told.rotates(FIXED) };
      },
      again(RESTART),
    ],
  },
  "a new key that S3 forgets in step 2": {
    says: ["To go back, empty the next slot. The current one has not changed."],
    broken: forgets(1),
    done: [
      async (told) => {
        await told.set({ AWS_ACCESS_KEY_ID_NEXT: null });
        await told.set({ AWS_SECRET_ACCESS_KEY_NEXT: null });
        return { options: await told.rotates(FIXED) };
      },
      another("make another key, and start again: "),
    ],
  },
  "a key that one bucket needs, and another one denies": {
    says: ["Leave the next slot as it is: a bucket has no other slot that works."],
    broken: () => {
      addBucket("extra", "AWS");
      editFile(toml(), (text) =>
        text.replace('credentials = "AWS"', '$&\ncanary = "photos/fig.jpg"'),
      );
      deploy();
      denies("key\\.jpg", CREDENTIALS.accessKeyId);
      site.during = (times) => {
        if (times === 1) denies("photos", ID);
        return {};
      };
    },
    done: [
      async (told) => {
        await told.does("Leave the next slot", mend);
        return { options: await told.rotates(FIXED) };
      },
    ],
  },
};

/** Advice that is not done here, and why. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "Is npx vitrine dev running in this folder?": "about the local run: nothing is deployed",
  "deactivate the old key in your S3: ": "about the local run in front of an S3 of one's own",
  "To rotate OIDC_SIGNING_KEY: docs/keyless.md":
    "the pages are another command's: no key is rotated",
  "rotate it there first: its images would fail.":
    "the row of another bucket, with --env: test/cli/rotate/environments.test.ts has its Worker",
  "npx wrangler ": "what this program itself runs is announced",
  "Put the secrets that it names": "only a deploy asks for them: test/cli/deploy/remedies.test.ts",
  "R2 is not switched on": "only a deploy makes a bucket: test/cli/deploy/remedies.test.ts",
};

const TOP = { environment: undefined };

test.each(Object.entries(ROWS))("%s: what it says is done, and it goes on", async (_what, row) => {
  await row.broken();
  const start = row.options ?? {};
  let ended = await (row.ran?.() ?? run(start.options, start.setting));
  for (const part of row.says) expect(ended.out + ended.err).toContain(part);
  for (const step of row.done) {
    const told = readTold(ended, await visit());
    const { options, setting } = (await step(told)) ?? {};
    ended = await run(options, setting);
  }
  const { code, out, err } = ended;
  const how = code === 0 || code === 1 ? "it goes on" : code;
  expect([how, out + err]).toEqual([row.ends ?? "it goes on", expect.anything()]);
  expect(await visit()).toEqual(SHOWN);
});

test("each advice in the source of rotate has a row", () => {
  const rows = [...Object.values(ROWS).flatMap(({ says }) => says), ...Object.keys(OUTSIDE)];
  expect(adviceWithoutRow(["src/cli/rotate", "src/cli/wrangler/run-wrangler.ts"], rows)).toEqual(
    [],
  );
});
