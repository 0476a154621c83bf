// The token of a visitor, with which a command may look at a route that only tokens open. It is taken as every other secret
// is: from a file, from stdin or from the environment, and never as an argument, which a shell would keep in its history.
// It is never printed: a name of a file that is not there may be a token, too, such as `--token "Bearer eyJ…"`.

import { resolve } from "node:path";
import { type CommandFault, isFault, type World } from "../command.ts";
import { readText } from "./secrets.ts";

const VARIABLE = "VITRINE_TOKEN";

/** The Worker refuses a longer one unread: characters. */
const MAX_LENGTH = 8_191;

/** Three parts in base64url: the beginning of the first one is `{"` in nearly every token. */
const TOKEN = /^eyJ[\w-]*\.[\w-]*\./;

/** Parts in base64url between dots, wherever they stand; the scheme of a header; a long text without dots. */
const LIKE_TOKEN = /[\w-]\.[\w-]*\.|^bearer\b|[\w-]{40}/i;

/** A message repeats no more of a file's name: characters. */
const MAX_NAME_LENGTH = 100;

/** A token in any text: a header, which begins with `{`, claims and a signature. */
const TOKEN_INSIDE = /(?<![\w-])e[wy][\w-]{13,}\.[\w-]{10,}\.[\w-]*/g;

/**
 * Takes the tokens out of a message. A shell makes two arguments of `--token Bearer eyJ…`, and the second one is refused as
 * a URL, as an object, or as one too many.
 */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN_INSIDE, "…");
}

const ADVICE = `write no token into a command, which the shell keeps. Put it into ${VARIABLE} or into a file, or give it on stdin: --token -`;

/**
 * Reads the token: of `--token`, else of the environment.
 * @param file `-` is stdin
 * @returns undefined: none is at hand
 */
export async function readVisitorToken(
  world: World,
  file: string | undefined,
): Promise<string | undefined | CommandFault> {
  if (file === undefined) {
    const value = world.env[VARIABLE]?.trim();
    if (value === undefined || value === "") return undefined;
    return checkForm(value, VARIABLE);
  }

  if (TOKEN.test(file)) return { fault: `--token: ${ADVICE}` };

  const text = file === "-" ? await readStdin(world) : readFile(world, file);
  if (isFault(text)) return text;
  return checkForm(text.trim(), `--token ${shortName(file)}`);
}

function shortName(file: string): string {
  return file.length > MAX_NAME_LENGTH ? `${file.slice(0, MAX_NAME_LENGTH)}…` : file;
}

/** A header can have it, and it does not end the line. */
function checkForm(token: string, source: string): string | CommandFault {
  if (token === "") return { fault: `${source} has no token` };
  if (token.length > MAX_LENGTH) {
    return { fault: `${source} has more than ${MAX_LENGTH} characters: the Worker refuses that` };
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return { fault: `${source} has more than a token: write it alone, without "Bearer"` };
  }
  return token;
}

function readFile({ folder }: World, file: string): string | CommandFault {
  try {
    return readText(resolve(folder, file));
  } catch (error) {
    const mayBeToken = file.length > MAX_NAME_LENGTH || LIKE_TOKEN.test(file);
    if (mayBeToken) {
      return { fault: `--token: no file of that name can be read. If it is a token: ${ADVICE}` };
    }

    const reason = error instanceof Error ? error.message : `${error}`;
    return { fault: `--token ${file}: ${reason}` };
  }
}

async function readStdin({ stdin }: World): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;

    // Whatever follows, it is no token.
    if (length > 2 * MAX_LENGTH) break;
  }
  return Buffer.concat(chunks).toString();
}
