import { readFileSync } from "node:fs";
import { signCookie, signUrl } from "./sign.mjs";

for (const line of readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [kind, ...values] = line.split("\t");
  console.log(kind === "url" ? signUrl(...values) : signCookie(...values));
}
