// Checks what opens a route with `token`: the keys of each issuer, the issuer's name letter by letter, and that nothing but
// a token opens it. What answers at an issuer's address is not trusted: a remedy has none of its words but an address of
// the same host, or one that the operator is told to compare.

import { page } from "../command.ts";
import { replacedIssuerOf } from "../config/local-issuer.ts";
import type { Project } from "../config/project.ts";
import { sourceOfVariable } from "../config/project.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import { settingsFor } from "../wrangler/settings.ts";
import { error, type Finding, note, ok, type Subject, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";
import type { IssuerSeen, KeySeen, KeysSeen } from "./observe-issuers.ts";
import { isPicture, type TokenRouteSeen } from "./observe-site.ts";

/** The Worker waits no longer for the keys: s. */
const WORKER_TIMEOUT_S = 2;

/** Whether the keys of an issuer can be had, and whether its name is right. */
export function checkIssuers({ issuers, project }: Observations): Finding[] {
  return issuers.flatMap((issuerSeen) => [
    ...checkKeys(issuerSeen, project),
    ...checkDocument(issuerSeen, project),
  ]);
}

function subjectOf({ issuer }: IssuerSeen): Subject {
  return { about: `issuer ${issuer}` };
}

function checkKeys(issuerSeen: IssuerSeen, project: Project): Finding[] {
  const { keysUrl, keys, paths } = issuerSeen;
  const impact = `no token of this issuer opens ${paths.join(", ")}, unless an isolate of the Worker still has older keys`;
  if (keys.kind === "keys") return judgeKeys(issuerSeen, keys.keys, keys.seconds, impact);

  const setting = keysSettingOf(issuerSeen, project);
  const subject = subjectOf(issuerSeen);

  const seen = describeNoKeys(keysUrl, keys);

  // In an outage of the issuer, the setting is right.
  if (isOutage(keys)) {
    const finding = error("token", subject, {
      seen,
      impact,
      remedy: `wait a minute, then run the doctor again, and see the issuer's status page. If it stays, compare ${setting} with the issuer's page`,
    });
    return [finding];
  }

  const pageOfEvent = page("docs/errors.md#token-keys-failed");
  const isRedirect = keys.kind === "refused" && keys.location !== undefined;
  const remedy = isRedirect
    ? `if that is the issuer's, write it into ${setting}. See ${pageOfEvent}`
    : `correct ${setting}: it must be the URL of the issuer's key set. See ${pageOfEvent}`;
  return [error("token", subject, { seen, impact, remedy, needsDeploy: true })];
}

/** What is at the URL of the keys, if they are not there. */
type NoKeys = Exclude<KeysSeen, { kind: "keys" }>;

function isOutage(keys: NoKeys): boolean {
  if (keys.kind === "no-answer") return true;
  if (keys.kind !== "refused" || keys.location !== undefined) return false;
  return keys.status === 429 || keys.status >= 500;
}

function describeNoKeys(keysUrl: string, keys: NoKeys): string {
  switch (keys.kind) {
    case "no-answer":
      return `its keys at ${keysUrl} cannot be had: ${keys.reason}`;

    case "refused": {
      const { status, location } = keys;
      if (location === undefined) return `${keysUrl} answers ${status}, and not with keys`;
      return `${keysUrl} redirects (${status}) to ${location.slice(0, 200)}, and the Worker follows no redirect`;
    }

    case "too-large":
      return `${keysUrl} has more than 64 KB, which the Worker does not read`;

    case "no-key-set":
      return `${keysUrl} answers 200, and has no key set: JSON with a list "keys" of objects`;

    default:
      return keys satisfies never;
  }
}

/** `ROUTES[0].token.keys of wrangler.toml`. */
function keysSettingOf({ tables }: IssuerSeen, project: Project): string {
  const settings = tables.map((table) => `${table}.keys`);
  return `${settings.join(" and ")} of ${sourceOfVariable(project, "ROUTES")}`;
}

/** @param seconds how long the issuer took to answer */
function judgeKeys(
  issuerSeen: IssuerSeen,
  keys: readonly KeySeen[],
  seconds: number,
  impact: string,
): Finding[] {
  const { keysUrl } = issuerSeen;
  const subject = subjectOf(issuerSeen);
  const usable = keys.filter(({ fault }) => fault === undefined);
  const useless: string[] = [];
  for (const key of keys) {
    if (key.fault !== undefined) useless.push(`${nameOf(key)} ${key.fault}`);
  }

  const uselessText = useless.join("; ").slice(0, 600);
  if (usable.length === 0) {
    const finding = error("token", subject, {
      seen: `${keysUrl} has no key by which the Worker can check a token: ${uselessText || "it has none"}`,
      impact,
      remedy: `at the issuer, have tokens signed by RS256, PS256, ES256 or EdDSA, with an RSA key of 2,048 bits or more. See ${page("docs/errors.md#token-keys-failed")}`,
    });
    return [finding];
  }

  const names = usable.map(nameOf);
  const findings = [ok("token", subject, `its keys: ${names.join(", ")}`)];
  if (useless.length > 0) {
    const text = `keys that the Worker leaves out: ${uselessText}`;
    findings.push(note("token", subject, text));
  }

  // The library takes a key without a name only for a token that names none, and only if one key alone fits.
  const nameless = usable.filter(({ kid }) => kid === undefined);
  if (nameless.length > 0 && usable.length > 1) {
    const finding = warning("token", subject, {
      seen: `${keysUrl} has ${nameless.length} of ${usable.length} keys without kid`,
      impact:
        "a token that names a key does not find them, and one that names none is refused where two keys fit",
      remedy: "at the issuer, give each key a kid, and let tokens name it",
    });
    findings.push(finding);
  }

  if (seconds > WORKER_TIMEOUT_S) {
    const finding = warning("token", subject, {
      seen: `${keysUrl} took ${seconds.toFixed(1)} s to answer, from here`,
      impact: `the Worker waits ${WORKER_TIMEOUT_S} s, and then answers 502 (token-keys-failed) if it has no older keys`,
      remedy: "see the issuer's status page, then run the doctor again",
    });
    findings.push(finding);
  }
  return findings;
}

/** `RS256 "abc"`. */
function nameOf({ kid, label }: KeySeen): string {
  const name = kid === undefined ? "without kid" : JSON.stringify(kid.slice(0, 60));
  return `${label.slice(0, 20)} ${name}`;
}

/** Whether the issuer calls itself as the configuration does, and has its keys at the same URL. */
function checkDocument(issuerSeen: IssuerSeen, project: Project): Finding[] {
  const { issuer, document } = issuerSeen;
  const subject = subjectOf(issuerSeen);

  // The issuer of the local run stands for another one, and has no document.
  if (replacedIssuerOf(issuer) !== undefined) return [];

  if (document.kind === "no-document" || document.issuer === undefined) {
    const explain = commandFor(project.envConfig, "npx vitrine explain");
    const text = `it has no discovery document with its name, so nobody compared how it spells its name: ${explain} URL --token - does, with a token`;
    return [note("token", subject, text)];
  }

  const { url, issuer: documentIssuer, keysUrl: documentKeysUrl } = document;
  const findings: Finding[] = [];
  if (documentIssuer !== issuer) {
    findings.push(explainOtherName(issuerSeen, project, url, documentIssuer));
  }
  if (documentKeysUrl !== undefined && !isSameUrl(documentKeysUrl, issuerSeen.keysUrl)) {
    findings.push(explainOtherKeysUrl(issuerSeen, project, url, documentKeysUrl));
  }

  if (findings.length > 0) return findings;
  return [ok("token", subject, "its name and the URL of its keys are those of its own document")];
}

/** @param url may be none: another server has written it */
function isSameUrl(url: string, configuredUrl: string): boolean {
  return URL.parse(url)?.href === new URL(configuredUrl).href;
}

/**
 * Tokens have the issuer's own spelling of its name, and one slash is enough.
 * @param url of the document
 * @param name in the document
 */
function explainOtherName(
  issuerSeen: IssuerSeen,
  project: Project,
  url: string,
  name: string,
): Finding {
  const { issuer, tables, paths } = issuerSeen;
  const { envConfig } = project;
  const file = sourceOfVariable(project, "ROUTES");
  const settings = `${tables.join(" and ")} of ${file}`;
  const value = JSON.stringify(name.slice(0, 200));

  const isSlash = name === `${issuer}/` || issuer === `${name}/`;
  const text = `${url} says that the issuer is ${value}, and ${file} says ${JSON.stringify(issuer)}`;

  // An address of the same host is the issuer's. Any other one is to be compared first.
  const isOfHost = URL.parse(name)?.host === new URL(issuer).host;
  const explain = commandFor(envConfig, "npx vitrine explain");
  const remedy = isOfHost
    ? `set ${settingsFor(envConfig, `issuer = ${value}`)} in ${settings}`
    : `compare issuer in ${settings} with iss of a token: ${explain} URL --token -`;

  return error("token", subjectOf(issuerSeen), {
    seen: isSlash ? `${text}: one of them has a slash at its end` : text,
    impact: `iss of a token is compared letter by letter, so no token of this issuer opens ${paths.join(", ")}`,
    remedy,
    needsDeploy: true,
  });
}

/** @param documentKeysUrl in the document at `url` */
function explainOtherKeysUrl(
  issuerSeen: IssuerSeen,
  project: Project,
  url: string,
  documentKeysUrl: string,
): Finding {
  const file = sourceOfVariable(project, "ROUTES");
  return warning("token", subjectOf(issuerSeen), {
    seen: `${url} says that the keys are at ${documentKeysUrl.slice(0, 200)}, and ${file} says ${issuerSeen.keysUrl}`,
    impact: "a new key of the issuer may never be there: then its tokens open nothing",
    remedy: `if that is the issuer's, write it into ${keysSettingOf(issuerSeen, project)}`,
    needsDeploy: true,
  });
}

/** Whether nothing but a token opens a route: what the site answered to somebody without one. */
export function checkTokenRoutes({ site, project }: Observations): Finding[] {
  if (site === undefined) return [];
  return site.tokenRoutes.map((routeSeen) => checkTokenRoute(routeSeen, site.baseUrl, project));
}

/** What to do if the Worker has another configuration, or something else answers. */
function otherConfigurationRemedy(config: ConfigFile): string {
  const deploy = commandFor(config, "npx vitrine deploy");
  return `${deploy}, if ${config.file} is not deployed. Else make sure that no rule, snippet or other Worker is in front of this Worker (Security → Events in the dashboard)`;
}

function checkTokenRoute(routeSeen: TokenRouteSeen, baseUrl: string, project: Project): Finding {
  const { route, path, result, event } = routeSeen;
  const { isLocalRun, envConfig } = project;
  const subject = { about: baseUrl + path };
  if (isPicture(result)) {
    return error("token", subject, {
      seen: "it is a picture for somebody without a token",
      impact: `everybody sees the pictures of ${route.path}`,
      remedy: otherConfigurationRemedy(envConfig),
    });
  }

  if (isNoAnswer(result)) {
    const text = `whether only a token opens ${route.path} is unknown: no answer (${result.reason})`;
    return note("token", subject, text);
  }

  const { status, headers } = result;
  if (status !== 404 || !isOfVitrine(headers)) {
    const text = `whether only a token opens ${route.path} is unknown: without one it answers ${status}`;
    return note("token", subject, text);
  }

  if (event !== undefined && event !== "token-refused") {
    const dev = commandFor(envConfig, "npx vitrine dev");
    return warning("token", subject, {
      seen: `without a token the Worker answers ${event}, and not token-refused: it has another configuration`,
      impact: `whether only a token opens ${route.path} is unknown`,
      remedy: isLocalRun ? `start ${dev} again` : otherConfigurationRemedy(envConfig),
    });
  }

  const missing = missingHeaders(route, headers);
  if (missing.length > 0) {
    return error("token", subject, {
      seen: `without a token it is 404, and lacks ${missing.join(" and ")}`,
      impact:
        "a browser or a cache may show a picture to the next user of the same browser, or after a logout",
      remedy: otherConfigurationRemedy(envConfig),
    });
  }

  return ok("token", subject, "without a token it is 404, and nothing keeps that");
}

/** What an answer of a route with `token` must have, and does not. */
function missingHeaders({ tokenRules }: TokenRouteSeen["route"], headers: Headers): string[] {
  const hasCookie = tokenRules?.some(({ cookie }) => cookie !== undefined) ?? false;
  const needed = hasCookie ? ["authorization", "cookie"] : ["authorization"];

  const vary = headers.get("vary") ?? "";
  const names = vary.split(",").map((name) => name.trim().toLowerCase());
  const missing: string[] = [];
  for (const name of needed) {
    if (!names.includes(name)) missing.push(`vary: ${name}`);
  }

  const control = headers.get("cache-control") ?? "";
  if (!/\bno-store\b/.test(control)) missing.push("cache-control: no-store");
  return missing;
}
