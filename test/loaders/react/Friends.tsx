import { type ImgProps, reactProps } from "../vitrine.ts";

export function Friends({ friends }: { readonly friends: ImgProps }) {
  return <img {...reactProps(friends)} alt={friends.alt} />;
}
