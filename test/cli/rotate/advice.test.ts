// What `vitrine rotate` advises is done as it is printed, at a strict site: what visitors got before still comes
// after each change, and then the rotation is completed.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { rotateCommand } from "../../../src/cli/rotate/index.ts";
import type { Options } from "../../../src/cli/rotate/rotation.ts";
import {
  current,
  deploy,
  edit,
  type Key,
  keyFile,
  known,
  NEW_KEY,
  next,
  now,
  OLD_KEY,
  revoke,
  run,
  SHOWN,
  site,
  THIRD,
  URL,
  visit,
} from "../../support/cli/rotating-site.ts";
import { createWorld, type Ended, vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { keepNothing, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

keepNothing(); // what was kept would hide that nothing serves

/** Does by hand what the last run printed. Returns the options of the next run. */
type Next = Partial<Options> | undefined;
type Step = (printed: string) => Promise<Next> | Next;
type Row = {
  readonly broken: () => unknown;
  /** Parts of what is printed. */
  readonly says: readonly string[];
  readonly options?: Partial<Options>;
  /** Each is done after a run, and then it runs again. */
  readonly done: readonly Step[];
  /** The key that serves at the end. */
  readonly serves?: Key;
};

/** The words of a printed command, as a shell reads them. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)];
  return words.map(([word]) => word.replace(/['"]/g, ""));
}

/** The options of a printed `npx vitrine rotate`. */
async function rotateOptions(command: string): Promise<Options> {
  const parsed = rotateCommand(createWorld({}).world, async () => {});
  await parsed.parseAsync(wordsOf(command).slice(3), { from: "user" });
  return parsed.opts();
}

let shown: readonly string[] = [];

/** Changes the world. Visitors keep what they have. */
async function change(act: () => unknown): Promise<undefined> {
  await act();
  const seen = await visit();
  expect(seen).toEqual(expect.arrayContaining([...shown]));
  shown = seen.filter((one) => one.endsWith(" image"));
}

const set = (secrets: object) =>
  change(() => {
    site.deployed = { ...site.deployed, ...secrets };
  });

/** Types each printed command of wrangler, one secret after the other, with the values of a key. */
const types =
  ({ id, secret }: Key = OLD_KEY): Step =>
  async (printed) => {
    const commands = [...printed.matchAll(/^ {2}npx wrangler secret (put|delete) (\w+)/gm)];
    expect(commands.length).toBe(2);
    for (const [, verb, name = ""] of commands) {
      const value = /_ACCESS_KEY_ID/.test(name) ? id : secret;
      await set({ [name]: verb === "put" ? value : null });
    }
    return undefined;
  };
/** Runs the command that is printed to go on with. */
const goesOn: Step = (printed) => {
  const [command = ""] = /(?<=go on with: ).*/i.exec(printed) ?? [];
  return rotateOptions(command);
};
const mends =
  (act: () => unknown): Step =>
  async (printed) => {
    await change(act);
    return goesOn(printed);
  };
const makesAnother: Step = () =>
  change(() => {
    known(THIRD);
    keyFile(THIRD);
  });
const all =
  (...parts: readonly Step[]): Step =>
  async (printed) => {
    let options: Next;
    for (const part of parts) options = (await part(printed)) ?? options;
    return options;
  };

/** At this run of wrangler, something happens. */
const at = (times: number, happens: () => unknown) => () => {
  site.during = (time) => {
    if (time === times) happens();
    return {};
  };
};
let isDown = true;
const failing = (says: string) => () => {
  isDown = true;
  site.during = () => (isDown ? { code: 1, says } : {});
};
const up = () => {
  isDown = false;
};

const ROWS: Readonly<Record<string, Row>> = {
  "no terminal": {
    ...{ broken: () => {}, options: { yes: undefined }, says: ["Use --yes"] },
    done: [() => ({ yes: true })],
  },
  "no key": {
    ...{ broken: () => {}, options: { keyFile: undefined }, says: ["aws iam create-access-key"] },
    done: [async (printed) => rotateOptions(/npx vitrine rotate.*/.exec(printed)?.[0] ?? "")],
  },
  "no token": {
    broken: () => (site.deployed = current(OLD_KEY)),
    says: ["the Worker has none"],
    done: [() => set({ HEALTH_TOKEN })],
  },
  "no canary": {
    broken: () => {
      edit((text) => text.replace(/^canary = .*\n/m, ""));
      deploy();
    },
    says: ["Add one to wrangler.toml, and deploy it"],
    done: [
      () =>
        change(() => {
          edit((text) => text.replace('prefix = "published/"', '$&\ncanary = "key.jpg"'));
          deploy();
        }),
    ],
  },
  "a canary that is not deployed": {
    broken: () => {
      const { vars } = site;
      edit((text) => text.replace(/^canary = .*\n/m, ""));
      deploy();
      edit((text) => text.replace('prefix = "published/"', '$&\ncanary = "key.jpg"'));
      expect(vars).not.toEqual(site.vars);
    },
    says: ["no canary", "npx vitrine doctor"],
    done: [mends(deploy)],
  },
  "an outage at the beginning": {
    broken: () => stage.s3.faults.add("ServiceUnavailable"),
    says: ["Leave the slots as they are."],
    done: [mends(() => stage.s3.faults.delete("ServiceUnavailable"))],
  },
  "a next slot of a rotation that was given up": {
    broken: () => {
      known(THIRD);
      site.deployed = { ...site.deployed, ...next(THIRD) };
    },
    says: ["If another rotation runs, let it end. If not, empty the next slot:"],
    done: [types()],
  },
  "a next slot that alone serves: its own key is promoted": {
    broken: () => {
      known(THIRD);
      revoke(OLD_KEY);
      site.deployed = { ...site.deployed, ...next(THIRD) };
      keyFile(THIRD, "third.json");
    },
    says: ["Give its own file to --key-file"],
    done: [() => ({ keyFile: "third.json" })],
    serves: THIRD,
  },
  "a next slot that alone serves: it is promoted by hand": {
    broken: () => {
      known(THIRD);
      revoke(OLD_KEY);
      site.deployed = { ...site.deployed, ...next(THIRD) };
    },
    says: ["put it into the current slot by hand:"],
    done: [types(THIRD), types()],
  },
  "two dead slots": {
    broken: () => {
      revoke(OLD_KEY);
      site.deployed = { ...site.deployed, ...next(THIRD) };
    },
    says: ["empty the next slot:"],
    done: [types()],
  },
  "an inactive new key": {
    broken: () => revoke(NEW_KEY),
    says: ["Is it complete, active"],
    done: [() => change(() => known(NEW_KEY))],
  },
  "wrangler: the latest version is not the deployed one": {
    broken: failing("[code: 10215]"),
    says: ["Check out the commit that is live, and deploy it: npx vitrine deploy"],
    done: [mends(up)],
  },
  "wrangler: not logged in": {
    broken: failing("Authentication error"),
    says: ["Run npx wrangler login"],
    done: [mends(up)],
  },
  "no health on the way": {
    broken: at(2, () => {
      isDown = true;
      network.use(http.all(`${URL}/healthz`, () => (isDown ? HttpResponse.error() : undefined)));
    }),
    says: ["The state of the slots is unknown. Leave them as they are."],
    done: [mends(up)],
  },
  "an outage on the way": {
    broken: at(2, () => stage.s3.faults.add("ServiceUnavailable")),
    says: ["The keys are not the cause. Leave the slots as they are."],
    done: [mends(() => stage.s3.faults.delete("ServiceUnavailable"))],
  },
  "images that fail on the way": {
    broken: at(2, () => {
      stage.edge.switches.transformations = false;
    }),
    says: ["S3 accepts the keys in the slots. Look for another cause: npx vitrine doctor"],
    done: [
      async (printed) => {
        const args = wordsOf(/npx vitrine doctor .*/.exec(printed)?.[0] ?? "").slice(2);
        const doctor = await vitrine(args, { folder: site.folder, env: { HEALTH_TOKEN } });
        expect(doctor.out + doctor.err).toContain("Transformations"); // its remedy
        await change(() => {
          stage.edge.switches.transformations = true;
        });
        return goesOn(printed);
      },
    ],
  },
  "another Worker got the secrets": {
    broken: () => {
      isDown = true;
      site.during = () => (isDown ? { elsewhere: true } : {});
    },
    says: ["Is the Worker at https://images.example.com that of wrangler.toml?"],
    done: [mends(up)],
  },
  "somebody takes the next slot on the way": {
    broken: at(2, () => {
      known(THIRD);
      site.deployed = { ...site.deployed, ...next(THIRD) };
    }),
    says: ["the next slot holds …IRD3", "let it end. If not, empty the next slot:"],
    done: [types()],
  },
  "a new key that S3 forgets in the next slot": {
    broken: at(1, () => revoke(NEW_KEY)),
    says: ["To go back, empty the next slot. The current one is as it was:"],
    done: [all(types(), makesAnother)],
    serves: THIRD,
  },
  "no slot works, before the promotion": {
    broken: at(1, () => {
      revoke(OLD_KEY);
      revoke(NEW_KEY);
    }),
    says: ["No slot of a bucket works. Make another key: aws iam create-access-key"],
    done: [all(types(), makesAnother)],
    serves: THIRD,
  },
  "no slot works after the promotion": {
    broken: at(2, () => revoke(NEW_KEY)),
    says: ["No slot of a bucket works. Put the old key into the current slot:"],
    done: [all(types(), makesAnother), types()],
    serves: THIRD,
  },
  "no slot works after the promotion, and the old key is dead": {
    broken: () => {
      revoke(OLD_KEY);
      at(2, () => revoke(NEW_KEY))();
    },
    says: ["No slot of a bucket works. Make another key"],
    done: [all(types(), makesAnother)],
    serves: THIRD,
  },
  "no slot works after the next one is empty": {
    broken: at(3, () => revoke(NEW_KEY)),
    says: ["No slot of a bucket works. Put the old key into the next slot:"],
    done: [all(types(), makesAnother), types(), types()],
    serves: THIRD,
  },
  "images that fail when the old key is deactivated": {
    broken: () => {},
    says: ["--status Inactive", "If images fail then, activate it again", "--status Active"],
    done: [() => change(() => known(OLD_KEY))],
  },
};

test.each(Object.entries(ROWS))(
  "%s: what it says is done, and it leads out",
  async (_what, row) => {
    await row.broken();
    let ended: Ended = await run(row.options);
    for (const part of row.says) expect(ended.out + ended.err).toContain(part);
    for (const step of row.done) {
      shown = (await visit()).filter((one) => one.endsWith(" image"));
      ended = await run((await step(ended.out + ended.err)) ?? {});
    }
    expect([ended.code, ended.err]).toEqual([0, expect.any(String)]);
    expect([now(), await visit()]).toEqual([current(row.serves ?? NEW_KEY), SHOWN]);
  },
);
