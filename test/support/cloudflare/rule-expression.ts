// The part of Cloudflare's rules language that custom rules about paths and hosts need: it reads an expression as the API
// does, and says whether a request matches it. What it does not know is refused, as the API refuses what it cannot read.

/** The fields of a request that expressions may name. */
export type RuleRequest = Readonly<Record<string, string>>;

/** Returns whether a request matches. */
type Matches = (request: RuleRequest) => boolean;

/** The API refuses the expression. Its text is what the API says. */
type ParseFault = { readonly kind: "fault"; readonly message: string };
type Parsed = { readonly kind: "expression"; readonly matches: Matches } | ParseFault;

/** The longest expression that the API takes. */
const MAX_CHARACTERS = 4096;

const FIELDS = [
  "http.host",
  "http.request.uri.path",
  "http.request.uri",
  "http.request.uri.query",
  "http.request.method",
  "http.user_agent",
  "ip.src",
  "ip.src.country",
];

type Text = (request: RuleRequest) => string;

/** Texts of functions that change a text. `options` are those of `url_decode`. */
const CHANGES: Readonly<Record<string, (text: string, options: string) => string>> = {
  lower: (text) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
  upper: (text) => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase()),
  url_decode: (text, options) => decode(text, options.includes("r")),
};

const TESTS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  starts_with: (text, part) => text.startsWith(part),
  ends_with: (text, part) => text.endsWith(part),
};

const COMPARISONS: Readonly<Record<string, (text: string, value: string) => boolean>> = {
  eq: (text, value) => text === value,
  "==": (text, value) => text === value,
  ne: (text, value) => text !== value,
  "!=": (text, value) => text !== value,
  contains: (text, value) => text.includes(value),
  wildcard: (text, value) => wildcard(value, "is").test(text),
};

/** `+` is a space, and each byte that is encoded becomes a character. */
function decode(text: string, isRecursive: boolean): string {
  const decoded = text
    .replaceAll("+", " ")
    .replaceAll(/%(?<byte>[\da-f]{2})/gi, (_all, byte: string) =>
      String.fromCharCode(Number.parseInt(byte, 16)),
    );
  return isRecursive && decoded !== text ? decode(decoded, true) : decoded;
}

function wildcard(pattern: string, flags: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[^\w]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, flags);
}

/** Reads an expression. @returns what the API says if it cannot be read */
export function parseExpression(expression: string): Parsed {
  if (expression.trim() === "") return fault("the expression cannot be blank");
  if (expression.length > MAX_CHARACTERS) {
    return fault(`the expression cannot be longer than ${MAX_CHARACTERS} characters`);
  }

  try {
    const reader = new Reader(expression);
    const matches = readOr(reader);
    if (!reader.isAtEnd()) throw reader.faultHere("unrecognized input");
    return { kind: "expression", matches };
  } catch (error) {
    if (error instanceof SyntaxError) return fault(error.message);
    throw error;
  }
}

const fault = (message: string): ParseFault => ({ kind: "fault", message });

const TOKEN =
  /\s*(?<token>r?"(?:[^"\\]|\\.)*"|&&|\|\||\^\^|==|!=|[(){},!]|[\w.]+(?::[\w:]*|\/\d+)?)/y;

/** Reads the tokens of an expression, one after the other. */
class Reader {
  #position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): string {
    TOKEN.lastIndex = this.#position;
    return TOKEN.exec(this.#text)?.groups?.["token"] ?? "";
  }

  /** @throws at the end, and where no token begins */
  next(): string {
    const token = this.peek();
    if (token === "") throw this.faultHere("unexpected end of input, or an unknown character");
    this.#position = TOKEN.lastIndex;
    return token;
  }

  /** Takes the next token, if it is one of these. */
  take(...tokens: readonly string[]): boolean {
    if (!tokens.includes(this.peek())) return false;
    this.next();
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) throw this.faultHere(`expected “${token}”`);
  }

  isAtEnd(): boolean {
    return this.#text.slice(this.#position).trim() === "";
  }

  faultHere(message: string): SyntaxError {
    const column = this.#position + 1;
    return new SyntaxError(
      `could not parse filter expression: Filter parsing error (1:${column}): ${message}`,
    );
  }
}

// `not` binds closest, then `and`, `xor`, and `or`.

function readOr(reader: Reader): Matches {
  let left = readXor(reader);
  while (reader.take("or", "||")) {
    const [first, second] = [left, readXor(reader)];
    left = (request) => first(request) || second(request);
  }
  return left;
}

function readXor(reader: Reader): Matches {
  let left = readAnd(reader);
  while (reader.take("xor", "^^")) {
    const [first, second] = [left, readAnd(reader)];
    left = (request) => first(request) !== second(request);
  }
  return left;
}

function readAnd(reader: Reader): Matches {
  let left = readNot(reader);
  while (reader.take("and", "&&")) {
    const [first, second] = [left, readNot(reader)];
    left = (request) => first(request) && second(request);
  }
  return left;
}

function readNot(reader: Reader): Matches {
  if (!reader.take("not", "!")) return readComparison(reader);
  const negated = readNot(reader);
  return (request) => !negated(request);
}

function readComparison(reader: Reader): Matches {
  if (reader.take("(")) {
    const inner = readOr(reader);
    reader.expect(")");
    return inner;
  }
  if (reader.take("true")) return () => true;
  if (reader.take("false")) return () => false;

  const test = TESTS[reader.peek()];
  if (test !== undefined) {
    reader.next();
    reader.expect("(");
    const text = readText(reader);
    reader.expect(",");

    const part = readString(reader);
    reader.expect(")");

    return (request) => test(text(request), part);
  }

  const text = readText(reader);
  if (reader.take("in")) {
    const values = readSet(reader);
    return (request) => values.includes(text(request));
  }

  const compare = COMPARISONS[reader.next()];
  if (compare === undefined) throw reader.faultHere("expected a comparison operator");

  const value = readValue(reader);
  return (request) => compare(text(request), value);
}

/** A field, or a function that changes one: its first argument is never a literal. */
function readText(reader: Reader): Text {
  const name = reader.next();
  const change = CHANGES[name];
  if (change === undefined) {
    if (!FIELDS.includes(name)) throw reader.faultHere(`unknown identifier ${name}`);
    return (request) => request[name] ?? "";
  }

  reader.expect("(");
  const text = readText(reader);
  const hasOptions = name === "url_decode" && reader.take(",");
  const options = hasOptions ? readString(reader) : "";

  reader.expect(")");
  return (request) => change(text(request), options);
}

function readString(reader: Reader): string {
  const token = reader.next();
  if (/^r"/.test(token)) return token.slice(2, -1);
  if (!token.startsWith('"')) throw reader.faultHere("expected a quoted text");
  return token.slice(1, -1).replaceAll(/\\(?<character>.)/g, "$<character>");
}

/** A quoted text, a number, or an address. */
function readValue(reader: Reader): string {
  return /^r?"/.test(reader.peek()) ? readString(reader) : reader.next();
}

/** Values with spaces between them: the language knows no commas there. */
function readSet(reader: Reader): string[] {
  reader.expect("{");
  const values: string[] = [];

  while (!reader.take("}")) {
    if (reader.peek() === ",") throw reader.faultHere("a set has no commas");
    values.push(readValue(reader));
  }

  return values;
}
