// The providers of S3 that `vitrine init` knows. The table of docs/configuration.md has the same.

/** What only some providers need to be told. */
export type Need = "endpoint" | "region";

export type Provider = {
  /** Its name in the documentation. */
  readonly label: string;
  /** The endpoint, where `<region>` stands for the region; an example if it is needed. */
  readonly endpoint: string;
  /** The region; an example if it is needed. */
  readonly region: string;
  /** What the operator must say. */
  readonly needs: readonly Need[];
  /** Whether it is reached by a binding of the Worker, unless an endpoint is given. */
  readonly isBound?: true;
  /** What a terminal also asks for, with the value above as the default. */
  readonly asks?: readonly Need[];
};

export const PROVIDERS = {
  aws: {
    label: "AWS S3",
    endpoint: "https://s3.<region>.amazonaws.com",
    region: "eu-west-1",
    needs: ["region"],
  },
  r2: {
    label: "Cloudflare R2",
    endpoint: "https://<account id>.r2.cloudflarestorage.com",
    region: "auto",
    needs: [],
    isBound: true,
  },
  b2: {
    label: "Backblaze B2",
    endpoint: "https://s3.<region>.backblazeb2.com",
    region: "us-west-004",
    needs: ["region"],
  },
  gcs: {
    label: "Google Cloud Storage, with HMAC keys",
    endpoint: "https://storage.googleapis.com",
    region: "auto",
    needs: [],
  },
  minio: {
    label: "MinIO",
    endpoint: "https://minio.example.com",
    region: "us-east-1",
    needs: ["endpoint"],
    asks: ["region"],
  },
  wasabi: {
    label: "Wasabi",
    endpoint: "https://s3.<region>.wasabisys.com",
    region: "eu-central-1",
    needs: ["region"],
  },
  spaces: {
    label: "DigitalOcean Spaces",
    endpoint: "https://<region>.digitaloceanspaces.com",
    region: "fra1",
    needs: ["region"],
  },
} as const satisfies Readonly<Record<string, Provider>>;

export const PROVIDER_NAMES = Object.keys(PROVIDERS);

export function findProvider(name: string | undefined): Provider | undefined {
  return Object.entries<Provider>(PROVIDERS).find(([known]) => known === name)?.[1];
}

/** The endpoint of a region. */
export function endpointOf({ endpoint }: Provider, region: string): string {
  return endpoint.replace("<region>", () => region);
}
