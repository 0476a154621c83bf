import { localKeys } from "../cli/project/local.ts";

/** The wrangler configuration of the second Worker, to which the local private buckets belong. */
export function originConfig(main: string, buckets: readonly string[]): object {
  const { accessKeyId, secretAccessKey } = localKeys();
  return {
    name: "local-s3",
    main,
    compatibility_date: "2026-11-01",
    r2_buckets: [...new Set(buckets)].map((bucket, index) => ({
      binding: `BUCKET_${index}`,
      bucket_name: bucket,
      local_dev: { experimental_s3_credentials: { accessKeyId, secretAccessKey } },
    })),
  };
}
