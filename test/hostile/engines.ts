// The engines with which a Worker is attacked, and what of the configuration each of them needs.

import { EC_KEY } from "../support/issuer.ts";

/**
 * `cf`: the edge fetches the object. Else the Worker does: from S3, from R2, or with session credentials of a
 * role.
 */
export const ENGINES = ["cf", "binding", "r2", "role"] as const;

export type Engine = (typeof ENGINES)[number];

export function isEngine(name: string): name is Engine {
  return ENGINES.some((engine) => engine === name);
}

/** What is drawn on one variant, except by the edge. */
export const MARK = { key: "marks/one & only.png", opacity: 0.5, top: 3 };

export const ROLE = "arn:aws:iam::123456789012:role/acme-reader";

/** What STS gives for the role. */
export const SESSION = {
  accessKeyId: "ASIAQYLPMN5HHHFPTYRL",
  secretAccessKey: "r0le/secret".repeat(4),
  sessionToken: "FwoGZXIvYXdzEBYaDHqa0AP1/a/token/of/the/role",
};

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
      const { bucket: own, prefix } = bucket;
      return { binding: R2[name], bucket: own, ...(prefix ? { prefix } : {}) };
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
  const own = engine === "role" ? { OIDC, OIDC_SIGNING_KEY: EC_KEY } : {};
  return { ...vars, ...own, BUCKETS, ROUTES, PRESETS };
}

function isVars(vars: object): vars is Vars {
  return "BUCKETS" in vars && "ROUTES" in vars && "PRESETS" in vars;
}

function mapped(tables: Readonly<Record<string, Table>>, map: (one: Table, name: string) => Table) {
  return Object.fromEntries(Object.entries(tables).map(([name, one]) => [name, map(one, name)]));
}
