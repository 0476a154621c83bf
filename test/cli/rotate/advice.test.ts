// What `vitrine rotate` advises is done as it is printed, at a strict site: what visitors got before still comes
// after each change, and then the rotation is completed. model.test.ts does so for all contents of the slots.

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
import { createWorld, vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { keepNothing, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

keepNothing(); // what was kept would hide that nothing serves

/** Does what the last run printed. @returns the options of the next run */
type Step = (printed: string) => Promise<Options | undefined> | Options | undefined;
type Row = {
  readonly broken: () => unknown;
  readonly options?: Options;
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

/** Runs the `npx vitrine rotate` that is printed. */
const goesOn: Step = async (printed) => {
  const parsed = rotateCommand(createWorld({}).world, async () => {});
  const [command = ""] = /npx vitrine rotate.*/.exec(printed) ?? [];
  await parsed.parseAsync(wordsOf(command).slice(3), { from: "user" });
  return parsed.opts();
};

let shown: readonly string[] = [];

/** Changes the world. Visitors keep what they have. */
async function change(act: () => unknown): Promise<undefined> {
  await act();
  const seen = await visit();
  expect(seen).toEqual(expect.arrayContaining([...shown]));
  shown = seen.filter((one) => one.endsWith(" image"));
}
const put = (secrets: object) => {
  site.deployed = { ...site.deployed, ...secrets };
};

/** Types each printed command of wrangler, one secret after the other, with the values of a key. */
const types =
  ({ id, secret }: Key = OLD_KEY): Step =>
  async (printed) => {
    const commands = [...printed.matchAll(/^ {2}npx wrangler secret (put|delete) (\w+)/gm)];
    expect(commands.length).toBe(2);
    for (const [, verb, name = ""] of commands) {
      const value = /_ACCESS_KEY_ID/.test(name) ? id : secret;
      await change(() => put({ [name]: verb === "put" ? value : null }));
    }
    return undefined;
  };
const fixes =
  (act: () => unknown): Step =>
  async (printed) => {
    await change(act);
    return goesOn(printed);
  };
/** At this run of wrangler, something happens. */
const at = (times: number, happens: () => unknown) => () => {
  site.during = (time) => {
    if (time === times) happens();
    return {};
  };
};
let isDown = true;
const failing = (ended: ReturnType<typeof site.during>) => () => {
  site.during = () => (isDown ? ended : {});
};
const up = () => {
  isDown = false;
};
const takeNext = () => {
  known(THIRD);
  put(next(THIRD));
};

const ROWS: Readonly<Record<string, Row>> = {
  "no key": { broken: () => {}, options: { keyFile: undefined }, done: [goesOn] },
  "a canary that is not deployed": {
    broken: () => {
      edit((text) => text.replace(/^canary = .*\n/m, ""));
      deploy();
      edit((text) => text.replace('prefix = "published/"', '$&\ncanary = "key.jpg"'));
    },
    done: [fixes(deploy)],
  },
  "wrangler: not logged in": {
    broken: failing({ code: 1, says: "Authentication error" }),
    done: [fixes(up)],
  },
  "another Worker got the secrets": { broken: failing({ elsewhere: true }), done: [fixes(up)] },
  "no health on the way": {
    broken: at(2, () => {
      network.use(http.all(`${URL}/healthz`, () => (isDown ? HttpResponse.error() : undefined)));
    }),
    done: [fixes(up)],
  },
  "images that fail on the way": {
    broken: at(2, () => {
      stage.edge.switches.transformations = false;
    }),
    done: [
      async (printed) => {
        const args = wordsOf(/npx vitrine doctor .*/.exec(printed)?.[0] ?? "").slice(2);
        const doctor = await vitrine([...args, "--json"], {
          folder: site.folder,
          env: { HEALTH_TOKEN },
        });
        expect(doctor.out).toContain('"check": "transformations"');
        stage.edge.switches.transformations = true;
        return goesOn(printed);
      },
    ],
  },
  "somebody takes the next slot on the way": { broken: at(2, takeNext), done: [types()] },
  "a next slot that alone serves: it is promoted by hand": {
    broken: () => {
      takeNext();
      revoke(OLD_KEY);
    },
    done: [types(THIRD), types()],
  },
  "no slot works after the promotion": {
    broken: at(2, () => revoke(NEW_KEY)),
    done: [
      types(),
      async () => {
        known(THIRD);
        keyFile(THIRD);
        return undefined;
      },
      types(),
      types(),
    ],
    serves: THIRD,
  },
};

test.each(Object.entries(ROWS))(
  "%s: what it says is done, and it leads out",
  async (_title, row) => {
    isDown = true;
    await row.broken();
    let ended = await run(row.options);
    for (const step of row.done) {
      shown = (await visit()).filter((one) => one.endsWith(" image"));
      ended = await run((await step(ended.out + ended.err)) ?? {});
    }
    expect([ended.code, now(), await visit()]).toEqual([0, current(row.serves ?? NEW_KEY), SHOWN]);
  },
);
