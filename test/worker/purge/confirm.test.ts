// Which URLs the Worker asks when SNS wants a subscription to be confirmed.

import { expect, test } from "vitest";
import { subscribeUrl } from "../../../src/worker/purge/confirm.ts";

const QUERY = "?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:t&Token=2336412f37";

test.each([
  `https://sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.us-gov-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com:443/${QUERY}`,
  `https://sns.ap-southeast-2.amazonaws.com/${QUERY}`,
  `https://sns.mx-central-1.amazonaws.com/${QUERY}`,
])("%s is SNS", (url) => {
  expect(subscribeUrl(url)).toBe(new URL(url).href);
});

test.each([
  "",
  "sns.eu-west-1.amazonaws.com",
  `http://sns.eu-west-1.amazonaws.com/${QUERY}`,
  `ftp://sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com.evil.example/${QUERY}`,
  `https://evil.example/sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://evil.example?sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://evil.example#.sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://evil.example\\.sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com@evil.example/${QUERY}`,
  `https://user@sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://user:password@sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://:password@sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com:8443/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com:80/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com./${QUERY}`,
  `https://sns.evil.example.amazonaws.com/${QUERY}`,
  `https://sns..amazonaws.com/${QUERY}`,
  `https://sns.amazonaws.com/${QUERY}`,
  `https://evilsns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://x.sns.eu-west-1.amazonaws.com/${QUERY}`,
  `https://snsxeu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.com.cn/${QUERY}`,
  `https://sns.eu-west-1.s3.amazonaws.com/${QUERY}`,
  `https://acme.s3.amazonaws.com/${QUERY}`,
  // A bucket may be called "sns".
  `https://sns.s3.amazonaws.com/${QUERY}`,
  `https://sns.s3-us-west-2.amazonaws.com/${QUERY}`,
  `https://sns.s3-accelerate.amazonaws.com/${QUERY}`,
  `https://sns.s3-website-us-east-1.amazonaws.com/${QUERY}`,
  `https://sns.xn--eu-west-1.amazonaws.com/${QUERY}`,
  `https://sns.eu-west-1.amazonaws.co/${QUERY}`,
  `https://sns.eu_west_1.amazonaws.com/${QUERY}`,
  `https://sns.${"x".repeat(40)}.amazonaws.com/${QUERY}`,
  `https://[::1]/${QUERY}`,
  "javascript:alert(1)//sns.eu-west-1.amazonaws.com",
])("%s is not", (url) => {
  expect(subscribeUrl(url)).toBeUndefined();
});
