// What EventBridge, S3, MinIO, Ceph and R2 send, as their documentation shows it.

/** An event of EventBridge. Its key is as it is. */
export function bridgeEvent(bucket: unknown, key: unknown, type = "Object Created") {
  return {
    version: "0",
    "detail-type": type,
    source: "aws.s3",
    time: "2026-11-24T09:00:00Z",
    region: "eu-west-1",
    detail: {
      version: "0",
      bucket: { name: bucket },
      object: { key, size: 5, etag: "b1946ac92492d2347c6235b4d2611184", sequencer: "00617F08299" },
      reason: "PutObject",
    },
  };
}

/** A notification of S3. @param keys form-encoded, as S3 writes them */
export const notification = (bucket: unknown, ...keys: readonly unknown[]) =>
  notificationOf("aws:s3", bucket, keys);

/** A notification of MinIO. It encodes each slash, too. */
export function minioNotification(bucket: string, key: string) {
  const encoded = encodeURIComponent(key).replaceAll("%20", "+");
  const event = { EventName: "s3:ObjectCreated:Put", Key: `${bucket}/${key}` };
  return { ...event, ...notificationOf("minio:s3", bucket, [encoded]) };
}

/** A notification of Ceph. Its key is as it is. */
export const cephNotification = (bucket: string, key: string) =>
  notificationOf("ceph:s3", bucket, [key]);

function notificationOf(eventSource: string, bucket: unknown, keys: readonly unknown[]) {
  return {
    Records: keys.map((key) => ({
      eventVersion: "2.1",
      eventSource,
      awsRegion: "eu-west-1",
      eventTime: "2026-11-24T09:00:00.000Z",
      eventName: "ObjectCreated:Put",
      s3: {
        bucket: { name: bucket, ownerIdentity: { principalId: "A3" }, arn: "arn:aws:s3:::x" },
        object: { key, size: 1024, eTag: "d41d8cd98f00b204e9800998ecf8427e", sequencer: "0055" },
      },
    })),
  };
}

/** A notification of R2. Its key is as it is. */
export function r2Notification(bucket: unknown, key: unknown, action = "PutObject") {
  const isDeletion = action.includes("Delet");
  return {
    account: "3f4b7e3dcab231cbfdaa90a6a28bd548",
    action,
    bucket,
    object: isDeletion ? { key } : { key, size: 5, eTag: "b1946ac92492d2347c6235b4d2611184" },
    eventTime: "2026-11-24T09:00:00.000Z",
  };
}

/** What S3 sends once, when notifications are switched on. */
export const TEST_EVENT = {
  Service: "Amazon S3",
  Event: "s3:TestEvent",
  Time: "2026-11-24T09:00:00.000Z",
  Bucket: "acme-media",
};
