/** The keys of the signed pictures. */
export const FRIENDS = "private/friends.jpg";
/** A key that looks like a query and a preset. */
export const HARD = "private/?exp=1&kid=k:1+1=2 (ü)%2F&sig=.jpg";
