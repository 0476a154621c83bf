// Checks the side door of each bucket: whether `/cdn-cgi/image/…` on the deployed site lets anybody have images transformed
// (E10). Nothing is asked here.

import type { Bucket } from "../../worker/config/bucket.ts";
import { sourceEntryOf } from "../config/buckets.ts";
import { commandFor } from "../wrangler/config-file.ts";
import type { ZoneSettings } from "../zone/zone-state.ts";
import { error, type Finding, note, ok, type Problem, warning } from "./finding.ts";
import { type Observations, withTokenAdvice, zoneOfSite } from "./observations.ts";
import { isOpenDoor, isOpenToNeighbours, type SideDoorSeen } from "./observe-side-door.ts";
import { DOOR_IMPACT, explainRule, isWrongRule } from "./zone-rule.ts";

/** Whether nobody but Vitrine can have images transformed. */
export function checkSideDoor(observations: Observations, sideDoor: SideDoorSeen): Finding {
  const { bucket, about, neighbour, object } = sideDoor;
  const subject = { about, bucket: bucket.name };
  if (isOpenDoor(sideDoor)) {
    const problem = explainOpenDoor(observations, sideDoor);
    return error("side-door", subject, { ...problem, impact: DOOR_IMPACT });
  }

  const unclear = [neighbour, object].find(
    ({ state }) => state !== "refused" && state !== "blocked",
  );
  if (unclear === undefined) {
    return ok("side-door", subject, `it is shut at this host: ${neighbour.text}`);
  }

  const rule = zoneOfSite(observations)?.rule;
  if (rule?.kind === "shut" && unclear.state === "fetches") {
    return warning("side-door", subject, {
      seen: `the edge asks the bucket for others, although the zone has the rule “${rule.description}”: ${unclear.text}`,
      impact:
        "if the bucket, or what the edge has kept, shows an image, anybody has it at any size",
      remedy: RULE_WITHOUT_EFFECT,
    });
  }

  // The finding about the rule says what to do.
  const isRuleKnown = rule !== undefined && rule.kind !== "unread";
  if (isRuleKnown) {
    const text = `whether the side door is open is unknown: ${unclear.text}`;
    return note("side-door", subject, text);
  }

  const deploy = commandFor(observations.project.envConfig, "npx vitrine deploy");
  const text = `whether the side door is open is unknown: ${unclear.text}. To be sure, ${deploy} --setup blocks it by a rule. By hand: ${RULE_BY_HAND}`;
  return note("side-door", subject, text);
}

const RULE_BY_HAND =
  'the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';

const RULE_WITHOUT_EFFECT =
  "wait a minute if the rule is new, then run the doctor again. If it is the same then, look under Security → Events in Cloudflare's dashboard which rule lets the request pass";

/** What to do first is about the rule, which shuts the door; Sources come second. */
function explainOpenDoor(
  observations: Observations,
  sideDoor: SideDoorSeen,
): Pick<Problem, "seen" | "remedy"> {
  const { bucket, key, neighbour, object } = sideDoor;
  const { envConfig } = observations.project;
  const answer = isOpenToNeighbours(neighbour)
    ? `anyone can have images of other buckets transformed: ${neighbour.text}`
    : `anyone can have ${key} at any size, whatever presets and signatures say: ${object.text}`;

  const zone = zoneOfSite(observations);
  const narrow = narrowSourcesText(bucket, zone);
  if (zone === undefined || zone.rule.kind === "unread") {
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    const remedy = `${deploy} --setup adds a rule that blocks it. By hand: ${RULE_BY_HAND}. ${narrow}`;
    return { seen: answer, remedy: withTokenAdvice(observations, remedy) };
  }

  if (isWrongRule(zone.rule)) {
    const cause = explainRule(zone, zone.rule, envConfig);
    return {
      seen: `${answer}. The cause: ${cause.seen}`,
      remedy: `${cause.remedy}. ${narrow}`,
    };
  }

  return {
    seen: `${answer}, although the zone has the rule “${zone.rule.description}”`,
    remedy: `${RULE_WITHOUT_EFFECT}. ${narrow}`,
  };
}

/** Says how to allow no more origins than Vitrine needs. @param zone undefined: it was not read */
function narrowSourcesText(bucket: Bucket, zone: ZoneSettings | undefined): string {
  const domain = zone?.name ?? "the domain";
  return `And in Cloudflare's dashboard, Images → Transformations → ${domain} → Sources: replace every wider entry by ${sourceEntryOf(bucket)} (domain, then path), and by those of all other environments and Workers of the zone: npx vitrine check --all prints them. If the bucket is public, close it`;
}
