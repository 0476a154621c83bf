// Whether a role's trust policy lets a token in (K8). Pure.

import type { Claims } from "./read-token.ts";
import type { StsCondition, StsRole } from "./types.ts";

/** Returns whether the role trusts the issuer, and all its conditions hold. */
export function isTrusted({ trusts, StringEquals, StringLike }: StsRole, claims: Claims): boolean {
  if (trusts !== claims.iss) return false;
  const host = claims.iss.replace(/^https:\/\//, "");
  const values = new Map([
    [`${host}:aud`, claims.aud],
    [`${host}:sub`, claims.sub],
  ]);
  const holds = (condition: StsCondition = {}, test: (wanted: string, value: string) => boolean) =>
    Object.entries(condition).every(([name, wanted]) => {
      const value = values.get(name);
      const all = typeof wanted === "string" ? [wanted] : wanted;
      return value !== undefined && all.some((one) => test(one, value));
    });
  return holds(StringEquals, (wanted, value) => wanted === value) && holds(StringLike, isLike);
}

/** Compares with a pattern: `*` stands for any characters, `?` for one. */
function isLike(pattern: string, value: string): boolean {
  const escaped = pattern.replace(/[^*?]/gs, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "su").test(value);
}
