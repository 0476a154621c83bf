// vitrine client: writes a TypeScript file for an app in another repository: the routes and the presets of
// wrangler.toml, with their types. It sends no request, and overwrites no file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import {
  type BaseUrl,
  generateAppFile,
  isAppFile,
  readVariable,
  STANDALONE,
} from "../app-file/generate.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, PACKAGE_ROOT } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { openProject } from "../config/project.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { writeOwnFile } from "../files/write-file.ts";
import { envOption } from "../options.ts";
import { configFileText } from "../wrangler/config-file.ts";

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
    .addHelpText("after", HELP);
}

const HELP = `
Run it in the folder of your Worker. The app needs the package, whose client the file imports. A file that this
command wrote is replaced; any other is left alone. In CI, run it and then: git diff --exit-code

Examples:
  npx vitrine client ../app/src/vitrine.ts
  npx vitrine client ../app/src/vitrine.ts --base-url https://images.example.com
  npx vitrine client ../app/src/vitrine.ts --base-url process.env.NEXT_PUBLIC_IMAGES_URL
  npx vitrine client ../app/src/vitrine.ts --standalone`;

function readFile(file: string): string {
  if (/(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError(
    "It must end in .ts, and not in .d.ts. In JavaScript, use createClient of vitrine/client.",
  );
}

function client(world: World, file: string, options: Options): Outcome {
  const project = openProject(world, { env: options.env });
  if (isFault(project)) return project;

  const { config, envConfig } = project;
  const baseUrl = readBaseUrl(options.baseUrl, envConfig);
  if (isFault(baseUrl)) return baseUrl;

  const isStandalone = options.standalone === true;
  const appFile = generateAppFile(config, envConfig.deployedVars, baseUrl, isStandalone);

  if (isStandalone) {
    const copyFault = copyClient(world, dirname(file));
    if (copyFault !== undefined) return copyFault;
  }

  const fault = writeOwnFile(world.folder, file, appFile.text, isAppFile);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };

  const clients = appFile.clients.join(", ");
  const module = `./${basename(file, ".ts")}`;
  log(
    world.stdout,
    `Wrote ${file}: import { ${clients} } from "${module}"; (nodenext: "${module}.js")`,
  );
  return EXIT.done;
}

/** @param option what `--base-url` says */
function readBaseUrl(
  option: string | undefined,
  envConfig: EnvironmentConfig,
): BaseUrl | CommandFault {
  const variable = option === undefined ? undefined : readVariable(option);
  if (variable !== undefined) return variable;

  return findBaseUrl(option, envConfig.patterns, "--base-url", configFileText(envConfig));
}

/** Copies what an app has in place of the package: one module, and its types. */
function copyClient(world: World, folder: string): CommandFault | undefined {
  for (const extension of [".js", ".d.ts"]) {
    const name = STANDALONE + extension;
    const built = join(PACKAGE_ROOT, "dist/client", name);
    if (!existsSync(built)) return { fault: `${built} is missing. Make it first: npm run build` };

    const module = readFileSync(built, "utf8");
    const [firstLine = ""] = module.split("\n", 1);
    const isOurs = (text: string) => text.startsWith(firstLine);

    const copy = join(folder, name);
    const fault = writeOwnFile(world.folder, copy, module, isOurs);
    if (fault !== undefined) return { fault: `${copy}: ${fault}` };
  }
  return undefined;
}
