// What a hostile S3, or a hostile edge, can repeat of a signed request.

const SIGNATURE = /Credential=(?<id>\w+).*Signature=(?<signature>\w+)/;

type Signed = { readonly headers: Pick<Headers, "get"> };

/** The key id, the signature, the session token and parts of them. */
export function credentialsIn(request: Signed | undefined): readonly string[] {
  const authorization = request?.headers.get("authorization") ?? "";
  const token = request?.headers.get("x-amz-security-token") ?? "";

  const match = SIGNATURE.exec(authorization);
  const { id = "", signature = "" } = match?.groups ?? {};

  return [
    authorization,
    id,
    signature,
    token,
    id.toLowerCase(),
    signature.slice(0, 32),
    token.slice(0, 13),
  ];
}
