// Checks what opens a route with `token`: the keys of each issuer, the issuer's name letter by letter, and that nothing but
// a token opens it. What answers at an issuer's address is not trusted: a remedy has none of its words but an address of
// the same host, or one that the operator is told to compare.

import { replacedIssuerOf } from "../config/local-issuer.ts";
import type { ProjectSite } from "../config/project.ts";
import { sourceOfVariable } from "../config/project.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { error, type Finding, note, ok, RUN_AGAIN, type Subject, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";
import type { IssuerSeen, KeySeen } from "./observe-issuers.ts";
import { isPicture, type TokenRouteSeen } from "./observe-site.ts";

/** The Worker waits no longer for the keys: s. */
const WORKER_PATIENCE_S = 2;

/** Whether the keys of an issuer can be had, and whether its name is right. */
export function checkIssuers({ issuers, project }: Observations): Finding[] {
  const file = sourceOfVariable(project, "ROUTES");
  return issuers.flatMap((issuerSeen) => [
    ...checkKeys(issuerSeen, file),
    ...checkDocument(issuerSeen, file),
  ]);
}

function subjectOf({ issuer }: IssuerSeen): Subject {
  return { about: `issuer ${issuer}` };
}

/** @param file what has the settings of the route */
function checkKeys(issuerSeen: IssuerSeen, file: string): Finding[] {
  const { keysUrl, keys, paths } = issuerSeen;
  const subject = subjectOf(issuerSeen);
  const page = "docs/errors.md#token-keys-failed";
  const setting = `${keysOf(issuerSeen)} of ${file}`;
  const impact = `no token of this issuer opens ${paths.join(", ")}, unless an isolate of the Worker still has older keys`;
  const wait = `wait a minute, ${RUN_AGAIN}, and see the issuer's status page. If it stays, compare ${setting} with the issuer's page`;
  const fix = `correct ${setting}: it must be the URL of the issuer's key set. See ${page}`;

  switch (keys.kind) {
    case "no-answer": {
      const seen = `its keys at ${keysUrl} cannot be had: ${keys.reason}`;
      return [error("token", subject, { seen, impact, remedy: wait })];
    }
    case "refused": {
      const { status, location } = keys;
      if (location !== undefined) {
        const seen = `${keysUrl} redirects (${status}) to ${location.slice(0, 200)}, and the Worker follows no redirect`;
        const remedy = `if that is the issuer's, write it into ${setting}. See ${page}`;
        return [error("token", subject, { seen, impact, remedy, needsDeploy: true })];
      }
      const isPassing = status === 429 || status >= 500;
      const seen = `${keysUrl} answers ${status}, and not with keys`;
      const remedy = isPassing ? wait : fix;
      return [error("token", subject, { seen, impact, remedy, needsDeploy: !isPassing })];
    }
    case "too-large": {
      const seen = `${keysUrl} has more than 64 KB, which the Worker does not read`;
      return [error("token", subject, { seen, impact, remedy: fix, needsDeploy: true })];
    }
    case "no-key-set": {
      const seen = `${keysUrl} answers 200, and has no key set: JSON with a list "keys" of objects`;
      return [error("token", subject, { seen, impact, remedy: fix, needsDeploy: true })];
    }
    case "keys":
      return judgeKeys(issuerSeen, keys.keys, keys.seconds, impact);
    default:
      return keys satisfies never;
  }
}

function keysOf({ tables }: IssuerSeen): string {
  return tables.map((table) => `${table}.keys`).join(" and ");
}

function judgeKeys(
  issuerSeen: IssuerSeen,
  keys: readonly KeySeen[],
  seconds: number,
  impact: string,
): Finding[] {
  const { keysUrl } = issuerSeen;
  const subject = subjectOf(issuerSeen);
  const usable = keys.filter(({ fault }) => fault === undefined);
  const useless = keys.flatMap((key) =>
    key.fault === undefined ? [] : [`${nameOf(key)} ${key.fault}`],
  );
  if (usable.length === 0) {
    const reason = useless.length === 0 ? "it has none" : useless.join("; ");
    return [
      error("token", subject, {
        seen: `${keysUrl} has no key by which the Worker can check a token: ${reason.slice(0, 600)}`,
        impact,
        remedy:
          "at the issuer, have tokens signed by RS256, PS256, ES256 or EdDSA, with an RSA key of 2,048 bits or more. See docs/errors.md#token-keys-failed",
      }),
    ];
  }

  const findings = [
    ok("token", subject, `its keys: ${usable.map((key) => nameOf(key)).join(", ")}`),
  ];
  if (useless.length > 0) {
    const text = `keys that the Worker leaves out: ${useless.join("; ").slice(0, 600)}`;
    findings.push(note("token", subject, text));
  }

  // The library takes a key without a name only for a token that names none, and only if one key alone fits.
  const nameless = usable.filter(({ kid }) => kid === undefined);
  if (nameless.length > 0 && usable.length > 1) {
    findings.push(
      warning("token", subject, {
        seen: `${keysUrl} has ${nameless.length} of ${usable.length} keys without kid`,
        impact:
          "a token that names a key does not find them, and one that names none is refused where two keys fit",
        remedy: "at the issuer, give each key a kid, and let tokens name it",
      }),
    );
  }

  if (seconds > WORKER_PATIENCE_S) {
    findings.push(
      warning("token", subject, {
        seen: `${keysUrl} took ${seconds.toFixed(1)} s to answer, from here`,
        impact: `the Worker waits ${WORKER_PATIENCE_S} s, and then answers 502 (token-keys-failed) if it has no older keys`,
        remedy: `see the issuer's status page, ${RUN_AGAIN}`,
      }),
    );
  }
  return findings;
}

/** `RS256 "abc"`. */
function nameOf({ kid, label }: KeySeen): string {
  const name = kid === undefined ? "without kid" : JSON.stringify(kid.slice(0, 60));
  return `${label.slice(0, 20)} ${name}`;
}

/** Whether the issuer calls itself as the configuration does. Tokens have its own spelling, and one slash is enough. */
function checkDocument(issuerSeen: IssuerSeen, file: string): Finding[] {
  const { issuer, keysUrl, tables, paths, document } = issuerSeen;
  const subject = subjectOf(issuerSeen);
  // The issuer of the local run stands for another one, and has no document.
  if (replacedIssuerOf(issuer) !== undefined) return [];

  if (document.kind === "no-document" || document.issuer === undefined) {
    const text =
      "it has no discovery document with its name, so nobody compared how it spells its name: npx vitrine explain URL --token - does, with a token";
    return [note("token", subject, text)];
  }

  const findings: Finding[] = [];
  const { url, issuer: name } = document;
  if (name !== issuer) {
    const isSlash = name === `${issuer}/` || issuer === `${name}/`;
    const difference = isSlash ? ": one of them has a slash at its end" : "";
    const places = tables.join(" and ");
    const isOfHost = URL.parse(name)?.host === new URL(issuer).host;
    const value = JSON.stringify(name.slice(0, 200));
    findings.push(
      error("token", subject, {
        seen: `${url} says that the issuer is ${value}, and ${file} says ${JSON.stringify(issuer)}${difference}`,
        impact: `iss of a token is compared letter by letter, so no token of this issuer opens ${paths.join(", ")}`,
        remedy: isOfHost
          ? `set issuer = ${value} in ${places} of ${file}`
          : `compare issuer in ${places} of ${file} with iss of a token: npx vitrine explain URL --token -`,
        needsDeploy: true,
      }),
    );
  }

  const { keysUrl: namedUrl } = document;
  const isOtherUrl = namedUrl !== undefined && URL.parse(namedUrl)?.href !== new URL(keysUrl).href;
  if (isOtherUrl) {
    findings.push(
      warning("token", subject, {
        seen: `${url} says that the keys are at ${namedUrl.slice(0, 200)}, and ${file} says ${keysUrl}`,
        impact: "a new key of the issuer may never be there: then its tokens open nothing",
        remedy: `if that is the issuer's, write it into ${keysOf(issuerSeen)} of ${file}`,
        needsDeploy: true,
      }),
    );
  }
  if (findings.length > 0) return findings;
  return [ok("token", subject, "its name and the URL of its keys are those of its own document")];
}

/** Whether nothing but a token opens a route: what the site answered to somebody without one. */
export function checkTokenRoutes({ site, project }: Observations): Finding[] {
  if (site === undefined) return [];
  return site.tokenRoutes.flatMap((seen) => checkTokenRoute(seen, site.baseUrl, project));
}

const OTHER_CONFIGURATION =
  "npx vitrine deploy, if wrangler.toml is not deployed. Else make sure that no rule, snippet or other Worker is in front of this Worker (Security → Events in the dashboard)";

function checkTokenRoute(
  { route, path, result, event }: TokenRouteSeen,
  baseUrl: string,
  { isLocalRun }: Pick<ProjectSite, "isLocalRun">,
): Finding[] {
  const subject = { about: baseUrl + path };
  if (isPicture(result)) {
    return [
      error("token", subject, {
        seen: "it is a picture for somebody without a token",
        impact: `everybody sees the pictures of ${route.path}`,
        remedy: OTHER_CONFIGURATION,
      }),
    ];
  }
  if (isNoAnswer(result)) {
    const text = `whether only a token opens ${route.path} is unknown: no answer (${result.reason})`;
    return [note("token", subject, text)];
  }

  const { status, headers } = result;
  if (status !== 404 || !isOfVitrine(headers)) {
    const text = `whether only a token opens ${route.path} is unknown: without one it answers ${status}`;
    return [note("token", subject, text)];
  }
  if (event !== undefined && event !== "token-refused") {
    return [
      warning("token", subject, {
        seen: `without a token the Worker answers ${event}, and not token-refused: it has another configuration`,
        impact: `whether only a token opens ${route.path} is unknown`,
        remedy: isLocalRun ? "start npx vitrine dev again" : OTHER_CONFIGURATION,
      }),
    ];
  }

  const missing = missingHeaders(route, headers);
  if (missing.length > 0) {
    return [
      error("token", subject, {
        seen: `without a token it is 404, and lacks ${missing.join(" and ")}`,
        impact:
          "a browser or a cache may show a picture to the next user of the same browser, or after a logout",
        remedy: OTHER_CONFIGURATION,
      }),
    ];
  }
  return [ok("token", subject, "without a token it is 404, and nothing keeps that")];
}

/** What an answer of a route with `token` must have, and does not. */
function missingHeaders({ tokenRules = [] }: TokenRouteSeen["route"], headers: Headers): string[] {
  const names = (headers.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase());
  const needed = ["authorization"];
  if (tokenRules.some(({ cookie }) => cookie !== undefined)) needed.push("cookie");

  const missing = needed.filter((name) => !names.includes(name)).map((name) => `vary: ${name}`);
  const isKept = !/\bno-store\b/.test(headers.get("cache-control") ?? "");
  return isKept ? [...missing, "cache-control: no-store"] : missing;
}
