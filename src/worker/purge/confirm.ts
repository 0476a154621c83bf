// Confirms a subscription of SNS. Asks Amazon alone: whoever has the token must not make the Worker ask
// other hosts.

import { isRefusal } from "../base/refusal.ts";
import { drop, send } from "../base/send.ts";

/** With a region such as us-gov-west-1: `sns.s3.amazonaws.com` is a bucket that anybody may own. */
const HOST = /^sns\.[a-z]{2}(?:-[a-z]{1,16}){1,3}-\d{1,2}\.amazonaws\.com$/;

/** Returns the URL if SNS itself is there, in the spelling in which it is asked. */
export function subscribeUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || !HOST.test(url.host)) return undefined; // host has the port, too
  if (url.username !== "" || url.password !== "") return undefined;
  return url.href;
}

/**
 * Follows no redirect.
 * @param deadline ms since 1970
 * @returns why it is not confirmed; undefined if it is
 */
export async function confirm(url: string, deadline: number): Promise<string | undefined> {
  const answer = await send(url, { method: "GET" }, deadline, true);
  if (isRefusal(answer)) return "SNS does not answer the confirmation";
  drop(answer.body);
  return answer.status === 200 ? undefined : `SNS answers the confirmation with ${answer.status}`;
}
