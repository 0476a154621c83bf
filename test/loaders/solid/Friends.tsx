/** @jsxImportSource solid-js */
import type { ImgProps } from "../vitrine.ts";

export function Friends(props: { readonly friends: ImgProps }) {
  return <img {...props.friends} alt={props.friends.alt} />;
}
