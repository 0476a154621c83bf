// Libraries of others that sign tokens: of npm, of Python and of Go. Each of them writes the claims in its own way.

import { execFile } from "node:child_process";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";

/** All that the Worker accepts. */
export const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

export type SigningRequest = {
  readonly alg: string;
  readonly kid: string;
  /** The private key, as PKCS#8 PEM. */
  readonly pem: string;
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
};

/** A token for an hour, and the public key as the library writes it, if it does; no token: it cannot sign so. */
type Signed = { readonly token?: string; readonly jwk?: jose.JWK };

type Library = (requests: readonly SigningRequest[]) => Promise<readonly Signed[]>;

/** What Debian calls the packages of the programs. */
const DEBIAN = "python3-jwt golang-go golang-github-golang-jwt-jwt-v5-dev";

const CURVES: Readonly<Record<string, string>> = {
  ES256: "P-256",
  ES384: "P-384",
  ES512: "P-521",
};

const RSA_PEM = pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }));

/** A new key for an algorithm; for RSA the same one each time, which takes long to make. */
export function createPem(alg: string): string {
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return pemOf(generateKeyPairSync("ec", { namedCurve }));
  return alg.startsWith("Ed") ? pemOf(generateKeyPairSync("ed25519")) : RSA_PEM;
}

function pemOf({ privateKey }: { readonly privateKey: KeyObject }): string {
  return `${privateKey.export({ type: "pkcs8", format: "pem" })}`;
}

/** New keys of a provider, one for each algorithm: private ones, as in a JWKS. */
export function createJwks(generation: string): readonly jose.JWK[] {
  return ALGORITHMS.map((alg) => {
    const key = createPrivateKey(createPem(alg)).export({ format: "jwk" });
    return { ...key, alg, use: "sig", kid: `${generation} ${alg}` };
  });
}

/** The public key in a JWKS. */
export function publicJwk({ alg, kid, pem }: SigningRequest, { jwk }: Signed): jose.JWK {
  const key = jwk ?? createPublicKey(pem).export({ format: "jwk" });
  return { ...key, kid, alg, use: "sig" };
}

async function signByJose(requests: readonly SigningRequest[]): Promise<readonly Signed[]> {
  const signed = requests.map(async ({ alg, kid, pem, iss, sub, aud }) => {
    const key = await jose.importPKCS8(pem, alg);
    const jwt = new jose.SignJWT({}).setProtectedHeader({ alg, kid }).setIssuer(iss);
    const token = await jwt.setSubject(sub).setAudience(aud).setExpirationTime("1h").sign(key);
    return { token, jwk: await jose.exportJWK(createPublicKey(pem)) };
  });
  return Promise.all(signed);
}

async function signByJsonwebtoken(requests: readonly SigningRequest[]): Promise<readonly Signed[]> {
  return requests.map(({ alg, kid, pem, iss, sub, aud }) => {
    if (!isOfJsonwebtoken(alg)) return {};
    const names = { keyid: kid, issuer: iss, subject: sub, audience: aud } as const;
    const options = { ...names, algorithm: alg, expiresIn: "1h" } as const;
    return { token: jsonwebtoken.sign({}, createPrivateKey(pem), options) };
  });
}

/** It knows no Edwards curve. */
function isOfJsonwebtoken(alg: string): alg is jsonwebtoken.Algorithm {
  return /^(?:RS|PS|ES)(?:256|384|512)$/.test(alg);
}

/** @throws with the command that installs what is missing */
function signByProgram(command: string, args: readonly string[], env: object = {}): Library {
  return async (requests) => {
    const options = { cwd: import.meta.dirname, env: { ...process.env, ...env } };
    const output = await new Promise<string>((settle, fail) => {
      const child = execFile(command, args, options, (error, stdout, stderr) => {
        const install = `apt-get install --no-install-recommends ${DEBIAN}`;
        const message = `If a package is missing, run:\n  ${install}\n${stderr}`;
        if (error) fail(new Error(message, { cause: error }));
        else settle(stdout);
      });
      child.stdin?.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
    });
    return output
      .trim()
      .split("\n")
      .map((line): Signed => JSON.parse(line));
  };
}

/** By its whole path: another Python before it does not have the packages of Debian. */
const signByPyjwt = signByProgram("/usr/bin/python3", ["sign.py"]);

/** Without modules, Go takes the packages of Debian. Without optimisations, it compiles sooner. */
const signByGolangJwt = signByProgram("go", ["run", "-gcflags=all=-N -l", "sign.go"], {
  GO111MODULE: "off",
  GOPATH: "/usr/share/gocode",
});

export const LIBRARIES: Readonly<Record<string, Library>> = {
  jose: signByJose,
  jsonwebtoken: signByJsonwebtoken,
  PyJWT: signByPyjwt,
  "golang-jwt": signByGolangJwt,
};
