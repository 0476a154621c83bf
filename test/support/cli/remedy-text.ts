// Reads a remedy of the doctor as an operator does who takes each word as it stands: which part of it applies here, and what
// there is to do. Nothing is done but what the text says: names, values, commands and policies are taken out of it.

/** What the doctor says in JSON. */
export type Finding = {
  readonly check: string;
  readonly severity: "ok" | "note" | "warning" | "error";
  readonly about: string;
  readonly bucket?: string;
  readonly seen: string;
  readonly impact?: string;
  readonly remedy?: string;
};

export function isProblem({ severity }: Pick<Finding, "severity">): boolean {
  return severity === "error" || severity === "warning";
}

export type Action =
  /** Changes a setting of a bucket in wrangler.toml. Without a value: to what is right. */
  | {
      readonly kind: "set";
      readonly bucket: string;
      readonly setting: string;
      readonly value?: string;
      /** The settings of which this is one: the text leaves open which is wrong. */
      readonly choice: readonly string[];
      /** Whether it is another way than the one that the text has before. */
      readonly isOther: boolean;
    }
  | {
      readonly kind: "deploy";
      readonly environment: string | undefined;
      readonly file: string | undefined;
    }
  | {
      readonly kind: "put-secret" | "delete-secret";
      readonly name: string | undefined;
      readonly environment: string | undefined;
    }
  /** Adds a statement to the policy of the Worker's key, or makes it the whole policy. */
  | { readonly kind: "grant"; readonly statement: Statement; readonly isWhole: boolean }
  | { readonly kind: "trust"; readonly issuer: string; readonly conditions: Conditions }
  /** Something else: what the text says, and what it does. */
  | { readonly kind: "hand"; readonly text: string; readonly act: () => void };

export type Statement = {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
};

/** What is done by hand, or by a command of others, where a text has these words. */
export type Hand = readonly [text: RegExp, act: (match: RegExpExecArray) => void];

/** What an operator sees who looks where a text has them look. */
export type Situation = {
  /** Whether a setting of a bucket in wrangler.toml is right. */
  readonly isRight: (bucket: string, setting: string) => boolean;
  readonly endpoint: () => string;
  /** Whether the object that the text is about is in the bucket. */
  readonly isObjectThere: () => boolean;
  /** Whether the key that the text is about is the one that was made for the bucket. */
  readonly isOwnKey: () => boolean;
  readonly isStoreThere: () => boolean;
  /** Whether what is deployed is what wrangler.toml has. */
  readonly isDeployed: () => boolean;
  readonly isCacheOn: () => boolean;
  /** Whether the operator has a token with which the command before `By hand` sets the zone. */
  readonly hasZoneToken: () => boolean;
};

type Conditions = Readonly<Record<string, string>>;
type Groups = { readonly [name: string]: string | undefined };

/**
 * The part of a text that applies: an operator looks whether a condition is true, and leaves out what is not for them.
 * A condition that nobody can judge counts as true.
 */
function applicablePart(text: string, situation: Situation): string {
  const parts: string[] = [];
  let question: boolean | undefined;
  let applies = true;
  let before = "";

  for (const clause of chooseCorrection(text, situation).split(/(?<=[.;:]) |, and (?=if )/)) {
    const answer = answerOf(clause, before, situation, question);
    before = clause;

    if (answer !== undefined) applies = answer;

    if (!applies && answer === undefined) continue;

    const newQuestion = questionIn(clause, situation);
    if (newQuestion !== undefined) question = applies ? newQuestion : undefined;
    if (applies) parts.push(withoutLateCondition(clause, situation));
  }

  return parts.join(" ");
}

/** `if canary or prefix in … is misspelt, correct that, and npx vitrine deploy, or upload it`: one of both ways. */
function chooseCorrection(text: string, { isRight }: Situation): string {
  const choice = new RegExp(
    `if (?<list>${LIST}) in (?<table>BUCKETS\\.(?<bucket>\\w+)[^,]*) is misspelt, correct that, and (?<deploy>npx [^,.]*)(?<rest>, or |\\. Else )?`,
    "g",
  );

  return text.replace(choice, (...match) => {
    const { list = "", table, bucket = "", deploy, rest = "" }: Groups = match.at(-1);
    const names = settingsOf(list).filter((setting) => !isRight(bucket, setting));
    if (names.length === 0) return "";
    const otherWay = rest === "" ? "" : "; if it is not misspelt, ";
    return `correct ${names.join(" and ")} in ${table}, and ${deploy}${otherWay}`;
  });
}

/** What a clause has an operator look at, and what they see. */
function questionIn(clause: string, situation: Situation): boolean | undefined {
  if (/look whether (?:it|the canary) is there/.test(clause)) return situation.isObjectThere();
  if (/whether its bucket is there/.test(clause)) return situation.isStoreThere();
  if (/make sure that \S+ (?:in \S+ |of the Worker )?is the key of this bucket/.test(clause)) {
    return situation.isOwnKey();
  }
  return undefined;
}

/** Whether a clause applies that begins with a condition; undefined: it goes on with the clause before it. */
function answerOf(
  clause: string,
  before: string,
  situation: Situation,
  question: boolean | undefined,
) {
  if (/^if it is not misspelt,/.test(clause)) return false;
  if (/^By hand:/.test(clause)) return !situation.hasZoneToken();
  if (/^if (?:not|it is not),/i.test(clause)) return question === false;
  if (/^If it is(?: there)?,/.test(clause)) return question === true;
  if (/^then /.test(clause)) return question === true;
  if (/^Then |^See /.test(clause)) return true;

  const { condition } = /^(?:Only )?if (?<condition>[^,]*), /i.exec(clause)?.groups ?? {};
  if (condition !== undefined) return holds(condition, before + clause, situation);

  return /^(?:Else|Or)\b|^[A-Z]/.test(clause) ? true : undefined;
}

/** `npx vitrine deploy if wrangler.toml has changed`: what is before such a condition goes if that is false. */
function withoutLateCondition(clause: string, situation: Situation): string {
  const late = /,? if (?<condition>[^,.;:]*)/.exec(clause);
  const { condition } = late?.groups ?? {};
  if (late === null || late.index === 0 || condition === undefined) return clause;
  return holds(condition, clause, situation) ? clause : clause.slice(late.index + late[0].length);
}

/** Whether what a text supposes is so. */
function holds(condition: string, clause: string, situation: Situation): boolean {
  if (/\[cache\]/.test(condition)) return !situation.isCacheOn();
  if (/wrangler\.toml (?:has|is)|has changed|are new/.test(condition)) {
    return !situation.isDeployed();
  }
  if (/the Worker's key of this bucket/.test(condition)) return situation.isOwnKey();

  const { part } = /^that has (?<part>\S+)$/.exec(condition)?.groups ?? {};
  const [, setting = ""] = SETTING.exec(clause) ?? [];
  if (part !== undefined) return situation.endpoint().includes(part);
  if (clause.includes(".dev.vars")) return true; // its buckets are the only ones that are wrong there

  const isAboutValue = /misspelt|is wrong|another name|differs|is not right/.test(condition);
  return isAboutValue ? !situation.isRight(bucketIn(clause), setting) : true;
}

const NAMES =
  "endpoint|region|bucket|prefix|canary|addressing|source_parameter|engine|credentials|role|sts";
const SETTING = new RegExp(`(?:BUCKETS\\.\\w+\\.)?\\b(${NAMES})\\b`);
const LIST = `(?:BUCKETS\\.\\w+\\.)?(?:${NAMES})\\b(?:(?:, | or | and )(?:BUCKETS\\.\\w+\\.)?(?:${NAMES})\\b)*`;
/** `set region = "eu-west-1"`. */
const ASSIGNMENT = new RegExp(`\\b(?:BUCKETS\\.(\\w+)\\.)?(${NAMES}) = ("[^"]*"|\\w+)`, "g");
/** `correct canary, prefix or bucket`. */
const CORRECTION = new RegExp(
  `(?<!not )\\b(?<verb>correct|change|fix|set|replace|compare) (?:its |the |another )?(?<list>${LIST})(?! =)`,
  "gi",
);

/** The settings that a list names. */
function settingsOf(list: string): string[] {
  return [...list.matchAll(new RegExp(SETTING, "g"))].map(([, setting = ""]) => setting);
}

const bucketIn = (text: string) => /BUCKETS\.(\w+)/.exec(text)?.[1] ?? "media";

const ENV = '(?: --env (?<environment>""|\\w+))?';
// Where the doctor cannot know the name, it writes NAME.
const SECRET = "(?: (?:NAME\\b|(?<name>[A-Z][A-Z0-9_]+)))?";

/** Commands, as a shell would get them. */
const COMMANDS: readonly (readonly [RegExp, (groups: Groups) => Action])[] = [
  [
    new RegExp(`npx vitrine deploy${ENV}(?: --secrets-file (?<file>[\\w-]+\\.env|FILE))?`, "g"),
    ({ environment, file }) => ({ kind: "deploy", environment, file }),
  ],
  [
    new RegExp(`npx wrangler secret put${ENV}${SECRET}`, "g"),
    ({ environment, name }) => ({ kind: "put-secret", environment, name }),
  ],
  [
    new RegExp(`npx wrangler secret delete${ENV}${SECRET}`, "g"),
    ({ environment, name }) => ({ kind: "delete-secret", environment, name }),
  ],
];

/** Everything that a text has its reader do, in its order. */
export function actionsIn(
  remedy: string,
  situation: Situation,
  hands: readonly Hand[] = [],
): Action[] {
  const text = applicablePart(remedy, situation);
  const actions: [number, Action][] = settingsIn(text, situation);

  for (const [pattern, read] of COMMANDS) {
    for (const match of text.matchAll(pattern)) {
      actions.push([match.index, read(match.groups ?? {})]);
    }
  }

  for (const match of text.matchAll(/\{"Version".*?\]\}/g)) {
    for (const action of readPolicy(match[0])) actions.push([match.index, action]);
  }

  for (const match of text.matchAll(/(s3:[\w*]+) on (arn:aws:s3:::[\w./*-]*[\w/*])/g)) {
    const [, name = "", resource = ""] = match;
    const statement = { actions: [name], resources: [resource] };
    const isWhole = /needs only|may only/.test(text);
    actions.push([match.index, { kind: "grant", statement, isWhole }]);
  }

  for (const [pattern, act] of hands) {
    const match = pattern.exec(text);
    if (match === null) continue;
    actions.push([match.index, { kind: "hand", text: match[0], act: () => act(match) }]);
  }

  return actions.toSorted(([a], [b]) => a - b).map(([, action]) => action);
}

/** The settings of wrangler.toml that a text changes. Those of .dev.vars are changed there. */
function settingsIn(text: string, situation: Situation): [number, Action][] {
  if (text.includes(".dev.vars") && !text.includes("wrangler.toml")) return [];

  const actions: [number, Action][] = [];
  for (const match of text.matchAll(ASSIGNMENT)) {
    const [, bucket = bucketIn(text), setting = "", written = ""] = match;
    const value = written.replaceAll('"', "");
    const isOther = isAfterOr(text, match.index);
    const choice = [setting];
    actions.push([match.index, { kind: "set", bucket, setting, value, choice, isOther }]);
  }

  for (const match of text.matchAll(CORRECTION)) {
    const { verb, list = "" } = match.groups ?? {};
    const names = settingsOf(list);
    const bucket = bucketIn(text.slice(match.index)) || bucketIn(text);

    for (const setting of names) {
      // Whoever compares what is right changes nothing.
      if (verb === "compare" && situation.isRight(bucket, setting)) continue;
      const choice = list.includes(" or ") ? names : [setting];
      const isOther = isAfterOr(text, match.index);
      actions.push([match.index, { kind: "set", bucket, setting, choice, isOther }]);
    }
  }

  return actions;
}

const isAfterOr = (text: string, index: number) => /\bor $/.test(text.slice(0, index));

function readPolicy(json: string): Action[] {
  const { Statement: statements } = JSON.parse(json);
  return [statements].flat().map((statement): Action => {
    const { Action: action, Resource, Condition, Principal } = statement;
    const federated = Principal?.Federated;
    if (federated !== undefined) {
      const issuer = `https://${federated.replace(/^.*oidc-provider\//, "")}`;
      return { kind: "trust", issuer, conditions: Condition.StringEquals };
    }

    const granted = { actions: [action].flat(), resources: [Resource].flat() };
    return { kind: "grant", statement: granted, isWhole: statements.length === 1 };
  });
}
