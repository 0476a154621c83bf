// The engines with which a Worker is attacked, and what of the configuration each of them needs.

import type { Session } from "../../src/emulator/s3/signature.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";
import { EC_KEY } from "../support/issuer.ts";

/**
 * `cf`: the edge fetches the object. Else the Worker does: from S3, from R2, or with session credentials, either
 * of a role or in its slots.
 */
export const ENGINES = ["cf", "binding", "r2", "role", "session"] as const;

export type Engine = (typeof ENGINES)[number];

export function isEngine(name: string): name is Engine {
  return ENGINES.some((engine) => engine === name);
}

/** What is drawn on one variant, except by the edge. */
export const MARK = { key: "marks/one & only.png", opacity: 0.5, top: 3 };

const ROLE = "arn:aws:iam::123456789012:role/acme-reader";

/** What STS gives for the role. */
export const SESSION = {
  accessKeyId: "ASIAQYLPMN5HHHFPTYRL",
  secretAccessKey: "r0le/secret".repeat(4),
  sessionToken: "FwoGZXIvYXdzEBYaDHqa0AP1/a/token/of/the/role",
};

export const TOKENS = [
  "FwoGZXIvYXdzEBYa/the/token/now",
  "FwoGZXIvYXdzEBYa/the/token/next",
] as const;

/** The session credentials that S3 knows, by their key ids. */
export function sessionsOf(engine: Engine): Map<string, Session> {
  const all =
    engine === "role"
      ? [SESSION]
      : engine === "session"
        ? [
            { ...CREDENTIALS, sessionToken: TOKENS[0] },
            { ...NEXT_CREDENTIALS, sessionToken: TOKENS[1] },
          ]
        : [];
  return new Map(
    all.map(({ accessKeyId, ...one }) => [accessKeyId, { ...one, expires: Infinity }]),
  );
}

const OIDC = { issuer: "https://images.example" };

/** The names of the R2 bindings, by bucket. */
const R2: Readonly<Record<string, string>> = {
  media: "MEDIA_BUCKET",
  mine: "MEDIA_BUCKET",
  other: "OTHER_BUCKET",
};

type Table = Readonly<Record<string, unknown>>;
type Vars = Table & {
  readonly BUCKETS: Readonly<Record<string, Table>>;
  readonly ROUTES: readonly Table[];
  readonly PRESETS: Readonly<Record<string, Table>>;
};

/** The same vars with another engine, and without what that engine cannot do. */
export function withEngine(vars: object, engine: Engine): object {
  if (engine === "cf" || !isVars(vars)) return vars;
  const BUCKETS = mapped(vars.BUCKETS, (bucket, name) => {
    if (engine === "r2") {
      const { bucket: r2Bucket, prefix } = bucket;
      return { binding: R2[name], bucket: r2Bucket, ...(prefix ? { prefix } : {}) };
    }
    if (engine === "role") {
      const { credentials: _, ...rest } = bucket;
      return { ...rest, engine: "binding", role: ROLE };
    }
    return { ...bucket, engine: "binding" };
  });
  const PRESETS = mapped(vars.PRESETS, ({ metadata: _, compression: __, ...preset }, name) =>
    name === "light" ? { ...preset, draw: [MARK] } : preset,
  );
  const ROUTES = vars.ROUTES.map(({ svg: _, ...route }) => route);
  return { ...vars, ...secretsOf(engine, vars), BUCKETS, ROUTES, PRESETS };
}

function secretsOf(engine: Engine, vars: Table): Table {
  const [AWS_SESSION_TOKEN, next] = TOKENS;
  const AWS_SESSION_TOKEN_NEXT = vars["AWS_ACCESS_KEY_ID_NEXT"] ? next : "";
  if (engine === "role") return { OIDC, OIDC_SIGNING_KEY: EC_KEY };
  return engine === "session" ? { AWS_SESSION_TOKEN, AWS_SESSION_TOKEN_NEXT } : {};
}

function isVars(vars: object): vars is Vars {
  return "BUCKETS" in vars && "ROUTES" in vars && "PRESETS" in vars;
}

function mapped(tables: Readonly<Record<string, Table>>, map: (one: Table, name: string) => Table) {
  return Object.fromEntries(Object.entries(tables).map(([name, one]) => [name, map(one, name)]));
}
