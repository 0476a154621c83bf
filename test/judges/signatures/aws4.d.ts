// What the judge uses of aws4, which has no types.
declare module "aws4" {
  type Request = { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  const aws4: { sign(request: Request, credentials: object): Request };
  export default aws4;
}
