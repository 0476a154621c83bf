// How long a header of a visitor may be, if it is to be read.

/** No browser sends a longer Accept or condition: characters. */
export const LONGEST_HEADER = 1024;
