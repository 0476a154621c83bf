// Checks the deployed Worker as a whole: whether it answers, with the configuration of wrangler.toml, whether /healthz
// reports, and whether its store answers. What is in front of the Worker is named only if it says so itself.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { tableOf } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import type { Project } from "../config/project.ts";
import type { Absence } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { tokenRule } from "../secrets/secrets.ts";
import { commandFor, environmentText } from "../wrangler/config-file.ts";
import { settingsFor, workerText } from "../wrangler/settings.ts";
import { error, type Finding, note, ok, warning } from "./finding.ts";
import { type Observations, reportOf, visitorsOf } from "./observations.ts";
import { isShown, type SiteSeen } from "./observe-site.ts";
import { startAdvice } from "./s3-reply.ts";

/** Whether Vitrine answers at that URL, with the configuration of wrangler.toml. */
export function checkDeployed(observations: Observations): Finding[] {
  const { site, project } = observations;
  if (site === undefined) return [];

  const { baseUrl, absence, hasThisConfiguration } = site;
  if (absence !== undefined) {
    const isBroken = absence.status === 500 && absence.isVitrine === true;
    return isBroken
      ? explainBrokenWorker(observations, site)
      : [explainAbsence(observations, site, absence)];
  }

  const { envConfig } = project;
  const findings = [ok("deployed", { about: baseUrl }, "Vitrine is there, and without mistakes")];
  if (!hasThisConfiguration) {
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    const subject = { about: `${baseUrl}/healthz` };
    const finding = warning("deployed", subject, {
      seen: `the deployed configuration is not that of ${envConfig.file}: it is not deployed yet`,
      remedy: `if ${envConfig.file} is right, ${deploy}. Else take its last change back`,
    });
    findings.push(finding);
  }
  return findings;
}

/** No Vitrine answers at /healthz. */
function explainAbsence(observations: Observations, site: SiteSeen, absence: Absence): Finding {
  const { baseUrl, pictures } = site;
  const { obstacle, reason } = absence;
  const text =
    obstacle === undefined
      ? `there is no Vitrine at ${baseUrl}: at /healthz, ${reason}`
      : `something is in front of Vitrine at ${baseUrl}: at /healthz, ${reason}`;

  // On a domain with other apps, perhaps only /healthz belongs to another one.
  const report = pictures.some(isShown) ? warning : error;
  const problem = { seen: text, remedy: remedyOfAbsence(observations, site, absence) };
  return report("deployed", { about: baseUrl }, problem);
}

/** What to do, as far as it is known what keeps requests from the Worker. The first paragraph that fits decides. */
function remedyOfAbsence(observations: Observations, site: SiteSeen, absence: Absence): string {
  const { isLocalRun, envConfig } = observations.project;
  const { obstacle, reason } = absence;
  const { hostname } = new URL(site.baseUrl);

  if (isLocalRun) return startAdvice(observations.project);

  if (obstacle === "challenge") {
    return "a rule of the zone challenges: make an exception for this host in Cloudflare's dashboard (Security → Events names the rule). Browsers may pass it";
  }

  if (obstacle === "redirect") {
    return "something in front of the Worker redirects, such as Cloudflare Access or a redirect rule: make an exception for this host";
  }

  if (/CERT|SSL|EPROTO|handshake/.test(reason)) {
    return `the certificate of ${hostname} is not ready or has expired. That of a new domain takes some minutes. Else look at SSL/TLS → Edge Certificates in Cloudflare's dashboard`;
  }

  const deploy = commandFor(envConfig, "npx vitrine deploy");
  if (!reason.includes("ENOTFOUND")) {
    const domain = settingsFor(envConfig, 'pattern = "images.example.com", custom_domain = true');
    return `look at the domain's DNS, and make sure that no rule of the zone is in front of the Worker. If routes in ${envConfig.file} does not have that domain, put it there, as { ${domain} }, then ${deploy}. At another route, let /healthz lead to the Worker, too`;
  }

  if (isOffline(observations))
    return "this machine finds no host at all: look at its network first";

  if (envConfig.customDomains.includes(hostname)) {
    return `${hostname} has no DNS record. routes has it as a custom domain: ${deploy} makes its record again`;
  }

  return `${hostname} has no DNS record: add one in Cloudflare's dashboard, proxied`;
}

/** Returns whether this machine finds the host of no S3 either. */
function isOffline({ buckets }: Observations): boolean {
  return buckets.some(({ keys, keyless }) => {
    const replies = keys.map(({ absentReply }) => absentReply);
    if (keyless !== undefined) replies.push(keyless);
    return replies.some(({ failure }) => failure === "ENOTFOUND");
  });
}

/** The Worker answers 500 to everything. To its operator it names what is wrong. */
function explainBrokenWorker({ project }: Observations, site: SiteSeen): Finding[] {
  const { baseUrl, health } = site;
  const { envConfig } = project;
  const { file } = envConfig;
  const subject = { about: `${baseUrl}/healthz` };
  const impact = "the Worker answers 500 to every request, as it just did";

  const isFailure = health !== undefined && isNoAnswer(health);
  const mistakes = isFailure ? health.mistakes : undefined;
  if (mistakes === undefined || mistakes.length === 0) {
    const tail = commandFor(envConfig, "npx wrangler tail");
    const check = commandFor(envConfig, "npx vitrine check");
    const put = commandFor(envConfig, "npx wrangler secret put");
    const remove = commandFor(envConfig, "npx wrangler secret delete");
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    const finding = error("configuration", subject, {
      seen: `${baseUrl}/healthz answers 500: the Worker's configuration has a mistake`,
      impact,
      remedy: `${tail} names each mistake, and so does this command with HEALTH_TOKEN. In ${file}, correct it: ${check}. A secret: ${put} NAME, or ${remove} NAME. Then ${deploy} if ${file} has changed`,
    });
    return [finding];
  }

  return mistakes.map((mistake) =>
    error("configuration", subject, {
      seen: `the Worker's configuration has a mistake: ${workerText(envConfig, mistake)}`,
      impact,
      remedy: remedyOfMistake(project, mistake),
    }),
  );
}

/** @param mistake such as `AWS_SECRET_ACCESS_KEY: is missing: …`, or `ROUTES[0].path: …` */
function remedyOfMistake(project: Project, mistake: string): string {
  const { isLocalRun, envConfig, secrets, secretsFile } = project;
  const [name = ""] = mistake.split(/[.[:]/, 1);
  const isMissing = mistake.includes("is missing");
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const put = commandFor(envConfig, "npx wrangler secret put");
  const remove = commandFor(envConfig, "npx wrangler secret delete");

  if (!isSecret(name)) {
    const check = commandFor(envConfig, "npx vitrine check");
    return `if ${envConfig.file} has it right (${check}), ${deploy}. Else correct ${name} there, and deploy`;
  }

  if (isLocalRun) return `correct ${name} in ${envConfig.devVars}`;

  const isInFile = secretsFile !== undefined && secrets.get(name)?.source === secretsFile;
  if (isInFile && isMissing) return `${deploy} --secrets-file ${secretsFile}`;
  if (isInFile) {
    return `correct ${name} in ${secretsFile}, then ${deploy} --secrets-file ${secretsFile}`;
  }

  if (isMissing) return `${put} ${name}`;

  // The edge does not pass the token of a session on (A11), so the Worker must have none.
  if (name.includes("_SESSION_TOKEN")) return `${remove} ${name}`;

  return `put the right one: ${put} ${name}. If the Worker is to have none: ${remove} ${name}`;
}

/** Whether /healthz reports at all. */
export function checkHealthReport(observations: Observations): Finding[] {
  const { site, project } = observations;
  const isVitrine = site !== undefined && site.absence === undefined;
  if (!isVitrine) return [];

  const { envConfig, secrets, secretsFile } = project;
  const { health } = site;
  const subject = { about: `${site.baseUrl}/healthz` };
  if (health === undefined) {
    const token = secrets.get("HEALTH_TOKEN");
    const unknown = `/healthz does not report which slot works and what the edge says (${page("docs/doctor.md")}, “Health”)`;
    if (token === undefined) return [note("health", subject, `without a HEALTH_TOKEN, ${unknown}`)];

    const rule = tokenRule("HEALTH_TOKEN");
    return [
      note("health", subject, `HEALTH_TOKEN of ${token.source} ${rule}. Without it, ${unknown}`),
    ];
  }
  if (!isNoAnswer(health)) return [];

  const { status, reason } = health;
  const token = secrets.get("HEALTH_TOKEN");
  const isRefused = status === 401;
  const isOfFile = secretsFile !== undefined && token?.source === secretsFile;
  if (isRefused && isOfFile) return [explainOtherFile(observations, site, secretsFile)];

  const isPassing = status === undefined || status === 429;
  let remedy: string;
  if (isPassing) {
    remedy = "wait a minute, then run the doctor again";
  } else if (isRefused) {
    // The Worker's token may be used by monitoring.
    const put = commandFor(envConfig, "npx wrangler secret put");
    remedy = `correct HEALTH_TOKEN on this machine, for the local run in .dev.vars: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: ${put} HEALTH_TOKEN`;
  } else {
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    remedy = `${deploy} if Vitrine has changed. Or something else may answer at /healthz`;
  }

  const finding = warning("health", subject, {
    seen: `/healthz does not report: ${reason}`,
    impact: "the doctor sees only what visitors get",
    remedy,
  });
  return [finding];
}

/** @param file that `--secrets-file` names, whose token the Worker refuses */
function explainOtherFile(observations: Observations, site: SiteSeen, file: string): Finding {
  const { envConfig } = observations.project;
  const subject = { about: `${site.baseUrl}/healthz` };
  const environment = environmentText(envConfig.environment);
  const deploy = commandFor(envConfig, "npx vitrine deploy");

  const isFailing = visitorsOf(observations, undefined).kind === "failing";
  const report = isFailing ? error : warning;
  return report("health", subject, {
    seen: `the Worker has another HEALTH_TOKEN than ${file}, or none: ${file} is not what was deployed, and which of both is right is not known`,
    remedy: `take the file that was deployed last. Only if ${file} is the right file of ${environment}, with all its secrets, deploy it: ${deploy} --secrets-file ${file}`,
    isOfMachine: true,
  });
}

/** Whether the store answers the Worker. */
export function checkStore(observations: Observations): Finding[] {
  const { site, project } = observations;
  const report = reportOf(site);
  if (report?.store === undefined || site === undefined) return [];

  const subject = { about: `${site.baseUrl}: the store` };
  const { state } = report.store;
  if (state === "ok") {
    const event = report.last_event ?? "none yet";
    const purge = report.last_purge ?? "none yet";
    const text = `it answers the Worker. The last event: ${event}. The last purge: ${purge}`;
    return [ok("store", subject, text)];
  }

  const create = commandFor(project.envConfig, "npx wrangler r2 bucket create");
  const finding = error("store", subject, {
    seen: `R2 does not give the Worker its store (${state})`,
    impact:
      "nothing is stored, and nothing that is stored is shown: an outage of S3 shows, and pictures are made again",
    remedy: `look in Cloudflare's dashboard, R2, whether its bucket is there. If it is not, ${create} ${storeBucketOf(project)}: it fills by itself. If it is, wait, and see https://www.cloudflarestatus.com`,
  });
  return [finding];
}

/** The name of the store's bucket; or what says it, because a deploy names a bucket that has no name. */
function storeBucketOf({ envConfig }: Project): string {
  const answers = tableOf(envConfig.deployedVars["ANSWERS"]);
  const store = envConfig.r2Buckets.find(({ binding }) => binding === answers["store"]);
  return store?.bucket_name ?? "NAME (the dashboard shows it among the Worker's bindings)";
}
