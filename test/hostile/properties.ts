// All properties that the Worker must keep for any request.

import { ofAddresses } from "./addresses.ts";
import { ofCertainty } from "./certainty.ts";
import { ofFacts } from "./facts.ts";
import { ofIdentity } from "./identity.ts";
import { ofImages } from "./images.ts";
import { ofKept } from "./kept.ts";
import { ofTimes } from "./kept-times.ts";
import { ofRequests } from "./requests.ts";
import { ofStore } from "./stored.ts";
import { ofVisitors } from "./visitors.ts";

export const PROPERTIES = {
  ...ofRequests,
  ...ofAddresses,
  ...ofVisitors,
  ...ofCertainty,
  ...ofKept,
  ...ofTimes,
  ...ofFacts,
  ...ofImages,
  ...ofIdentity,
  ...ofStore,
};

export type PropertyName = keyof typeof PROPERTIES;

export function isPropertyName(name: string): name is PropertyName {
  return Object.hasOwn(PROPERTIES, name);
}

export const PROPERTY_NAMES = Object.keys(PROPERTIES).filter(isPropertyName);
