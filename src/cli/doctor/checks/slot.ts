// Checks of the credentials in a slot: whether they work, and whether they may do too much.

import { type CheckEntry, NO_IMAGE } from "./entry.ts";

const UNLESS_OTHER_SLOT = `${NO_IMAGE}, unless the other slot works`;
const LEAST =
  "if it is the Worker's key, its policy needs only s3:GetObject on arn:aws:s3:::{bucket}/{prefix}*";

const REMOVE_LOCALLY =
  "remove {id} and {secret} from {place}: the local run has keys of its own. Or correct them";

export const SLOT_CHECKS = {
  keys: {
    asks: "are both secrets of each slot at hand?",
    what: "{secret} {fault}",
    why: "slot {slot} needs both of its secrets",
    remedy:
      "correct it in {place}, or remove all secrets of slot {slot} there: the doctor cannot ask with half a key",
    causes: {
      "no-keys-at-hand": {
        severity: "warning",
        what: "there are no keys at hand, so the doctor asks S3 without a key",
        why: "the doctor cannot read the deployed secrets back, so it cannot check them",
        remedy: "put {id} and {secret} into the environment, or use --secrets-file secrets.env",
      },
      "slot-incomplete": {
        what: "{mistakes}",
        remedy: "set the secrets that are named here: npx wrangler secret put",
        here: "correct the secrets that are named here, in .dev.vars",
      },
    },
  },
  // A11
  session: {
    asks: "are the credentials permanent?",
    what: "{id} is a temporary key: {sign}",
    why: "it expires within hours, and needs a header that the image edge does not pass on",
    remedy:
      "use a key of an IAM user (aws iam create-access-key --user-name vitrine): {putId}, and its secret, without a session token",
    causes: {
      "session-at-hand": {
        severity: "warning",
        what: "{place} has temporary credentials, as of an AWS session ({sign}): S3 is not asked with them",
        why: "they are those of a person, not the Worker's: deployed, they would break it",
        remedy:
          "deploy none of them. To check a key of S3, use --secrets-file secrets.env, or take them out of {place}",
      },
    },
  },
  // A7
  "key-id": {
    asks: "does S3 know the access key id?",
    what: "S3 does not know this access key id ({code}): it is revoked, or misspelt",
    why: UNLESS_OTHER_SLOT,
    remedy: "{putId}, and its secret. To list the keys: aws iam list-access-keys",
    here: REMOVE_LOCALLY,
    causes: {
      "key-id-at-hand": {
        remedy:
          "take {id} and {secret} out of {place}, or check the Worker's key with --secrets-file secrets.env",
      },
    },
  },
  secret: {
    asks: "does the secret belong to that key id?",
    what: "S3 finds the signature wrong ({code}): the secret does not belong to the access key id, or this S3 does not know that id",
    why: UNLESS_OTHER_SLOT,
    remedy: "{putSecret}. If that secret is right, correct {id}",
    here: REMOVE_LOCALLY,
  },
  // A13
  list: {
    asks: "may the key only read, not list?",
    severity: "warning",
    what: "the key may list the bucket (s3:ListBucket)",
    why: "whoever steals the key learns the name of every object",
    remedy: `${LEAST}. Keep it if the log should tell missing objects from denied ones`,
    harmless: true,
    causes: {
      // A6: without it, nobody can tell a deleted object from a denied one.
      "list-for-store": {
        what: "the key may not list the bucket (s3:ListBucket), and there is a store",
        why: "S3 does not say that an object is deleted: what is stored of it stays, and visitors may see it again while S3 is down",
        remedy:
          "if it is the Worker's key, add s3:ListBucket on arn:aws:s3:::{bucket} to its policy: docs/deploy.md, “A store”. Or have S3 send events: docs/purge-and-warm.md, “By event”",
      },
    },
  },
  write: {
    asks: "may the key only read, not write?",
    severity: "warning",
    what: "the key may write (s3:PutObject)",
    why: "whoever steals the key can replace what all visitors see",
    remedy: LEAST,
    harmless: true,
    causes: {
      "key-wrote": {
        what: "the key may write: this test left an empty object to remove, {absent}",
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
