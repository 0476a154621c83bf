// Purges the edge's cache by Cloudflare's API (C3). No reason holds a word of the answer but its codes:
// the API may repeat the token.

import { isTable, json } from "../base/json.ts";
import { isRefusal } from "../base/refusal.ts";
import { type Reply, send } from "../base/send.ts";
import { type Hindrance, hindrance } from "./hindrance.ts";

const API = "https://api.cloudflare.com/client/v4";

/** The longest wait that the API asks for: s. */
const LONGEST_WAIT = 900;

/**
 * Purges what the edge keeps of up to 100 sources: the originals, and all that is made of them.
 * @param deadline ms since 1970
 * @returns undefined if it is done
 */
export async function purgeEdge(
  { token, zone }: { readonly token: string; readonly zone: string },
  urls: readonly string[],
  deadline: number,
): Promise<Hindrance | undefined> {
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ files: urls }),
  };
  const answer = await send(`${API}/zones/${zone}/purge_cache`, init, deadline, true);
  if (isRefusal(answer)) {
    return answer.event === "timed-out"
      ? hindrance("late", "edge: Cloudflare's API does not answer in time")
      : hindrance("failed", "edge: Cloudflare's API cannot be reached");
  }
  const said = json(answer.text);
  if (answer.status === 200 && isTable(said) && said["success"] === true) return undefined;
  if (answer.status === 429) {
    return hindrance("limited", "edge: the rate limit of Cloudflare's API", waitOf(answer));
  }
  const codes = isTable(said) && Array.isArray(said["errors"]) ? said["errors"] : [];
  const numbers = codes.flatMap((one) => (isTable(one) ? [Number(one["code"])] : []));
  const known = numbers.length > 0 ? ` (${numbers.slice(0, 5).join(", ")})` : "";
  const remedy =
    answer.status === 401 || answer.status === 403
      ? ". CLOUDFLARE_API_TOKEN needs Zone, Cache Purge, Purge for ZONE_ID"
      : "";
  return hindrance("failed", `edge: Cloudflare's API answers ${answer.status}${known}${remedy}`);
}

/** The seconds of `retry-after`. */
function waitOf({ headers }: Reply): number | undefined {
  const after = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(after) ? Math.min(Number(after), LONGEST_WAIT) : undefined;
}
