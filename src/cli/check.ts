// npm run check, its first part: is the configuration right, as it would be deployed and as it would be
// started here? Nothing is started, nothing is sent.

import { type Config, readConfig } from "../config.ts";
import { type KnownVars, readVars } from "./vars.ts";

const known = readVars();
const result = "fault" in known ? [known.fault] : check(known);
if (Array.isArray(result)) {
  console.error(["The configuration has mistakes:", ...result].join("\n  "));
  process.exitCode = 1;
} else {
  const hosts = new Set(result.routes.map(({ bucket }) => new URL(bucket.base).host));
  console.log("The configuration is right. Hosts to list under Sources of your zone:");
  for (const host of hosts) console.log(`  ${host}`);
}

function check({ deployed, started, secrets }: KnownVars): Config | string[] {
  // A secret kept at Cloudflare cannot be read from here: that it is required is all there is to see.
  const kept = Object.fromEntries(secrets.map((name) => [name, "kept"]));
  const there = readConfig({ ...kept, ...deployed });
  const here = readConfig({ ...kept, ...started });
  const mistakes = [there, here].flatMap((config) => ("mistakes" in config ? config.mistakes : []));
  return "mistakes" in there || mistakes.length > 0 ? [...new Set(mistakes)] : there;
}
