// Asks at the terminal for what the flags leave out.

import type { World } from "../command.ts";
import { askOne, askText, askYes, type Cancelled } from "../terminal/prompts.ts";
import { findProvider, PROVIDERS, type Provider } from "./providers.ts";
import { type Answers, type Flag, readAnswers } from "./read-answers.ts";

type Question = {
  readonly flag: Flag;
  readonly message: string;
  readonly fallback?: string;
};

/**
 * @param given no mistake is in it
 * @param name the name of the Worker, unless another one is given
 */
export async function askAnswers(
  world: World,
  given: Answers,
  name: string,
): Promise<Answers | Cancelled> {
  const choices = Object.entries<Provider>(PROVIDERS).map(([value, { label }]) => ({
    value,
    label,
  }));
  const provider = given.provider ?? (await askOne(world, "Who keeps the bucket?", choices));
  if (provider === "cancelled") return provider;
  let answers: Answers = { ...given, provider };
  for (const { flag, ...question } of questionsAbout(findProvider(provider), name)) {
    if (answers[flag] !== undefined) continue;
    const known = answers;
    const fault = (answer: string) => faultOf(flag, { ...known, [flag]: answer || undefined });
    const answer = await askText(world, { ...question, fault });
    if (answer === "cancelled") return answer;
    answers = { ...known, [flag]: answer };
  }
  const store = given.jurisdiction === undefined ? given.store : true;
  const isStoring = store ?? (await askYes(world, STORE));
  return isStoring === "cancelled" ? isStoring : { ...answers, store: isStoring };
}

const STORE = "Keep every rendition in an R2 bucket, so that each is made and billed once?";

function questionsAbout(provider: Provider | undefined, name: string): readonly Question[] {
  const { needs = [], asks = [], region = "", endpoint = "" } = provider ?? {};
  const own = {
    endpoint: { message: `Its S3 endpoint, such as ${endpoint}` },
    region: { message: "Its region", fallback: region },
  };
  return [
    { flag: "bucket", message: "The name of the bucket, such as acme-media" },
    ...[...needs, ...asks].map((flag) => ({ flag, ...own[flag] })),
    {
      flag: "prefix",
      message: "The part of the bucket to show, such as published/, or nothing for all of it",
    },
    {
      flag: "domain",
      message: "The domain to show it on, such as images.example.com, or nothing for now",
    },
    { flag: "name", message: "The name of the Worker", fallback: name },
  ];
}

/** What is wrong with one of the answers, whatever else is missing. */
function faultOf(flag: Flag, answers: Answers): string | undefined {
  const read = readAnswers(answers);
  if (!("mistakes" in read)) return undefined;
  return read.mistakes.find((mistake) => mistake.flag === flag)?.message;
}
