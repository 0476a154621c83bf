// vitrine client: writes a TypeScript file for an app in another repository: the routes and the presets of
// wrangler.toml, with their types. It asks no server, and writes over no file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import {
  type BaseUrl,
  isAppFile,
  makeAppFile,
  readVariable,
  STANDALONE,
} from "../app-file/make-app-file.ts";
import {
  type End,
  EXIT,
  type Fault,
  isFault,
  PACKAGE_ROOT,
  type Run,
  say,
  type World,
} from "../command.ts";
import { type EnvironmentConfig, readEnvironment } from "../config/environment-config.ts";
import { configFault } from "../config/mistakes.ts";
import { readDeployed } from "../config/project.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { writeOwnFile } from "../files/write-file.ts";
import { envOption } from "../options.ts";
import { counted } from "../terminal/progress.ts";
import { chooseEnvironment, placeText } from "../wrangler/config-file.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function clientCommand(world: World, run: Run) {
  return define().action((file, options) => run(() => client(world, file, options)));
}

function define() {
  return new Command("client")
    .description(
      "writes a TypeScript file for an app: the routes and the presets, with their types",
    )
    .argument("<file>", "the file to write, such as ../app/src/vitrine.ts", readFile)
    .addOption(envOption())
    .option(
      "--base-url <url>",
      `where Vitrine is: https://images.example.com; "" for the page's own host; process.env.NAME or import.meta.env.NAME if the app's environment says it; default: the first domain under routes`,
    )
    .option(
      "--standalone",
      "for an app that cannot install the package: writes the client, too, beside the file",
    )
    .addHelpText(
      "after",
      `
Run it in the folder of your Worker. The app needs the package, whose client the file imports. A file that this
command wrote is replaced; any other is left alone. In CI, run it and then: git diff --exit-code

Examples:
  npx vitrine client ../app/src/vitrine.ts
  npx vitrine client ../app/src/vitrine.ts --base-url https://images.example.com
  npx vitrine client ../app/src/vitrine.ts --base-url process.env.NEXT_PUBLIC_IMAGES_URL
  npx vitrine client ../app/src/vitrine.ts --standalone`,
    );
}

/** A .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError(
    "It must end in .ts, and not in .d.ts. In JavaScript, use createClient of vitrine/client.",
  );
}

function client(world: World, file: string, options: Options): End {
  const { env, baseUrl: given, standalone = false } = options;
  const known = readEnvironment(world.folder, chooseEnvironment(world, env));
  if (isFault(known)) return configFault([known.mistake]);
  const config = readDeployed(known);
  if ("mistakes" in config) {
    const { environment } = known;
    return configFault(config.mistakes.map((mistake) => ({ ...mistake, environment })));
  }
  const baseUrl = readBaseUrl(known, given);
  if (isFault(baseUrl)) return baseUrl;
  const { text, clients, presets } = makeAppFile(config, known.deployed, baseUrl, standalone);
  const fault =
    (standalone ? copyClient(world, dirname(file)) : undefined) ??
    writeFile(world, file, text, isAppFile);
  if (fault !== undefined) return fault;
  const place = typeof baseUrl === "string" ? baseUrl || "the page's own host" : baseUrl.code;
  const content = `${counted(clients.length, "route")} and ${counted(presets, "preset")}`;
  const name = `./${basename(file, ".ts")}`;
  const line = `import { ${clients.join(", ")} } from "${name}";`;
  say(
    world.stdout,
    `Wrote ${file} with ${content}, for ${place}: ${line} (nodenext: "${name}.js")`,
  );
  return EXIT.done;
}

function readBaseUrl(known: EnvironmentConfig, given: string | undefined): BaseUrl | Fault {
  const variable = readVariable(given ?? "");
  return variable ?? findBaseUrl(given, known.patterns, "--base-url", placeText(known));
}

/** Copies what an app has in place of the package: one module, and its types. */
function copyClient(world: World, folder: string): Fault | undefined {
  for (const ending of [".js", ".d.ts"]) {
    const built = join(PACKAGE_ROOT, "dist/client", STANDALONE + ending);
    if (!existsSync(built)) return { fault: `${built} is missing. Make it first: npm run build` };
    const text = readFileSync(built, "utf8");
    const [firstLine = ""] = text.split("\n", 1);
    const isOurs = (before: string) => before.startsWith(firstLine);
    const fault = writeFile(world, join(folder, STANDALONE + ending), text, isOurs);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function writeFile(
  { folder }: World,
  file: string,
  text: string,
  isOurs: (before: string) => boolean,
): Fault | undefined {
  const fault = writeOwnFile(folder, file, text, isOurs);
  return fault === undefined ? undefined : { fault: `${file}: ${fault}` };
}
